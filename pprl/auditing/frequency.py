"""
Frequency alignment: the most frequent filter is the most frequent name.

After Christen, Schnell, Vatsalan & Ranbaduge 2017 (PAKDD, LNCS 10234).  Filters and values that
occur equally often are put side by side.  From these pairs it is learned which tokens cannot set
which bit, and by that other values are found too.  Neither key nor hash function is needed; what
is needed is that people share values, so it is made for filters of a single field.

Deviations: the paper pairs by rank where frequencies are unique; here any two may be paired whose
frequencies agree within a tolerance, as long as no other filter or value fits as well.  Where
filters are as heavy as plain ones would be, their number of bits must agree too, and the bits that
they share with filters paired before must be as many as their values' tokens would set.  So values
of one frequency are told apart, and an attacker with other people is not lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pprl.auditing.scenes import NOBODY, Guess, Scene
from pprl.auditing.values import distinct_filters, distinct_values
from pprl.errors import UsageError
from pprl.model import BitMatrix
from pprl.model.arrays import Bools, Floats, Rows

_ANCHORS = 50  # pairs of a round by which others are ruled out


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyAlignment:
    """Say which value each filter holds by how often it occurs.

    Parameters
    ----------
    least_count : int
        A filter or value that fewer have is not paired by its frequency.
    tolerance : float
        How far two frequencies may be apart, in standard deviations of their difference; with 0
        they must be equal.  An attacker whose people are not quite the victim's allows for more.
    extend : bool
        Whether rarer values are told by the bits that the paired ones explain.

    Examples
    --------
    >>> attack = FrequencyAlignment(tolerance=2)
    >>> attack.name, attack.needs_leak
    ('frequency alignment', False)
    """

    least_count: int = 2
    tolerance: float = 0.0
    extend: bool = True

    def __post_init__(self) -> None:
        if self.least_count < 1 or self.tolerance < 0:
            raise UsageError(
                "frequency alignment: wanted a count of at least 1 and a tolerance of at least 0",
                code="bad-option",
            )

    @property
    def name(self) -> str:
        """Short name, as in tables."""
        return "frequency alignment"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the attacker must have."""
        return ("values as frequent as the victim's", "the agreement, without the key")

    @property
    def needs_leak(self) -> bool:
        """Whether it learns from pairs that the attacker was told."""
        return False

    def __call__(self, scene: Scene, generator: np.random.Generator) -> Guess:
        """Guess for each filter a row of `known` that has its value, or -1."""
        del generator  # nothing is drawn
        filters, values = distinct_filters(scene.encoded), distinct_values([scene.known_tokens])
        bits = scene.encoded.to_bools()[filters.first]
        tokens = scene.known_tokens.to_csr().toarray()[values.first] > 0
        fits = self.as_frequent(filters.counts, values.counts)
        asked = scene.known_tokens.asked()
        is_plain = looks_plain(scene.encoded, asked)
        if is_plain:
            fits &= as_heavy(bits, asked[values.first])
        value_of = paired(bits, tokens, fits, asked[values.first] if is_plain else None)
        if self.extend and is_plain:
            value_of = extended(bits, tokens, value_of)
        rows = np.append(values.first, NOBODY)  # value -1 reads the last
        guess: Guess = rows[value_of[filters.value]]
        return guess

    def as_frequent(self, filter_counts: Rows, value_counts: Rows) -> Bools:
        """Say which filter and value are equally frequent, shape (filters, values).

        Parameters
        ----------
        filter_counts, value_counts : ndarray of int64
            How many have each.

        Examples
        --------
        >>> FrequencyAlignment().as_frequent(np.array([9, 1]), np.array([9, 1])).tolist()
        [[True, False], [False, False]]
        """
        scale = filter_counts.sum() / max(int(value_counts.sum()), 1)
        expected = value_counts * scale
        off = np.abs(filter_counts[:, None] - expected)
        spread = np.sqrt(filter_counts[:, None] + expected * scale)
        frequent = (filter_counts >= self.least_count)[:, None] & (value_counts >= self.least_count)
        equal: Bools = frequent & (off <= self.tolerance * spread + 1e-9)
        return equal


