"""
Graph matching: who is who, told from who is like whom.

Similarities survive encoding, so the graph of all pairs of a victim's filters is nearly that of
the same people in clear, and the two are laid onto each other without any key (Vidanage,
Christen, Ranbaduge & Schnell, CIKM 2020; Schaefer, Armknecht & Heng 2024, who embed nodes,
align by Wasserstein-Procrustes and assign).  Ours embeds by eigenvectors and not by random
walks, begins with invariants that a rehearsal has weighed, and ends with seeded rounds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pprl.auditing.alignment import (
    Leads,
    Twins,
    aligned,
    anchored_scores,
    best_partners,
    invariant_distances,
    leads,
)
from pprl.auditing.embedding import (
    agreements,
    centred,
    expected_agreements,
    expected_fills,
    invariants,
    off_diagonal,
    rehearsed_filters,
    spectral_embedding,
    told_stretch,
)
from pprl.auditing.scenes import NOBODY, Guess, Layer, Scene
from pprl.auditing.tokentables import TokenTable
from pprl.comparison.sampling import some
from pprl.encoding.hardening import (
    Balance,
    Diffuse,
    Flip,
    Permute,
    Resample,
    Rule90,
    Step,
    WindowXor,
    XorFold,
)
from pprl.encoding.schemes import CLK
from pprl.errors import UsageError
from pprl.model import BitMatrix
from pprl.model.arrays import Matrix, Rows, Scores

MAX_RECORDS = 10_000  # on either side: some ten matrices of 400 MB
_LEAST_RECORDS = 20
_LEAST_LEADER = 1.0  # standard deviations of a chance score by which an anchor is ahead
_ENOUGH_LEADERS = 0.3
_N_TOLD_BY = 1000  # records of each side that tell the stretch
_SETTLED = 0.75  # median lead of mutual pairs: of graphs that do not fit it is about 0.2
_FAR_AHEAD = 2.0  # lead that few pairs have by chance
_LOOK_AFTER = 6  # rounds: no more are made if then
_PROMISING = 0.04  # of the mutual pairs are far ahead, or fewer
_SURE = np.float32(1e4)  # distance of a pair that cannot be, beside any that could


@dataclass(frozen=True, slots=True)
class GraphMatching:
    """Lay the graph of the known records onto that of the filters.

    Parameters
    ----------
    n_dims : int
        Dimensions of the embedding.
    n_rotations : int
        Rounds of Wasserstein-Procrustes.
    n_rounds : int
        Rounds of seeded matching, at most; fewer where the first ones promise nothing.
    warmths : tuple of float
        For each attempt, by how much the embedding is first believed less; each attempt has a
        rehearsal of its own, and none is made after one that settles.

    Notes
    -----
    Where pairs were leaked they are held fixed, and a first attempt begins with them alone.
    Every record is given a partner, as long as there are any: the guesses of filters whose
    person the attacker lacks are wrong.

    Examples
    --------
    >>> from pprl.auditing.scenes import carry_out, scene_of
    >>> from pprl.cleaning.fields import NameField
    >>> from pprl.encoding.passes import FuzzyPass, PassField
    >>> from pprl.keys import LinkageKey
    >>> from pprl.model import TextColumn
    >>> drawn = np.random.default_rng(1).choice(list("aabbcdeeefghiklmnnoprsttu"), (300, 9))
    >>> people = {"name": TextColumn.from_texts("".join(row[: 5 + i % 5]) for i, row in enumerate(drawn))}
    >>> use = PassField(field="name", bits_per_token=10)
    >>> one = FuzzyPass(name="plain", fields=(use,), n_bits=1024, hardening=())
    >>> key = LinkageKey(bytes(range(32))).for_project("audit", epoch=1)
    >>> rules = [NameField(name="name")]
    >>> scene = scene_of(people, rules, [one], key, overlap=1, noise=None, leaked=0, seed=1)
    >>> carry_out(GraphMatching(), scene, seed=1).share > 0.9
    True
    """

    n_dims: int = 128
    n_rotations: int = 30
    n_rounds: int = 40
    warmths: tuple[float, ...] = (10.0, 3.0, 10.0, 3.0)

    @property
    def name(self) -> str:
        """Short name, as in tables."""
        return "graph matching"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the attacker must have."""
        return (
            "the filters of a pass, or of all passes",
            "many of the same people in clear",
            "the agreement: fields, tokens, bits for each token, and length of the filters",
        )

    @property
    def needs_leak(self) -> bool:
        """Whether it learns from pairs that the attacker was told: only if there are any."""
        return False

    def __call__(self, scene: Scene, generator: np.random.Generator) -> Guess:
        """Guess for each filter the row of `known`, or -1.

        Raises
        ------
        UsageError
            If there are more than 10,000 records on either side.
        """
        if max(len(scene.encoded), len(scene.known_tokens)) > MAX_RECORDS:
            raise UsageError(
                f"graph matching: at most {MAX_RECORDS} records on each side",
                code="too-many-records",
                hint="attack a sample of the records",
            )
        guess = np.full(len(scene.encoded), NOBODY, dtype=np.int64)
        rows = np.flatnonzero(np.all([one.encoded.popcounts() > 0 for one in scene.layers], axis=0))
        known = np.flatnonzero(np.all([one.known_tokens.lengths() > 0 for one in scene.layers], axis=0))
        if min(rows.size, known.size) >= _LEAST_RECORDS:
            partners = self._partners(_Graphs.of(scene, rows, known, generator), generator)
            guess[rows] = np.where(partners == NOBODY, NOBODY, known[partners])
        guess[scene.leaked] = scene.partner[scene.leaked]
        return guess

    def _partners(self, graphs: "_Graphs", generator: np.random.Generator) -> Rows:
        """Make attempts until one settles; assign by the one that fits best."""
        best_fit, best_score = -1.0, np.zeros((0, 0), dtype=np.float32)
        for first in self._attempts(graphs, generator):
            found, score = self._refined(graphs, first)
            fit = float(np.maximum(found.lead, 0).mean())
            if fit > best_fit:
                best_fit, best_score = fit, score
            if found.mutual.any() and np.median(found.lead[found.mutual]) > _SETTLED:
                break
        return best_partners(graphs.pinned(best_score, -_SURE, _SURE))

    def _attempts(self, graphs: "_Graphs", generator: np.random.Generator) -> Iterator[Leads]:
        """Give leads to begin the seeded rounds with: first those of leaked pairs, if there are any."""
        if graphs.pins.size:
            yield leads(
                anchored_scores(graphs.encoded_middle, graphs.clear_middle, graphs.pins, graphs.pinned_to)
            )
        left = spectral_embedding(graphs.encoded_middle, self.n_dims, generator)
        right = spectral_embedding(graphs.clear_middle, self.n_dims, generator)
        for warmth in self.warmths:
            filters = [one.rehearsed(generator) for one in graphs.sides]
            rehearsal = _weighted([agreements(bits) for bits in filters], graphs.weights)
            apart = invariant_distances(
                graphs.encoded_invariants, graphs.clear_invariants, invariants(rehearsal, _sizes(filters))
            )
            rehearsed = spectral_embedding(centred(rehearsal), self.n_dims, generator)
            shares = aligned(
                Twins(left, right, rehearsed),
                graphs.pinned(apart, _SURE, np.float32(0)),
                warmth=warmth,
                n_dims=self.n_dims,
                n_rounds=self.n_rotations,
            )
            yield leads(np.log(shares + np.float32(1e-30)))

    def _refined(self, graphs: "_Graphs", found: Leads) -> tuple[Leads, Matrix]:
        """Take the pairs that are furthest ahead for known, score all by them, and begin again."""
        anchors = found.strongest(0.5)
        for done in range(1, self.n_rounds + 1):
            anchors = np.setdiff1d(anchors, graphs.pins)
            score = anchored_scores(
                graphs.encoded_middle,
                graphs.clear_middle,
                np.concatenate([graphs.pins, anchors]),
                np.concatenate([graphs.pinned_to, found.best[anchors]]),
            )
            before, found = found.best, leads(score)
            if np.array_equal(before, found.best) or (done == _LOOK_AFTER and not _is_promising(found)):
                break
            anchors = _leaders(found)
        return found, score


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Side:
    """One pass, of the records that are not empty.

    Parameters
    ----------
    bits : BitMatrix
        The victim's filters.
    table : TokenTable
        The known records.
    n_bits, stretch : int
        Length before hardening, and bits that are XORed.
    """

    bits: BitMatrix
    table: TokenTable
    n_bits: int
    stretch: int

    @classmethod
    def of(cls, layer: Layer, rows: Rows, known: Rows, generator: np.random.Generator) -> "_Side":
        """Look up in the agreement, or tell from the filters, what hardening did."""
        bits, table = layer.encoded.take(rows), _some_rows(layer.known_tokens, known)
        n_bits, stretch = bits.n_bits, None  # of other encodings, what the filters tell by themselves
        if layer.one.encoding == CLK:
            n_bits, stretch = layer.one.n_bits, stretch_of(layer.one.hardening)
        return cls(bits, table, n_bits, stretch or _told_stretch(table, bits, n_bits, generator))

    def rehearsed(self, generator: np.random.Generator) -> BitMatrix:
        """Encode the known records under a key of the attacker's own."""
        return rehearsed_filters(self.table, self.n_bits, self.stretch, self.bits.n_bits, generator)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Graphs:
    """Both graphs, and what is fixed.

    Parameters
    ----------
    sides : tuple of _Side
        The passes, whose agreements are averaged.
    weights : tuple of float
        Of the passes in that average.
    encoded_middle, clear_middle : ndarray of float32
        Centred agreements of the filters, and those expected of the known records.
    encoded_invariants, clear_invariants : ndarray of float32
        What each record has by itself.
    pins, pinned_to : ndarray of int64
        Records of leaked pairs, and their partners.
    """

    sides: tuple[_Side, ...]
    weights: tuple[float, ...]
    encoded_middle: Matrix
    clear_middle: Matrix
    encoded_invariants: Matrix
    clear_invariants: Matrix
    pins: Rows
    pinned_to: Rows

    @classmethod
    def of(cls, scene: Scene, rows: Rows, known: Rows, generator: np.random.Generator) -> "_Graphs":
        """Make the graphs of the records that are not empty."""
        sides = tuple(_Side.of(one, rows, known, generator) for one in scene.layers)
        expected = [expected_agreements(one.table, one.n_bits, one.stretch) for one in sides]
        weights = _weights(sides, expected)
        encoded = _weighted([agreements(one.bits) for one in sides], weights)
        clear = _weighted(expected, weights)
        pins = np.flatnonzero(np.isin(rows, scene.leaked) & np.isin(scene.partner[rows], known))
        return cls(
            sides=sides,
            weights=weights,
            encoded_middle=centred(encoded),
            clear_middle=centred(clear),
            encoded_invariants=invariants(encoded, _sizes([one.bits for one in sides])),
            clear_invariants=invariants(
                clear, np.sum([one.n_bits * expected_fills(one.table, one.n_bits) for one in sides], axis=0)
            ),
            pins=pins,
            pinned_to=np.searchsorted(known, scene.partner[rows[pins]]),
        )

    def pinned(self, table: Matrix, otherwise: np.float32, where: np.float32) -> Matrix:
        """Write leaked pairs into a table of all pairs, which is overwritten."""
        table[self.pins] = otherwise
        table[:, self.pinned_to] = otherwise
        table[self.pins, self.pinned_to] = where
        return table


