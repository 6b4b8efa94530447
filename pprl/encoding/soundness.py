"""
Soundness: whether the fields and passes of an agreement fit together.

Checked before any record is read.  Every message names the path of what is wrong.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pprl.cleaning.fields import (
    CodeField,
    DateField,
    Field,
    HealthNumberField,
    NameField,
    NumberField,
    PlaceField,
    PostcodeField,
    SexField,
    TextField,
    UpnField,
)
from pprl.encoding.blocks import VALUES, FieldBlock
from pprl.encoding.encoder import DEFAULT_TOKENS, bits_of
from pprl.encoding.hardening import MAX_BITS, Rule90
from pprl.encoding.passes import ExactPass, FuzzyPass, Pass, PassField
from pprl.encoding.rbf import shares
from pprl.encoding.schemes import Clk, Encoding, Rbf
from pprl.encoding.tokens import (
    DateNeighbourhood,
    DateParts,
    NumberNeighbourhood,
    PlaceNeighbourhood,
    PostcodeParts,
    Tokens,
)
from pprl.errors import AgreementError, nearest
from pprl.model.encoded import MAX_TABLES

_FEWEST_VALUES = 10_000  # of a block tag: fewer show by their frequencies who has what
LOW_ENTROPY = (SexField, CodeField, NumberField)
SEVERAL = (NameField, TextField, PostcodeField, CodeField, PlaceField)  # kinds that may have several values
SHORTEST = 64  # bits of a hardened filter
IDENTIFIERS = {HealthNumberField, UpnField}
LEAST_THRESHOLD = Decimal("0.01")
LEAST_STEP = Decimal("0.000001")

Rules = Mapping[str, Field]


def require_sound(fields: Sequence[Field], passes: Sequence[Pass], *, research: bool) -> None:
    """Raise unless fields and passes fit together.

    Parameters
    ----------
    fields : sequence of Field
        What is known of a person.
    passes : sequence of Pass
        What is encoded together.
    research : bool
        Whether encodings are allowed that are fit for fictitious people only.

    Raises
    ------
    AgreementError
        Naming the path of what is wrong.
    """
    _require_unique("fields", [rule.name for rule in fields])
    _require_unique("passes", [one.name for one in passes])
    rules = {rule.name: rule for rule in fields}
    for place, rule in enumerate(fields):
        _require_several(f"fields[{place}]", rule)
    for place, one in enumerate(passes):
        _require_pass(f"passes[{place}]", one, rules)
        if isinstance(one, FuzzyPass) and not research:
            _refuse_research(f"passes[{place}]", one, rules)
    used = {name for one in passes for name in (*one.field_names, *one.required_names)}
    blocks = [rule for one in passes if isinstance(one, FuzzyPass) for rule in one.blocks]
    used |= {name for rule in blocks for name in rule.field_names}
    for place, rule in enumerate(fields):
        if rule.name not in used:
            raise AgreementError(
                f"agreement: fields[{place}]: no pass uses it",
                code="unused-field",
                hint="remove it: nobody should read what is not needed",
            )


def _require_unique(path: str, names: Sequence[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise AgreementError(
            f"agreement: {path}: {repeated[0]!r} occurs more than once", code="repeated-name"
        )


def _require_pass(path: str, one: Pass, rules: Rules) -> None:
    if not one.field_names:
        raise AgreementError(f"agreement: {path}.fields: empty", code="empty-pass")
    for place, name in enumerate(one.field_names):
        if name not in rules:
            raise AgreementError(
                f"agreement: {path}.fields[{place}]: names no field",
                code="unknown-field",
                hint=nearest(name, rules),
            )
    _require_unique(f"{path}.fields", one.field_names)
    _REQUIRE[type(one)](path, one, rules)


def _require_fuzzy(path: str, one: FuzzyPass, rules: Rules) -> None:
    for require in (
        _require_numbers,
        _require_entropy,
        _require_options,
        _require_encoding,
        _require_tokens,
        _require_bags,
        _require_salt,
        _require_blocks,
    ):
        require(path, one, rules)
    _require_hardening(path, one)


def _require_numbers(path: str, one: FuzzyPass, _rules: Rules) -> None:
    if one.n_bits & (one.n_bits - 1):
        raise AgreementError(
            f"agreement: {path}.n_bits: {one.n_bits} is not a power of two",
            code="n-bits",
            hint="choose n_bits = 1024",
        )
    threshold = one.threshold
    if threshold is not None and not (threshold.is_finite() and LEAST_THRESHOLD <= threshold <= 1):
        raise AgreementError(
            f"agreement: {path}.threshold: wanted from {LEAST_THRESHOLD} to 1", code="threshold"
        )


def _require_entropy(path: str, one: FuzzyPass, _rules: Rules) -> None:
    if not any(use.required for use in one.fields):
        raise AgreementError(
            f"agreement: {path}.fields: none is required, so people of whom nothing is known would agree",
            code="nothing-required",
            hint="add required = true to at least one field",
        )


def _refuse_research(path: str, one: FuzzyPass, rules: Rules) -> None:
    if one.encoding.research:
        raise AgreementError(
            f"agreement: {path}.encoding: {_tag(one.encoding)} is there for research comparison",
            code="research",
            hint=f"choose another encoding; {_IF_RESEARCH}",
        )
    if all(isinstance(rules[use.field], LOW_ENTROPY) for use in one.fields):
        raise AgreementError(
            f"agreement: {path}.fields: a filter of so little would show who has what",
            code="low-entropy",
            hint=f"add a name, a date or a postcode; {_IF_RESEARCH}",
        )
    if len(one.fields) == 1:
        raise AgreementError(
            f"agreement: {path}.fields: a filter of one field alone shows how often each value occurs",
            code="research",
            hint=f"add fields, as hardening hides similarity and not frequency; {_IF_RESEARCH}",
        )
    for place, rule in enumerate(one.blocks):
        if isinstance(rule, FieldBlock):
            _refuse_narrow(f"{path}.blocks[{place}].parts", rule, rules)


def _refuse_narrow(path: str, rule: FieldBlock, rules: Rules) -> None:
    """Refuse a block whose tags would show how often each value of a field occurs."""
    names = set(rule.field_names)
    if len(names) == 1:
        raise AgreementError(
            f"agreement: {path}: tags of one field alone show how often each value occurs",
            code="research",
            hint=f"add parts of another field; {_IF_RESEARCH}",
        )
    rich = {part for part in rule.parts if not isinstance(rules[part.field], LOW_ENTROPY)}
    n_values = math.prod(VALUES[part.part] for part in rich)
    if len({part.field for part in rich}) < 2 or n_values < _FEWEST_VALUES:
        raise AgreementError(
            f"agreement: {path}: equality of so little would show who has what",
            code="low-entropy",
            hint=f"take parts of two fields with {_FEWEST_VALUES:,} values together; {_IF_RESEARCH}",
        )


def _require_options(path: str, one: FuzzyPass, rules: Rules) -> None:
    for place, use in enumerate(one.fields):
        where = f"agreement: {path}.fields[{place}]"
        for option in ("bits", "bits_per_token", "expected_tokens"):
            if getattr(use, option) is not None and option not in one.encoding.reads:
                said = f"{where}.{option}: means nothing to the encoding {_tag(one.encoding)}"
                raise AgreementError(said, code="bits", hint="remove it")
        if use.bits is not None and use.bits_per_token is not None:
            raise AgreementError(f"{where}: has both bits and bits_per_token", code="bits")
        weightless = use.bits_per_token is None and not bits_of(use, rules[use.field])
        if one.encoding.weighted and weightless:
            raise AgreementError(f"{where}: neither the field has a weight nor this use bits", code="no-bits")


def _require_encoding(path: str, one: FuzzyPass, rules: Rules) -> None:
    require = _REQUIRE_ENCODING.get(type(one.encoding))
    if require:
        require(path, one, rules, one.encoding)


def _require_rbf(path: str, one: FuzzyPass, rules: Rules, encoding: Rbf) -> None:
    expected: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    for place, use in enumerate(one.fields):
        if use.expected_tokens is None:
            raise AgreementError(
                f"agreement: {path}.fields[{place}]: rbf needs expected_tokens",
                code="expected-tokens",
                hint="say how many tokens a record usually has in the field, such as expected_tokens = 7",
            )
        label = f"bag {use.bag}" if use.bag else f"field {use.field}"
        expected[label] += use.expected_tokens
        weights[label] += bits_of(use, rules[use.field])
    if encoding.filter_length(max(expected.values())) > MAX_BITS:
        raise AgreementError(
            f"agreement: {path}.encoding: the filter of a field would be longer than {MAX_BITS} bits",
            code="encoding",
            hint="lower k or expected_tokens",
        )
    if not all(shares([*weights.values()], one.n_bits)):
        raise AgreementError(
            f"agreement: {path}.fields: a weight is too small for a bit of its own", code="no-bits"
        )


def _require_several(path: str, rule: Field) -> None:
    if (rule.more_columns or rule.separator) and not isinstance(rule, SEVERAL):
        raise AgreementError(f"agreement: {path}: this kind of field has one value", code="several-values")


def _refuse_several(path: str, rule: Field) -> None:
    if rule.more_columns or rule.separator:
        raise AgreementError(
            f"agreement: {path}: a field with several values cannot be asked to be equal",
            code="several-values",
        )


def _require_budget(path: str, one: FuzzyPass, rules: Rules, _encoding: Clk) -> None:
    for place, use in enumerate(one.fields):
        if (use.bits_per_token or 0) * _TOKENS_OF_A_WORD > one.n_bits:
            raise AgreementError(
                f"agreement: {path}.fields[{place}].bits_per_token: a word would fill the filter",
                code="overfull",
            )
    shared = [use for use in one.fields if use.bits_per_token is None]
    n_set = sum(bits_of(use, rules[use.field]) for use in shared)
    if n_set > one.n_bits:
        raise AgreementError(
            f"agreement: {path}: the fields set {n_set} bits in a filter of {one.n_bits}",
            code="overfull",
            hint="lower the weights or choose a longer filter: about 0.6 bits set for each bit is usual",
        )


def _require_tokens(path: str, one: FuzzyPass, rules: Rules) -> None:
    for place, use in enumerate(one.fields):
        _require_suited(f"{path}.fields[{place}].tokens", use, rules[use.field])


def _require_suited(path: str, use: PassField, rule: Field) -> None:
    tokens = use.tokens or DEFAULT_TOKENS[type(rule)]
    if not isinstance(rule, _SUITED.get(type(tokens), Field)):
        tag = tokens.__struct_config__.tag
        raise AgreementError(f"agreement: {path}: {tag} do not suit this kind of field", code="tokens")
    if isinstance(tokens, PostcodeParts) and isinstance(rule, PostcodeField) and rule.country != "uk":
        raise AgreementError(f"agreement: {path}: only British postcodes have these parts", code="tokens")
    if isinstance(tokens, NumberNeighbourhood) and not (
        tokens.step.is_finite() and tokens.step >= LEAST_STEP
    ):
        raise AgreementError(f"agreement: {path}.step: wanted at least {LEAST_STEP}", code="tokens")


def _require_bags(path: str, one: FuzzyPass, _rules: Rules) -> None:
    per_token: dict[str, int | None] = {}
    for use in one.fields:
        if use.bag is not None and per_token.setdefault(use.bag, use.bits_per_token) != use.bits_per_token:
            raise AgreementError(f"agreement: {path}.fields: a bag with two bits_per_token", code="bits")


def _require_salt(path: str, one: FuzzyPass, rules: Rules) -> None:
    if one.salt is None:
        return
    if one.salt.field not in rules:
        hint = nearest(one.salt.field, rules)
        raise AgreementError(f"agreement: {path}.salt.field: names no field", code="unknown-field", hint=hint)
    _refuse_several(f"{path}.salt.field", rules[one.salt.field])
    if one.salt.part == "year" and not isinstance(rules[one.salt.field], DateField):
        raise AgreementError(f"agreement: {path}.salt.part: only a date has a year", code="salt")


def _require_blocks(path: str, one: FuzzyPass, rules: Rules) -> None:
    for place, rule in enumerate(one.blocks):
        if isinstance(rule, FieldBlock):
            _require_parts(f"{path}.blocks[{place}].parts", rule, rules)
        if any(rule.same_as(another) for another in one.blocks[:place]):
            raise AgreementError(
                f"agreement: {path}.blocks[{place}]: the same rule as another", code="repeated-block"
            )
    if one.n_tables > MAX_TABLES:
        raise AgreementError(
            f"agreement: {path}.blocks: {one.n_tables} tables, at most {MAX_TABLES}", code="blocks"
        )


def _require_parts(path: str, rule: FieldBlock, rules: Rules) -> None:
    for place, part in enumerate(rule.parts):
        where = f"{path}[{place}]"
        if part.field not in rules:
            raise AgreementError(
                f"agreement: {where}.field: names no field",
                code="unknown-field",
                hint=nearest(part.field, rules),
            )
        if part in rule.parts[:place]:
            raise AgreementError(f"agreement: {where}: the same part as another", code="repeated-part")
        if not part.suits(rules[part.field]):
            said = f"agreement: {where}.part: {part.part} does not suit this kind of field"
            raise AgreementError(said, code="blocks")


def _require_hardening(path: str, one: FuzzyPass) -> None:
    n_bits = one.n_bits
    n_rounds = 0
    for place, step in enumerate(one.hardening):
        n_rounds += step.rounds if isinstance(step, Rule90) else 0
        try:
            n_bits = step.out_bits(n_bits)
        except AgreementError as error:
            said, hint = error.message, error.hint
        else:
            said, hint = "", ""
        if not said and (n_bits < SHORTEST or 4 * n_rounds > n_bits):
            said = f"{n_bits} bits are too few for this chain of steps"
        if said:
            raise AgreementError(f"agreement: {path}.hardening[{place}]: {said}", code="hardening", hint=hint)


def _require_exact(path: str, one: ExactPass, rules: Rules) -> None:
    for place, name in enumerate(one.fields):
        _refuse_several(f"{path}.fields[{place}]", rules[name])
    kinds = [type(rules[name]) for name in one.fields]
    if not IDENTIFIERS & set(kinds) and sum(kind not in LOW_ENTROPY for kind in kinds) < 2:
        raise AgreementError(
            f"agreement: {path}.fields: equality of so little would show who has what",
            code="low-entropy",
            hint="compare an identifier, or two fields that each have many values",
        )


def _tag(encoding: Encoding) -> str:
    return str(encoding.__struct_config__.tag)


_TOKENS_OF_A_WORD = 7
_IF_RESEARCH = "or, for fictitious people only, say research = true"

# Tokenisers that suit some kinds of field only.
_SUITED: Mapping[type[Tokens], type[Field]] = {
    DateParts: DateField,
    DateNeighbourhood: DateField,
    NumberNeighbourhood: NumberField,
    PlaceNeighbourhood: PlaceField,
    PostcodeParts: PostcodeField,
}
_REQUIRE_ENCODING: Mapping[type[Encoding], Any] = {Clk: _require_budget, Rbf: _require_rbf}
_REQUIRE: Mapping[type[Pass], Any] = {FuzzyPass: _require_fuzzy, ExactPass: _require_exact}
