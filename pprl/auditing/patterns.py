"""
Pattern mining: bits that are always set together are the bits of one token.

After Christen, Vidanage, Ranbaduge & Schnell 2018 (PAKDD, LNCS 10939) and Vidanage, Ranbaduge,
Christen & Schnell 2019 (ICDE).  In everybody who has a frequent token all of its k bits are set.
So the longest set of columns that so many filters have in common is the token's, even where
every filter is unique; and people are then known by the tokens that their filters show.

Deviations: the longest set is grown greedily from each column, where the papers mine maximal
frequent item sets; on planted tokens both find the same.  Tokens that nearly always occur
together, such as the parts of one date, are one group with one set.  The papers stop where two
frequencies are too near to be told apart; here a set is given to the token whose frequency and
whose meetings with the tokens found before fit best.  A set counts only if it is longer, by
three columns, than any that columns shuffled by themselves show by chance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.auditing.itemsets import beyond_chance, count_records, packed_columns
from pprl.auditing.scenes import NOBODY, Guess, Scene
from pprl.auditing.tokentables import TokenTable
from pprl.encoding.hashing import token_positions
from pprl.encoding.passes import FuzzyPass
from pprl.errors import UsageError
from pprl.keys import ProjectKey
from pprl.model import BitMatrix
from pprl.model.arrays import Bools, Rows, Words, frozen

_SAME = 0.95  # Jaccard similarity of the records of two tokens that are one group


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pattern:
    """The columns that were found for a group of tokens.

    Parameters
    ----------
    tokens : ndarray of int64
        Places in the vocabulary: one token, or several that occur together.
    columns : ndarray of int64
        The columns, rising.
    n_records : int
        Filters in which all of them are set.
    """

    tokens: Rows
    columns: Rows
    n_records: int

    def __post_init__(self) -> None:
        frozen(self.tokens)
        frozen(self.columns)

    def __repr__(self) -> str:
        return f"Pattern({self.columns.size} columns of {self.tokens.size} tokens, {self.n_records} records)"


@dataclass(frozen=True, slots=True)
class PatternQuality:
    """How good patterns are.

    Parameters
    ----------
    n_patterns : int
        Patterns that were claimed.
    n_claimed, n_right : int
        Columns of these, and those that are of a token of their group.
    n_true : int
        Columns that the tokens of the patterns have in truth.
    precision, recall : float
        ``n_right / n_claimed`` and ``n_right / n_true``; 0 where nothing was claimed.
    """

    n_patterns: int
    n_claimed: int
    n_right: int
    n_true: int
    precision: float
    recall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternMining:
    """Find the columns of frequent tokens, and people by the tokens that their filters show.

    Parameters
    ----------
    n_tokens : int
        Groups of tokens that are looked for, from the most frequent down.
    least_share : float
        A token that a smaller share of the records has is not looked for.
    most_share : float
        Nor one that a larger share has: a bit that is nearly always set tells little.
    slack : float
        How much rarer than the token its set may be, as a share of the token's frequency.
    least_columns : int
        A shorter set is no pattern.
    patience : int
        After so many tokens in a row without a pattern it gives up.

    Examples
    --------
    >>> attack = PatternMining(n_tokens=20)
    >>> attack.name, attack.needs_leak
    ('pattern mining', False)
    """

    n_tokens: int = 100
    least_share: float = 0.01
    most_share: float = 0.9
    slack: float = 0.05
    least_columns: int = 6
    patience: int = 8

    def __post_init__(self) -> None:
        if self.n_tokens < 1 or not 0 < self.least_share < self.most_share <= 1 or not 0 <= self.slack < 1:
            raise UsageError(
                "pattern mining: wanted at least 1 token, and shares between 0 and 1", code="bad-option"
            )

    @property
    def name(self) -> str:
        """Short name, as in tables."""
        return "pattern mining"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the attacker must have."""
        return ("tokens as frequent as the victim's", "the agreement, without the key")

    @property
    def needs_leak(self) -> bool:
        """Whether it learns from pairs that the attacker was told."""
        return False

    def __call__(self, scene: Scene, generator: np.random.Generator) -> Guess:
        """Guess for each filter the one known record that has just the tokens found in it, or -1."""
        patterns = self.patterns(scene, generator)
        if not patterns:
            return np.full(len(scene.encoded), NOBODY, dtype=np.int64)
        bits = scene.encoded.to_bools()
        shown = np.column_stack([bits[:, one.columns].all(axis=1) for one in patterns])
        held = scene.known_tokens.to_csr()
        has = np.column_stack([held[:, one.tokens].sum(axis=1) * 2 > one.tokens.size for one in patterns])
        return nearest_alone(shown, has)

    def patterns(self, scene: Scene, generator: np.random.Generator) -> tuple[Pattern, ...]:
        """Find the columns of frequent tokens.

        Parameters
        ----------
        scene : Scene
            What the attacker has; its truth is not read.
        generator : numpy.random.Generator
            Shuffles columns, to see how long a set is by chance.

        Returns
        -------
        tuple of Pattern
            Most frequent token first; no column is in two.
        """
        groups = token_groups(scene.known_tokens, least=self.least_share, most=self.most_share)
        if not groups:
            return ()
        has = scene.known_tokens.to_csr()[:, [group[0] for group in groups]].toarray() > 0
        columns = packed_columns(scene.encoded)
        shuffled = packed_columns(BitMatrix.from_bools(_shuffled(scene.encoded.to_bools(), generator)))
        return self._mined(groups, has, columns, shuffled, n_records=len(scene.encoded))

    def _mined(
        self, groups: Sequence[Rows], has: Bools, columns: Words, shuffled: Words, *, n_records: int
    ) -> tuple[Pattern, ...]:
        shares = has.mean(axis=0)
        meets = has.T.astype(np.float64) @ has / len(has)  # share of the records that have both
        free, left, failed = np.ones(len(columns), dtype=np.bool_), list(range(len(groups))), 0
        found: list[Pattern] = []
        named: list[int] = []
        together: list[Words] = []
        for group in range(min(self.n_tokens, len(groups))):
            if failed == self.patience:
                break
            least = self._least(shares, group, n_records)
            longest = beyond_chance(columns, shuffled, free, least, at_least=self.least_columns)
            failed = 0 if longest.size else failed + 1
            if not longest.size:
                continue
            rows = np.bitwise_and.reduce(columns[longest], axis=0)
            share = count_records(rows) / n_records
            met = np.array([count_records(rows & other) / n_records for other in together])
            owner = _best_owner(left, share, met, shares, meets[:, named], slack=2 * self.slack)
            if owner is None:
                continue
            free[longest] = False
            left.remove(owner)
            named.append(owner)
            together.append(rows)
            found.append(Pattern(np.sort(groups[owner]), longest, count_records(rows)))
        return tuple(found)

    def _least(self, shares: npt.NDArray[np.float64], group: int, n_records: int) -> int:
        """Give in how many filters a set must be: nearly as many as have the token, more than the next."""
        following = float(shares[group + 1]) if group + 1 < shares.size else 0.0
        own = float(shares[group])
        return math.ceil(n_records * max((1 - self.slack) * own, (own + following) / 2))