def _leaders(found: Leads) -> Rows:
    """List the mutual pairs that are clearly ahead, or the better half where these are few."""
    mutual = np.flatnonzero(found.mutual)
    clear = mutual[found.lead[mutual] >= _LEAST_LEADER]
    return clear if clear.size >= _ENOUGH_LEADERS * mutual.size else found.strongest(0.5)


def stretch_of(hardening: Sequence[Step]) -> int | None:
    """Say how many bits a chain XORs into one; None if it does what an attacker cannot imitate.

    Noise and permutations leave that number as it is.

    Examples
    --------
    >>> stretch_of(()), stretch_of((Diffuse(t=3, n_bits=1024), Balance())), stretch_of((XorFold(), XorFold()))
    (1, 3, 4)
    """
    stretch = 1
    for step in hardening:
        if isinstance(step, Diffuse):
            stretch *= step.t
        elif isinstance(step, Resample | XorFold | WindowXor):
            stretch *= 2
        elif isinstance(step, Rule90):
            stretch *= 2 ** step.rounds.bit_count()  # the others meet twice, and cancel out
        elif not isinstance(step, Balance | Permute | Flip):
            return None
    return stretch


def _is_promising(found: Leads) -> bool:
    """Say whether more pairs are far ahead than graphs have that do not fit."""
    return bool((found.lead[found.mutual] >= _FAR_AHEAD).mean() > _PROMISING) if found.mutual.any() else False


