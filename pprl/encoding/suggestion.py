"""
Suggestions: what each hardening chain would cost and hide, predicted from a custodian's own records.

Records are encoded without hardening beside a second copy of them that an error model has
made.  From the fills of the filters and the shares of bits in which they differ, formulas
say what would be left of both after hardening.  Bits are taken to be independent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec
import numpy as np

from pprl.cleaning.fields import Field
from pprl.encoding.encoder import DEFAULT_TOKENS, EncodedPass, encode_passes
from pprl.encoding.errormodel import Columns
from pprl.encoding.hardening import MAX_BITS, Balance, Diffuse, Flip, Step, XorFold
from pprl.encoding.passes import FuzzyPass
from pprl.encoding.prediction import (
    Aim,
    Chain,
    Pairs,
    allowed_tail,
    bias,
    harden_pairs,
    least_threshold,
    predicted_fill,
    sent_bits,
)
from pprl.encoding.tokens import Tokens, cut
from pprl.keys import ProjectKey
from pprl.model.arrays import Floats, Rows

LEAST_RECORDS = 100  # fewer would be described one by one
T_RANGE = range(2, 11)
LEAST_T = 4  # smaller ones were broken, whatever the bias (docs/security.md)
FLIPS = (Decimal("0.1"), Decimal("0.2"), Decimal("0.4"))
N_TOP, N_REST = 10_000, 10_000  # pairs of different people that are followed: the most alike, and some
_LOW, _HIGH = 0.05, 0.95


@dataclass(frozen=True, slots=True)
class Spread:
    """How a quantity is spread: its mean, and the values that 5, 50 and 95 % do not exceed."""

    mean: float
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one chain would give.

    Parameters
    ----------
    steps : tuple of Step
        The chain; empty for no hardening.
    n_bits : int
        Length of what is sent.
    fill : float
        Mean share of bits set in what is sent.
    bias, bias_high : float
        What is left of the bits' bias, ``|1 - 2f| ** t``: at the mean fill, and the value
        that 95 % of records do not exceed.
    match_mean, match_deviation, other_mean, other_deviation : float
        Dice similarity of two records of one person, and of two people.
    threshold : float or None
        Least threshold that keeps to the bound on wrong partners; None if none does.
    recall : float or None
        Share of people in the pass on both sides who are at or above it.
    meets_bias : bool
        Whether this is a diffusion whose `bias_high` is at or under the bound.
    suggested : bool
        Whether it is so with the least t of those that attacks have not broken.
    agreed : bool
        Whether the agreement's pass has this chain.
    """

    steps: Chain
    n_bits: int
    fill: float
    bias: float
    bias_high: float
    match_mean: float
    match_deviation: float
    other_mean: float
    other_deviation: float
    threshold: float | None
    recall: float | None
    meets_bias: bool
    suggested: bool
    agreed: bool