def token_groups(table: TokenTable, *, least: float, most: float) -> list[Rows]:
    """List the tokens that a share of the records has, most frequent first.

    Parameters
    ----------
    table : TokenTable
        The records.
    least, most : float
        Bounds of the share.

    Returns
    -------
    list of ndarray of int64
        Places in the vocabulary.  Tokens that nearly the same records have are in one group,
        the most frequent first.
    """
    counts = table.frequencies()
    shares = counts / max(len(table), 1)
    frequent = np.flatnonzero((shares >= least) & (shares <= most))
    order = frequent[np.argsort(-counts[frequent], kind="stable")]
    held = table.to_csr()[:, order].toarray()
    both = held.T @ held
    own = counts[order].astype(np.float64)
    alike = both / np.maximum(own[:, None] + own - both, 1) >= _SAME
    left = np.ones(order.size, dtype=np.bool_)
    groups = []
    for place in range(order.size):
        if left[place]:
            members = np.flatnonzero(alike[place] & left)
            left[members] = False
            groups.append(order[members])
    return groups


def true_columns(one: FuzzyPass, key: ProjectKey, table: TokenTable) -> tuple[frozenset[int], ...]:
    """Give the columns that each token of a vocabulary sets in a plain CLK; for judging only.

    Parameters
    ----------
    one : FuzzyPass
        The pass; each field says how many bits a token has.
    key : ProjectKey
        The victim's key.
    table : TokenTable
        Whose vocabulary it is.

    Raises
    ------
    UsageError
        If a field does not give each token a number of bits of its own.
    """
    if any(use.bits_per_token is None for use in one.fields):
        raise UsageError("true columns: wanted bits_per_token in every field", code="no-bits-per-token")
    ks = {
        f"bag {use.bag}" if use.bag else f"field {use.field}": use.bits_per_token or 0 for use in one.fields
    }
    keys = {label: key.derive(label.split(" ")[0], one.name, label.split(" ")[1]) for label in ks}
    return tuple(
        frozenset(token_positions(keys[label], token, k=ks[label], n_bits=one.n_bits))
        for label, token in table.vocabulary
    )