def paired(bits: Bools, tokens: Bools, fits: Bools, asked: Floats | None) -> Rows:
    """Pair filters with values that fit each other and nothing else.

    Parameters
    ----------
    bits : ndarray of bool, shape (filters, m)
        Distinct filters.
    tokens : ndarray of bool, shape (values, vocabulary)
        Which tokens each distinct value has.
    fits : ndarray of bool, shape (filters, values)
        What may be paired.
    asked : ndarray of float64, shape (values,), or None
        How many positions the tokens of each value ask for in a plain filter.  Each pair then
        rules out others, by the bits that filters share with its own; without it none does.

    Returns
    -------
    ndarray of int64, shape (filters,)
        The value of each filter, or -1.

    Examples
    --------
    >>> fits = np.array([[1, 1], [0, 1]], dtype=bool)
    >>> paired(np.eye(2, dtype=bool), np.eye(2, dtype=bool), fits, None).tolist()
    [-1, -1]
    """
    fits, value_of = fits.copy(), np.full(len(bits), NOBODY, dtype=np.int64)
    while True:
        mutual = fits & (fits.sum(axis=1, keepdims=True) == 1) & (fits.sum(axis=0) == 1)
        new = np.flatnonzero(mutual.any(axis=1) & (value_of == NOBODY))
        if not new.size:
            return value_of
        value_of[new] = mutual[new].argmax(axis=1)
        if asked is not None:
            for row in new[:_ANCHORS].tolist():
                fits &= as_alike(bits, tokens, asked, row, int(value_of[row]))
            taken = np.flatnonzero(value_of != NOBODY)
            fits[taken] = False
            fits[:, value_of[taken]] = False
            fits[taken, value_of[taken]] = True


def as_alike(bits: Bools, tokens: Bools, asked: Floats, row: int, value: int) -> Bools:
    """Say which filter shares about as many bits with one as a value would with that one's value.

    Parameters
    ----------
    bits, tokens, asked
        As for `paired`.
    row, value : int
        The filter and its value.

    Returns
    -------
    ndarray of bool, shape (filters, values)

    Notes
    -----
    Tokens in common set the same bits; the others meet by chance.  Four standard deviations of
    the latter are allowed for.

    Examples
    --------
    >>> bits = np.zeros((2, 512), dtype=bool)
    >>> bits[0, :60], bits[1, 30:90] = True, True
    >>> tokens = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=bool)
    >>> as_alike(bits, tokens, np.array([60.0, 60.0, 30.0]), 0, 0)[1].tolist()
    [False, True, False]
    """
    n_bits = bits.shape[1]
    share = asked[value] / max(int(tokens[value].sum()), 1)
    same = tokens.astype(np.float64) @ tokens[value] * share
    same_set = -n_bits * np.expm1(-same / n_bits)
    chances = [-np.expm1(-np.maximum(each - same, 0) / n_bits) for each in (asked, asked[value])]
    by_chance = (n_bits - same_set) * chances[0] * chances[1]
    found = bits.astype(np.float64) @ bits[row]
    alike: Bools = np.abs(found[:, None] - (same_set + by_chance)) <= 4 * np.sqrt(by_chance) + 2
    return alike


def looks_plain(bits: BitMatrix, asked: Floats) -> bool:
    """Say whether filters are as heavy as plain ones of such people would be, within 5 %.

    Parameters
    ----------
    bits : BitMatrix
        The victim's filters.
    asked : ndarray of float64
        For each known record the positions that its tokens ask for.
    """
    expected = float(_weight(asked, bits.n_bits)[0].mean()) if asked.size else 0.0
    return abs(float(bits.popcounts().mean()) - expected) <= 0.05 * expected


def as_heavy(bits: Bools, asked: Floats) -> Bools:
    """Say which filter has about as many bits as each value would set, shape (filters, values).

    Examples
    --------
    >>> as_heavy(np.ones((1, 64), dtype=bool)[:, :64] & (np.arange(64) < 20), np.array([10.0, 24.0])).tolist()
    [[False, True]]
    """
    mean, deviation = _weight(asked, bits.shape[1])
    heavy: Bools = np.abs(bits.sum(axis=1)[:, None] - mean) <= 3 * deviation + 1
    return heavy


def _weight(asked: Floats, n_bits: int) -> tuple[Floats, Floats]:
    """Give mean and deviation of the bits set by so many random positions: the occupancy problem."""
    load = asked / n_bits
    empty = np.exp(-load)
    return n_bits * (1 - empty), np.sqrt(np.maximum(n_bits * (empty - (1 + load) * empty**2), 0))


