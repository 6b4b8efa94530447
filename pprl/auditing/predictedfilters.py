"""
Predicted filters: known-pair learning the other way, from tokens to filters.

An insider with known patients who holds other people in clear need not read tokens out of a
filter, as Mildenberger et al. 2025 do: it can learn which filter a person would have, and look for
that.  We know of no paper that does so; it finds more than their attack, and is fast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import linalg, sparse

from pprl.auditing.knownpairs import ASSUMPTIONS, placed, require_pairs, unknown
from pprl.auditing.nearest import directions, most_alike, signs
from pprl.auditing.scenes import Guess, Layer, Scene
from pprl.auditing.tokentables import TokenTable
from pprl.model.arrays import Matrix, Rows

Table: TypeAlias = "sparse.csr_array[np.float32, tuple[int, int]]"
_LEAST_TOLD = 0.05  # by chance passes that tell nothing seem to tell about so much, or less than nothing


@dataclass(frozen=True, slots=True)
class PredictedFilters:
    """Learn filters from tokens, and take the known person whose filter would be most alike.

    Of several passes the filters are laid side by side, as a linkage unit holds them.

    The filter of a person is predicted by kernel ridge regression from the leaked
    records, the kernel falling with the bits by which two records' tokens differ,
    ``exp(-difference / width)``.  The covariance of two diffused filters falls so too: it is
    ``(1 - 2d)^t`` where a share `d` of the bits differed before.  Width and penalty are those that
    predict best when each record is left out in turn.

    Parameters
    ----------
    widths : tuple of float
        Tried, each times the mean number of bits of a record.  Narrower ones win only where little
        can be learned, and then find fewer people.
    penalties : tuple of float
        Tried.
    n_tried : int
        Leaked pairs from which both are chosen, at most.

    Examples
    --------
    >>> from pprl.auditing.scenes import carry_out, scene_of
    >>> from pprl.cleaning.fields import NameField
    >>> from pprl.encoding.hardening import Diffuse
    >>> from pprl.encoding.passes import FuzzyPass, PassField
    >>> from pprl.keys import LinkageKey
    >>> from pprl.model import TextColumn
    >>> letters = "abcdefgh"
    >>> people = {"name": TextColumn.from_texts(a + b + c for a in letters for b in letters for c in letters)}
    >>> diffused = (Diffuse(t=2, n_bits=1024),)
    >>> one = FuzzyPass(name="a", fields=(PassField(field="name", bits=40),), n_bits=512, hardening=diffused)
    >>> key = LinkageKey(bytes(range(32))).for_project("audit", epoch=1)
    >>> rules = [NameField(name="name")]
    >>> scene = scene_of(people, rules, [one], key, overlap=1, noise=None, leaked=200, seed=1)
    >>> carry_out(PredictedFilters(), scene, seed=1).share > 0.9
    True
    """

    widths: tuple[float, ...] = (0.25, 0.5, 1.0, 3.0, 10.0)
    penalties: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
    n_tried: int = 500

    @property
    def name(self) -> str:
        """Short name, as in tables."""
        return "known pairs, predicted filters"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the attacker must have."""
        return ASSUMPTIONS

    @property
    def needs_leak(self) -> bool:
        """It learns from leaked pairs."""
        return True

    def __call__(self, scene: Scene, generator: np.random.Generator) -> Guess:
        """Guess for each filter the row of `known`."""
        one = self.predicted(scene, generator)
        best = most_alike(one.filters, one.predictions) if one.candidates.size else one.rows
        return placed(scene, one.rows, one.candidates, best)

    def predicted(self, scene: Scene, generator: np.random.Generator) -> "Predicted":
        """Predict the filters of every candidate.

        Parameters
        ----------
        scene : Scene
            The scene, with leaked pairs.
        generator : numpy.random.Generator
            Which pairs choose width and penalty.

        Raises
        ------
        UsageError
            If there are fewer than 10 leaked pairs.
        """
        require_pairs(scene)
        rows, candidates = unknown(scene)
        order = generator.permutation(scene.leaked.size)
        parts = [self._of_pass(scene, layer, rows, candidates, order) for layer in scene.layers]
        filters, predictions = (np.hstack(side) for side in zip(*parts, strict=True))
        return Predicted(rows, candidates, filters, predictions)

    def _of_pass(
        self, scene: Scene, layer: Layer, rows: Rows, candidates: Rows, order: Rows
    ) -> tuple[Matrix, Matrix]:
        """Give the filters of a pass, and what is predicted of the candidates', as long as it tells.

        The product of a filter and a prediction of length 1 varies by about 1 by chance; by how much
        it is greater where both are of one person weighs the pass.
        """
        table, told = _weighted(layer.known_tokens), scene.partner[scene.leaked]
        leaked = signs(layer.encoded.take(scene.leaked))
        tried = order[: self.n_tried]
        width, penalty = self._chosen(_differences(table[told[tried]]), leaked[tried])

        def predicted(known: Rows, filters: Matrix, wanted: Rows) -> tuple[Matrix, Matrix]:
            base = filters.mean(axis=0)
            weights = kernel_weights(np.exp(-_differences(table[known]) / width), filters - base, penalty)
            return base, directions(np.exp(-_differences(table[wanted], table[known]) / width) @ weights)

        half, others = order[::2], order[1::2]
        base, foretold = predicted(told[half], leaked[half], told[others])
        tells = float(((leaked[others] - base) * foretold).sum(axis=1).mean())
        base, predictions = predicted(told, leaked, candidates)
        return signs(layer.encoded.take(rows)) - base, np.float32(max(tells, _LEAST_TOLD)) * predictions

    def _chosen(self, differences: Matrix, filters: Matrix) -> tuple[float, float]:
        """Give the width and the penalty with the least error, each row left out in turn."""
        centred = filters - filters.mean(axis=0)
        errors = {
            (width, penalty): error
            for width in self.widths
            for penalty, error in zip(
                self.penalties,
                left_out_errors(np.exp(-differences / width), centred, self.penalties),
                strict=True,
            )
        }
        return min(errors, key=lambda pair: errors[pair])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Predicted:
    """What the filters of candidates would be, beside the filters.

    Parameters
    ----------
    rows, candidates : ndarray of int64
        Filters whose person is not known, and known records without a filter.
    filters : ndarray of float32, shape (rows, bits of all passes)
        The filters as 1 and -1, less the mean of the leaked ones.
    predictions : ndarray of float32, shape (candidates, bits of all passes)
        What is predicted of them; in each pass as long as the pass tells.
    """

    rows: Rows
    candidates: Rows
    filters: Matrix
    predictions: Matrix


