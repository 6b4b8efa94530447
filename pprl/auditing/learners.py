"""
Learners: which tokens a filter holds, learned from filters whose tokens are known.

A learner is its own configuration.  It sees the filters of the leaked pairs, their bits written
as -1 and 1, and for each token whether the record has it.  It gives a number for each filter that
it has not seen and each token, and the same for some filters that were left out while it learned,
from which a threshold can be chosen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from pprl.model.arrays import Matrix, Rows, Scores

_PENALTIES = np.geomspace(1e-3, 10, 9)  # tried by ridge, times the mean square of the singular values
_LABELS_TRIED = 200  # the most frequent tokens, by which a penalty is chosen
_DECAY, _SQUARES_DECAY, _FLOOR = 0.9, 0.999, 1e-8  # Adam's, as Kingma & Ba 2015


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Learned:
    """What a learner says of filters that it has not seen.

    Parameters
    ----------
    predicted : ndarray of float32, shape (unseen filters, tokens)
        About 1 where a filter seems to hold the token, and about 0 where not.
    checked : ndarray of int64
        Rows of the leaked filters that were left out in turn.
    held_out : ndarray of float32, shape (checked, tokens)
        What was said of these.
    """

    predicted: Matrix
    checked: Rows
    held_out: Matrix


class Learner(Protocol):
    """What learns tokens from filters."""

    name: ClassVar[str]

    def __call__(
        self, filters: Matrix, tokens: Matrix, unseen: Matrix, generator: np.random.Generator
    ) -> Learned:
        """Learn from filters of shape (k, bits) and their tokens of shape (k, vocabulary)."""
        ...


@dataclass(frozen=True, slots=True)
class Ridge:
    """Linear least squares with a penalty, one equation for each token (Hoerl & Kennard 1970).

    The linear baseline.  The penalty is the one that predicts best when each filter is left out
    in turn, which needs no second fit: the error then is the residual over one minus the leverage.

    Parameters
    ----------
    penalties : tuple of float
        Tried, each times the mean square of the singular values.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> filters = rng.choice(np.array([-1, 1], dtype=np.float32), (60, 16))
    >>> tokens = (filters[:, :3] > 0).astype(np.float32)  # the first bits are the tokens
    >>> learned = Ridge()(filters[:50], tokens[:50], filters[50:], rng)
    >>> bool(((learned.predicted > 0.5) == tokens[50:]).all())
    True
    """

    name: ClassVar[str] = "linear"
    penalties: tuple[float, ...] = tuple(_PENALTIES.tolist())

    def __call__(
        self, filters: Matrix, tokens: Matrix, unseen: Matrix, generator: np.random.Generator
    ) -> Learned:
        """Learn, and predict; nothing is drawn."""
        del generator
        centre, base = filters.mean(axis=0), tokens.mean(axis=0)
        left, sizes, right = np.linalg.svd(filters - centre, full_matrices=False)
        left, right = _without_nothing(left, sizes), _without_nothing(right.T, sizes)
        squares = (sizes[: left.shape[1]] ** 2).astype(np.float64)
        common = np.argsort(-base, kind="stable")[:_LABELS_TRIED]
        candidates = (
            [penalty * float(squares.mean()) for penalty in self.penalties] if squares.size else [1.0]
        )
        errors = [_left_out_errors(left, squares, tokens[:, common], penalty) for penalty in candidates]
        penalty = candidates[int(np.argmin([float((error**2).mean()) for error in errors]))]
        roots = np.sqrt(squares)
        shrunk = (roots / (squares + penalty)).astype(np.float32)
        weights = right @ (shrunk[:, None] * (left.T @ (tokens - base)))
        return Learned(
            predicted=(base + (unseen - centre) @ weights).astype(np.float32),
            checked=np.arange(len(filters)),
            held_out=tokens - _left_out_errors(left, squares, tokens, penalty),
        )


@dataclass(frozen=True, slots=True)
class Network:
    """A neural network with one hidden layer, a sigmoid for each token, cross-entropy and Adam.

    After Mildenberger et al. 2025.  Some pairs are held out.  The network is kept as it was when
    it told their token sets apart best, and not when the loss was least: the loss rises with the
    rare tokens long before that.  The last layer begins at nothing but the tokens' frequencies.

    Parameters
    ----------
    n_hidden : int
        Rectified linear units.
    n_epochs : int
        Passes over the pairs, at most.
    patience : int
        Epochs without a gain after which it stops.
    rate : float
        Adam's step.
    n_batch : int
        Pairs in a step.
    dropout : float
        Share of the bits hidden in each step.
    held_out : float
        Share of the pairs held out.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> filters = rng.choice(np.array([-1, 1], dtype=np.float32), (300, 16))
    >>> tokens = (filters[:, :3] > 0).astype(np.float32)  # the first bits are the tokens
    >>> learned = Network(n_hidden=16, rate=0.01)(filters[:250], tokens[:250], filters[250:], rng)
    >>> bool(((learned.predicted > 0.5) == tokens[250:]).mean() > 0.9)
    True
    """

    name: ClassVar[str] = "network"
    n_hidden: int = 256
    n_epochs: int = 60
    patience: int = 5
    rate: float = 1e-3
    n_batch: int = 32
    dropout: float = 0.3
    held_out: float = 0.2

    def __call__(
        self, filters: Matrix, tokens: Matrix, unseen: Matrix, generator: np.random.Generator
    ) -> Learned:
        """Learn, and predict; the generator draws the first weights, the batches and what is hidden."""
        order = generator.permutation(len(filters))
        n_checked = max(1, round(self.held_out * order.size))
        checked, rows = order[:n_checked], order[n_checked:]
        met = np.flatnonzero(tokens[rows].any(axis=0))  # of a token never met nothing can be learned
        fitting = _Fitting(filters[rows], tokens[np.ix_(rows, met)])
        weights = _kept(
            self._epochs(fitting, generator), filters[checked], tokens[np.ix_(checked, met)], self.patience
        )
        n_tokens = tokens.shape[1]
        return Learned(
            predicted=_spread(_chances(weights, unseen), met, n_tokens),
            checked=checked,
            held_out=_spread(_chances(weights, filters[checked]), met, n_tokens),
        )

    def _epochs(self, fitting: "_Fitting", generator: np.random.Generator) -> Iterator["Weights"]:
        """Give the weights after each epoch."""
        weights = first_weights(fitting.filters.shape[1], self.n_hidden, fitting.tokens, generator)
        means = [np.zeros_like(one) for one in weights]
        squares = [np.zeros_like(one) for one in weights]
        n_steps = 0
        for _ in range(self.n_epochs):
            order = generator.permutation(len(fitting.filters))
            for start in range(0, order.size, self.n_batch):
                batch = order[start : start + self.n_batch]
                shown = _partly_hidden(fitting.filters[batch], self.dropout, generator)
                _, slopes = loss_and_slopes(weights, shown, fitting.tokens[batch])
                n_steps += 1
                rate = self.rate * np.sqrt(1 - _SQUARES_DECAY**n_steps) / (1 - _DECAY**n_steps)
                for one, slope, mean, square in zip(weights, slopes, means, squares, strict=True):
                    mean += (1 - _DECAY) * (slope - mean)  # noqa: PLW2901 - in place
                    square += (1 - _SQUARES_DECAY) * (slope**2 - square)  # noqa: PLW2901 - in place
                    one -= np.float32(rate) * mean / (np.sqrt(square) + _FLOOR)  # noqa: PLW2901 - in place
            yield tuple(one.copy() for one in weights)


Weights = tuple[npt.NDArray[np.floating], ...]  # first layer and its offsets, last layer and its offsets


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Fitting:
    """The pairs that a network is fitted to."""

    filters: Matrix
    tokens: Matrix


def first_weights(n_bits: int, n_hidden: int, tokens: Matrix, generator: np.random.Generator) -> Weights:
    """Draw a hidden layer (He et al. 2015), and let the last one give the tokens' frequencies.

    Examples
    --------
    >>> tokens = np.array([[1, 0], [1, 0]], dtype=np.float32)
    >>> [layer.shape for layer in first_weights(16, 4, tokens, np.random.default_rng(1))]
    [(16, 4), (4,), (4, 2), (2,)]
    """
    has, lacks = tokens.sum(axis=0), len(tokens) - tokens.sum(axis=0)
    first = generator.standard_normal((n_bits, n_hidden), dtype=np.float32) * np.float32((2 / n_bits) ** 0.5)
    return (
        first,
        np.zeros(n_hidden, dtype=np.float32),
        np.zeros((n_hidden, tokens.shape[1]), dtype=np.float32),
        np.log((has + 0.5) / (lacks + 0.5)).astype(np.float32),
    )


def loss_and_slopes(weights: Weights, filters: Matrix, tokens: Matrix) -> tuple[float, Weights]:
    """Give the cross-entropy, summed over tokens and averaged over records, and its gradient.

    Parameters
    ----------
    weights : tuple of ndarray
        First layer (bits, hidden) and its offsets, last layer (hidden, tokens) and its offsets.
    filters, tokens : ndarray
        Some pairs.

    Examples
    --------
    >>> nothing = (np.zeros((3, 2)), np.zeros(2), np.zeros((2, 1)), np.zeros(1))
    >>> loss, slopes = loss_and_slopes(nothing, np.ones((4, 3)), np.ones((4, 1)))
    >>> round(loss, 3), slopes[3].tolist()  # a coin, which should have said yes
    (0.693, [-0.5])
    """
    first, first_offset, last, last_offset = weights
    hidden = np.maximum(filters @ first + first_offset, 0)
    odds = hidden @ last + last_offset
    loss = float((np.logaddexp(0, odds) - tokens * odds).sum() / len(filters))
    off = (_sigmoid(odds) - tokens) / len(filters)
    behind = (off @ last.T) * (hidden > 0)
    return loss, (filters.T @ behind, behind.sum(axis=0), hidden.T @ off, off.sum(axis=0))


def likeness(predicted: Matrix, tokens: Matrix, base: Matrix) -> Scores:
    """Give for each row how alike prediction and truth are: their cosine, the frequencies taken off.

    Examples
    --------
    >>> truth, base = np.array([[1.0, 0.0]], dtype=np.float32), np.array([0.5, 0.5], dtype=np.float32)
    >>> likeness(np.array([[0.6, 0.4]], dtype=np.float32), truth, base).round(3).tolist()
    [1.0]
    """
    one, other = predicted - base, tokens - base
    sizes = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / np.maximum(sizes, _FLOOR), dtype=np.float64)


def _kept(epochs: Iterator[Weights], filters: Matrix, tokens: Matrix, patience: int) -> Weights:
    """Give the weights that tell held-out token sets apart best, once nothing has been gained for long."""
    base = tokens.mean(axis=0)
    best, waited = -np.inf, 0
    kept: Weights = ()
    for weights in epochs:
        score = float(likeness(_chances(weights, filters), tokens, base).mean())
        waited = 0 if score > best else waited + 1
        if not waited:
            best, kept = score, weights
        if waited > patience:
            break
    return kept


def _left_out_errors(left: Matrix, squares: Scores, tokens: Matrix, penalty: float) -> Matrix:
    """Give the error of each row under the fit to all others."""
    share = (squares / (squares + penalty)).astype(np.float32)
    centred = tokens - tokens.mean(axis=0)
    fitted = left @ (share[:, None] * (left.T @ centred))
    leverage = 1 / len(tokens) + (left**2) @ share
    return np.asarray((centred - fitted) / np.maximum(1 - leverage, 1e-6)[:, None], dtype=np.float32)


def _without_nothing(vectors: Matrix, sizes: Matrix) -> Matrix:
    """Drop the vectors whose singular value is nothing but rounding."""
    return vectors[:, sizes > sizes.max(initial=0) * 1e-5]


def _partly_hidden(filters: Matrix, share: float, generator: np.random.Generator) -> Matrix:
    if not share:
        return filters
    seen = generator.random(filters.shape, dtype=np.float32) >= share
    return filters * seen / np.float32(1 - share)


def _chances(weights: Sequence[npt.NDArray[np.floating]], filters: Matrix) -> Matrix:
    first, first_offset, last, last_offset = weights
    odds = np.maximum(filters @ first + first_offset, 0) @ last + last_offset
    return np.asarray(_sigmoid(odds), dtype=np.float32)


def _sigmoid(odds: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    chances: npt.NDArray[np.floating] = np.exp(-np.logaddexp(0, -odds))
    return chances


def _spread(some: Matrix, places: Rows, n_tokens: int) -> Matrix:
    """Put columns in their places among all tokens; the others are 0."""
    every = np.zeros((len(some), n_tokens), dtype=np.float32)
    every[:, places] = some
    return every