def extended(bits: Bools, tokens: Bools, value_of: Rows) -> Rows:
    """Tell further values of filters by the bits that aligned pairs explain.

    Parameters
    ----------
    bits : ndarray of bool, shape (filters, m)
        Distinct filters.
    tokens : ndarray of bool, shape (values, vocabulary)
        Which tokens each distinct value has.
    value_of : ndarray of int64, shape (filters,)
        The value of each aligned filter, or -1.

    Returns
    -------
    ndarray of int64, shape (filters,)
        As `value_of`, with a value for each other filter that only one value fits.

    Notes
    -----
    A token cannot set a bit that is 0 in the filter of a value that has it.  Where a bit is 1 and
    only one token of the value can set it, that token does.  A value fits a filter if it has only
    tokens that were seen, they can set all bits that are 1, and none sets a bit that is 0.

    Examples
    --------
    >>> bits = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 0], [0, 1, 0, 1]], dtype=bool)
    >>> tokens = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 1, 1]], dtype=bool)
    >>> extended(bits, tokens, np.array([0, 1, -1, -1])).tolist()
    [0, 1, 2, -1]
    """
    taken = np.flatnonzero(value_of != NOBODY)
    fits = _fits(bits, tokens, _explained(bits[taken], tokens[value_of[taken]]))
    fits[:, value_of[taken]] = False
    found = value_of.copy()
    single = (value_of == NOBODY) & (fits.sum(axis=1) == 1)
    found[single] = fits[single].argmax(axis=1)
    return found


def _explained(bits: Bools, tokens: Bools) -> tuple[Bools, Bools]:
    """Say which token can set which bit, and which does for certain; both of shape (vocabulary, m)."""
    shown, has = bits.astype(np.float32), tokens.astype(np.float32)
    can_set: Bools = (has.sum(axis=0) > 0)[:, None] & (has.T @ (1 - shown) == 0)
    alone = (has @ can_set.astype(np.float32) == 1) & bits
    does: Bools = can_set & (has.T @ alone.astype(np.float32) > 0)
    return can_set, does


def _fits(bits: Bools, tokens: Bools, explained: tuple[Bools, Bools]) -> Bools:
    """Say which value fits which filter, shape (filters, values)."""
    held = tokens.astype(np.float32)
    can_set, does = (held @ each.astype(np.float32) > 0 for each in explained)
    unseen = ~explained[0].any(axis=1)  # a token that was seen sets a bit, so it can set one
    told = tokens.any(axis=1) & (held @ unseen.astype(np.float32) == 0)
    ones, zeros = bits.astype(np.float32), (~bits).astype(np.float32)
    fits: Bools = (
        (ones @ (~can_set).T.astype(np.float32) == 0) & (zeros @ does.T.astype(np.float32) == 0) & told
    )
    return fits


def value_quality(scene: Scene, guess: Guess, *, n_top: int = 10) -> Mapping[str, float]:
    """Count which values of the targets were told, where people may share one.

    Parameters
    ----------
    scene : Scene
        What was attacked.
    guess : ndarray of int64, shape (n_encoded,)
        What was guessed.
    n_top : int
        How many of the most frequent values are looked at by themselves.

    Returns
    -------
    mapping of str to float
        ``"values"``, the distinct values of the targets; ``"values right"``, those told for every
        record of theirs; ``"values wrong"``, values that were named in error; and ``"top"``, the
        share of the most frequent values that were told.
    """
    targets = scene.targets()
    value = np.append(scene.values(), NOBODY)
    guessed, true = value[guess[targets]], value[scene.partner[targets]]
    told: Bools = guessed == true
    wrong: Bools = ~told & (guessed != NOBODY)
    listed = np.unique(true)
    n_values = value.max(initial=0) + 1
    counts = np.bincount(true, minlength=n_values)[listed]
    always: Bools = np.bincount(true, weights=told, minlength=n_values)[listed] == counts
    top = np.argsort(-counts, kind="stable")[:n_top]
    return {
        "values": float(listed.size),
        "values right": float(always.sum()),
        "values wrong": float(np.unique(guessed[wrong]).size),
        "top": float(always[top].mean()) if top.size else 0.0,
    }