@dataclass(frozen=True, slots=True)
class PassSuggestion:
    """What is measured and predicted for one pass.

    Parameters
    ----------
    name : str
        The pass.
    n_present : int
        Records of the sample that take part.
    present_twice : float
        Share of these that still do in the second copy.
    n_pairs : int
        Pairs of different people that were compared.
    tail : float
        Share of such pairs that may reach the threshold; below ``1 / n_pairs`` the sample
        does not show them, and the threshold is hopeful.
    fill, tokens, match_differing, other_differing : Spread
        Before hardening: share of bits set, distinct tokens in a record, and shares of bits
        in which two records of one person and of two people differ.
    predictions : tuple of Prediction
        One for each chain.
    """

    name: str
    n_present: int
    present_twice: float
    n_pairs: int
    tail: float
    fill: Spread
    tokens: Spread
    match_differing: Spread
    other_differing: Spread
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What is measured and predicted for the fuzzy passes of an agreement.

    Parameters
    ----------
    n_sample : int
        Records that were drawn.
    aim : Aim
        What the chains are to reach.
    passes : tuple of PassSuggestion
        In the order of the agreement.
    left_out : tuple of str
        Passes in which fewer than 100 records of the sample take part twice.
    """

    n_sample: int
    aim: Aim
    passes: tuple[PassSuggestion, ...]
    left_out: tuple[str, ...]


def suggest_passes(
    columns: Columns,
    second: Columns,
    fields: Sequence[Field],
    passes: Sequence[FuzzyPass],
    key: ProjectKey,
    *,
    aim: Aim,
    generator: np.random.Generator,
) -> Suggestion:
    """Measure passes on records and a second copy of them, and predict what chains would give.

    Parameters
    ----------
    columns, second : mapping of str to TextColumn
        Cleaned columns, and those that an error model made of them, row by row.
    fields : sequence of Field
        The agreement's fields.
    passes : sequence of FuzzyPass
        Its fuzzy passes; their hardening is looked at only to say which chain is agreed.
    key : ProjectKey
        A key that is thrown away, never the project's.
    aim : Aim
        What a chain is to reach.
    generator : numpy.random.Generator
        Draws the pairs that are followed.
    """
    bare = [msgspec.structs.replace(one, hardening=(), blocks=()) for one in passes]
    left, right = (encode_passes(table, fields, bare, key) for table in (columns, second))
    tokens = {one.name: token_counts(columns, fields, one) for one in passes}
    both = {one.name: left[one.name].present & right[one.name].present for one in passes}
    shown = [one for one in passes if int(both[one.name].sum()) >= LEAST_RECORDS]
    return Suggestion(
        n_sample=len(next(iter(columns.values()))),
        aim=aim,
        passes=tuple(
            _suggest_pass(one, left[one.name], right[one.name], tokens[one.name], aim, generator)
            for one in shown
        ),
        left_out=tuple(one.name for one in passes if one not in shown),
    )


def _suggest_pass(
    one: FuzzyPass,
    left: EncodedPass,
    right: EncodedPass,
    tokens: Rows,
    aim: Aim,
    generator: np.random.Generator,
) -> PassSuggestion:
    n_bits = left.bits.n_bits
    fills = left.bits.popcounts()[left.present] / n_bits
    matches, others = matching_pairs(left, right), different_pairs(left, generator)
    n_present = fills.size
    return PassSuggestion(
        name=one.name,
        n_present=n_present,
        present_twice=matches.weight.size / n_present,
        n_pairs=n_present * (n_present - 1) // 2,
        tail=allowed_tail(aim),
        fill=spread(fills),
        tokens=spread(tokens[left.present]),
        match_differing=spread(matches.differing, matches.weight),
        other_differing=spread(others.differing, others.weight),
        predictions=predict(fills, matches, others, n_bits=n_bits, aim=aim, agreed=one.hardening),
    )


def token_counts(columns: Columns, fields: Sequence[Field], one: FuzzyPass) -> Rows:
    """Count the distinct tokens of each record under a pass; fields in one bag share theirs."""
    rules = {rule.name: rule for rule in fields}
    members: dict[str, list[list[tuple[str, ...]]]] = {}
    for use in one.fields:
        tokens = use.tokens or DEFAULT_TOKENS[type(rules[use.field])]
        label = f"bag {use.bag}" if use.bag else f"field {use.field}"
        members.setdefault(label, []).append(_cut_column(columns, use.field, tokens))
    counted = [[len(set().union(*row)) for row in zip(*group, strict=True)] for group in members.values()]
    summed: Rows = np.sum(np.array(counted, dtype=np.int64), axis=0)
    return summed


def _cut_column(columns: Columns, field: str, tokens: Tokens) -> list[tuple[str, ...]]:
    column = columns[field]
    pieces = [*(cut(tokens, value) for value in column.values), ()]  # code -1 reads the last
    return [pieces[code] for code in column.codes.tolist()]


def matching_pairs(left: EncodedPass, right: EncodedPass) -> Pairs:
    """Pair each record with its second copy, where both take part."""
    both = left.present & right.present
    n_bits = left.bits.n_bits
    words = left.bits.words[both] ^ right.bits.words[both]
    return Pairs(
        differing=np.bitwise_count(words).sum(axis=1, dtype=np.int64) / n_bits,
        left=left.bits.popcounts()[both] / n_bits,
        right=right.bits.popcounts()[both] / n_bits,
        weight=np.full(int(both.sum()), 1 / max(int(both.sum()), 1)),
    )


def different_pairs(encoded: EncodedPass, generator: np.random.Generator) -> Pairs:
    """Compare all pairs of different records; keep the most alike, and a sample that stands for the rest.

    False links come from the few most alike, so these are followed one by one.
    """
    bits = encoded.bits.to_bools()[encoded.present].astype(np.float32)
    n_bits, fills = encoded.bits.n_bits, bits.mean(axis=1, dtype=np.float64)
    first, second = np.triu_indices(len(bits), k=1)
    overlap = (bits @ bits.T)[first, second] / n_bits
    top, rest = _followed(2 * overlap / np.maximum(fills[first] + fills[second], 1 / n_bits), generator)
    followed = np.concatenate([top, rest])
    n_others = first.size - top.size
    weight = np.repeat([1.0, n_others / max(rest.size, 1)], [top.size, rest.size]) / first.size
    one, two = fills[first[followed]], fills[second[followed]]
    return Pairs(differing=one + two - 2 * overlap[followed], left=one, right=two, weight=weight)


def _followed(similarity: Floats, generator: np.random.Generator) -> tuple[Rows, Rows]:
    n_top = min(N_TOP, similarity.size)
    order = np.argpartition(-similarity, n_top - 1)
    rest = order[n_top:]
    return order[:n_top], generator.choice(rest, min(N_REST, rest.size), replace=False)


def candidates(n_bits: int) -> tuple[Chain, ...]:
    """List the chains that are compared, for a filter of some length.

    Examples
    --------
    >>> len(candidates(1024))
    24
    """
    lengths = [length for length in (n_bits, 2 * n_bits) if length <= MAX_BITS]
    diffusions: list[Chain] = [(Diffuse(t=t, n_bits=length),) for length in lengths for t in T_RANGE]
    balances: list[Chain] = [(Balance(),)] if 2 * n_bits <= MAX_BITS else []
    folds: list[Chain] = [] if n_bits % 2 else [(XorFold(),)]
    return ((), *diffusions, *folds, *balances, *((Flip(probability=p),) for p in FLIPS))


def predict(
    fills: Floats, matches: Pairs, others: Pairs, *, n_bits: int, aim: Aim, agreed: tuple[Step, ...]
) -> tuple[Prediction, ...]:
    """Predict what each candidate chain would give.

    Parameters
    ----------
    fills : ndarray of float64
        Fill of each record before hardening.
    matches, others : Pairs
        Two records of one person, and of two people.
    n_bits : int
        Length of the filter before hardening.
    aim : Aim
        What a chain is to reach.
    agreed : tuple of Step
        The chain of the agreement.
    """
    found = [_predict(chain, n_bits, fills, matches, others, aim) for chain in candidates(n_bits)]
    enough = (t_of(each.steps) for each in found if each.meets_bias)
    least = min((t for t in enough if t >= LEAST_T), default=None)
    return tuple(
        replace(
            each,
            suggested=each.meets_bias and t_of(each.steps) == least,
            agreed=each.steps == agreed,
        )
        for each in found
    )


def t_of(chain: Chain) -> int:
    """Give the input bits in each output bit of a diffusion, and 1 for any other chain."""
    return chain[0].t if chain and isinstance(chain[0], Diffuse) else 1


def _predict(chain: Chain, n_bits: int, fills: Floats, matches: Pairs, others: Pairs, aim: Aim) -> Prediction:
    same, different = harden_pairs(chain, matches, n_bits), harden_pairs(chain, others, n_bits)
    threshold = least_threshold(different, allowed_tail(aim))
    biases = bias(chain, fills)
    bias_high = float(np.quantile(biases, _HIGH))
    return Prediction(
        chain,
        sent_bits(chain, n_bits),
        float(predicted_fill(chain, fills).mean()),
        float(bias(chain, fills.mean(keepdims=True))[0]),
        bias_high,
        *same.moments(),
        *different.moments(),
        threshold,
        None if threshold is None else same.share_from(threshold),
        meets_bias=t_of(chain) > 1 and bias_high <= aim.bias,
        suggested=False,
        agreed=False,
    )


def spread(values: Floats | Rows, weight: Floats | None = None) -> Spread:
    """Describe how values are spread, by weight.

    Examples
    --------
    >>> spread(np.arange(101.0))
    Spread(mean=50.0, low=5.0, median=50.0, high=95.0)
    """
    share = np.full(values.size, 1 / values.size) if weight is None else weight
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(share[order])
    places = np.searchsorted(reached, np.array([_LOW, 0.5, _HIGH]) * reached[-1] - 1e-9)
    return Spread(float(share @ values), *(float(value) for value in values[order][places]))