def kernel_weights(kernel: Matrix, targets: Matrix, penalty: float) -> Matrix:
    """Solve ``(kernel + penalty) weights = targets``.

    Parameters
    ----------
    kernel : ndarray, shape (n, n)
        Symmetric and not negative.
    targets : ndarray, shape (n, m)
        What is to be given.
    penalty : float
        Added to the diagonal.

    Examples
    --------
    >>> kernel_weights(np.eye(2, dtype=np.float32), np.array([[1], [2]], dtype=np.float32), 1).tolist()
    [[0.5], [1.0]]
    """
    held = kernel.astype(np.float64)
    held[np.diag_indices_from(held)] += penalty
    return np.asarray(linalg.solve(held, targets, assume_a="pos"), dtype=np.float32)


def left_out_errors(kernel: Matrix, targets: Matrix, penalties: Sequence[float]) -> list[float]:
    """Give for each penalty the mean square error of a row predicted from all others.

    The error is the row's weight over its place on the diagonal of the inverse.

    Examples
    --------
    >>> left_out_errors(np.eye(2, dtype=np.float32), np.array([[1], [2]], dtype=np.float32), [1.0])
    [2.5]
    """
    values, vectors = np.linalg.eigh(kernel.astype(np.float64))
    turned = vectors.T @ targets
    errors: list[float] = []
    for penalty in penalties:
        inverse = 1 / (np.maximum(values, 0) + penalty)
        weights = vectors @ (inverse[:, None] * turned)
        errors.append(float(((weights / ((vectors**2) @ inverse)[:, None]) ** 2).mean()))
    return errors


def _weighted(tokens: TokenTable) -> "Table":
    """Give each token the root of its bits, so that squared distances count bits, per mean record."""
    roots = np.sqrt(tokens.bits * (len(tokens) / max(int(tokens.bits.sum()), 1))).astype(np.float32)
    return sparse.csr_array((roots, tokens.indices, tokens.indptr), shape=tokens.to_csr().shape)


def _differences(left: "Table", right: "Table | None" = None) -> Matrix:
    """Give the squared distances of all pairs of rows."""
    other = left if right is None else right
    shared = (left @ other.T).toarray()
    between = _squares(left)[:, None] + _squares(other) - 2 * shared
    return np.asarray(np.maximum(between, 0), dtype=np.float32)


def _squares(table: "Table") -> Matrix:
    return np.asarray(table.multiply(table).sum(axis=1), dtype=np.float32)