def _weights(sides: Sequence[_Side], expected: Sequence[Matrix]) -> tuple[float, ...]:
    """Weigh passes by what they tell: of one signal in noise the best sum weighs by signal over variance.

    The signal of a pass is how much expected agreements vary; by chance those of filters vary by
    ``1 / n_bits``.
    """
    told = [
        float(off_diagonal(table).std(dtype=np.float64)) * side.bits.n_bits
        for side, table in zip(sides, expected, strict=True)
    ]
    total = sum(told)
    return tuple(one / total if total > 0 else 1 / len(told) for one in told)


def _weighted(tables: Sequence[Matrix], weights: Sequence[float]) -> Matrix:
    """Give the weighted mean of tables, which are overwritten."""
    total = tables[0]
    total *= np.float32(weights[0])
    for table, weight in zip(tables[1:], weights[1:], strict=True):
        total += np.multiply(table, np.float32(weight), out=table)
    return total


def _sizes(filters: Sequence[BitMatrix]) -> Scores:
    """Count the bits of each record over all passes."""
    sizes: Scores = np.sum([bits.popcounts() for bits in filters], axis=0).astype(np.float64)
    return sizes


def _told_stretch(table: TokenTable, bits: BitMatrix, n_bits: int, generator: np.random.Generator) -> int:
    """Tell the stretch from some records of both sides."""
    rows, known = (some(len(side), _N_TOLD_BY, generator) for side in (bits, table))
    return told_stretch(_some_rows(table, known), bits.take(rows), n_bits, generator)


def _some_rows(table: TokenTable, rows: Rows) -> TokenTable:
    """Give some records of a table, in rising order."""
    lengths = table.lengths()
    kept = np.isin(table.owners(), rows)
    return TokenTable(
        indptr=np.concatenate([[0], np.cumsum(lengths[rows])]),
        indices=table.indices[kept],
        bits=table.bits[kept],
        vocabulary=table.vocabulary,
    )