def judge_patterns(patterns: Sequence[Pattern], truth: Sequence[frozenset[int]]) -> PatternQuality:
    """Hold patterns against the columns that the tokens truly set.

    Examples
    --------
    >>> pattern = Pattern(np.array([0]), np.array([3, 5, 8, 9]), n_records=7)
    >>> judge_patterns([pattern], [frozenset({3, 5, 8, 10})]).precision
    0.75
    """
    wanted = [frozenset[int]().union(*(truth[token] for token in one.tokens.tolist())) for one in patterns]
    n_claimed = sum(one.columns.size for one in patterns)
    n_right = sum(
        len(true.intersection(one.columns.tolist())) for one, true in zip(patterns, wanted, strict=True)
    )
    n_true = sum(len(true) for true in wanted)
    return PatternQuality(
        n_patterns=len(patterns),
        n_claimed=n_claimed,
        n_right=n_right,
        n_true=n_true,
        precision=n_right / n_claimed if n_claimed else 0.0,
        recall=n_right / n_true if n_true else 0.0,
    )


def nearest_alone(shown: Bools, has: Bools) -> Guess:
    """Give for each filter the known record that differs from it in the fewest tokens, if it is the only one.

    Parameters
    ----------
    shown : ndarray of bool, shape (filters, tokens)
        Which tokens each filter shows.
    has : ndarray of bool, shape (records, tokens)
        Which tokens each known record has.

    Examples
    --------
    >>> shown = np.array([[1, 1, 0], [0, 0, 1]], dtype=bool)
    >>> nearest_alone(shown, np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]], dtype=bool)).tolist()
    [0, 3]
    """
    if not len(has):
        return np.full(len(shown), NOBODY, dtype=np.int64)
    left, right = shown.astype(np.float32), has.astype(np.float32)
    apart = left.sum(axis=1)[:, None] + right.sum(axis=1) - 2 * (left @ right.T)
    least = apart.min(axis=1)
    alone = (apart == least[:, None]).sum(axis=1) == 1
    guess: Guess = np.where(alone, apart.argmin(axis=1), NOBODY)
    return guess


def _best_owner(
    left: Sequence[int],
    share: float,
    met: npt.NDArray[np.float64],
    shares: npt.NDArray[np.float64],
    meets: npt.NDArray[np.float64],
    *,
    slack: float,
) -> int | None:
    """Choose the group whose frequency, and meetings with those found before, fit a set best."""
    near = [group for group in left if abs(shares[group] - share) <= slack * share]
    if not near:
        return None
    off = [abs(shares[group] - share) ** 2 + float(((meets[group] - met) ** 2).sum()) for group in near]
    return near[int(np.argmin(off))]


def _shuffled(bits: Bools, generator: np.random.Generator) -> Bools:
    return generator.permuted(bits, axis=0)
