"""Block tags: equal where samples or parts are equal, keyed, and none for who is absent."""

import hmac
from functools import partial

import jsonschema
import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.agreement import Agreement, json_schema, preset_text
from pprl.encoding import loading, vocabulary
from pprl.encoding.blocks import BlockPart, FieldBlock, HammingLsh, block_tags
from pprl.encoding.canaries import check_tags
from pprl.encoding.encoder import encode_passes
from pprl.errors import AgreementError
from pprl.keys import LinkageKey, Subkey
from pprl.model import BitMatrix, TextColumn

FEBRL = preset_text("febrl")
PROJECT = LinkageKey(bytes(32)).for_project("test", epoch=1)
LSH = HammingLsh(tables=5, bits=20)
PHONETIC = FieldBlock(
    parts=(
        BlockPart(field="surname", part="soundex"),
        BlockPart(field="date_of_birth", part="year"),
    )
)
PEOPLE = {
    "given_name": ["anna", "anna", "bo", None, "anna"],
    "surname": ["smith", "smyth", "jones", "smith", "smith"],
    "date_of_birth": ["1990-02-11", "1990-11-02", "1960-12-03", "1990-02-11", None],
}


def stream_by_hand(key: Subkey, message: bytes, n_bytes: int) -> bytes:
    """HMAC-SHA-256 in counter mode."""
    blocks = [
        hmac.digest(key._material, i.to_bytes(4, "big") + message, "sha256") for i in range(n_bytes // 32 + 1)
    ]
    return b"".join(blocks)[:n_bytes]


def lsh_by_hand(
    filters: list[list[int]], tables: int, bits: int, *, project=PROJECT, name: str = "all", place: int = 0
) -> list[list[int]]:
    """The slow twin: docs/format.md, one record, table and bit at a time."""
    rows = []
    for row in filters:
        tags = []
        for table in range(tables):
            drawn = stream_by_hand(
                project.derive("block", name, str(place), "positions"), f"table {table}".encode(), 8192
            )
            numbers = [int.from_bytes(drawn[i : i + 2], "little") % len(row) for i in range(0, 8192, 2)]
            positions = list(dict.fromkeys(numbers))[:bits]
            number = sum(row[position] << i for i, position in enumerate(positions))
            key = project.derive("block", name, str(place), str(table))
            cipher = Cipher(algorithms.AES256(key._material), modes.ECB()).encryptor()  # noqa: S305 - one block
            answer = cipher.update(number.to_bytes(8, "little") + bytes(8))
            tags.append(int.from_bytes(answer[:4], "little") or 1)
        rows.append(tags)
    return rows


def lsh(bits: np.ndarray, rule: HammingLsh = LSH, *, present=None, name: str = "all", place: int = 0):
    """Tags of a rule, for rows of bits."""
    filters = BitMatrix.from_bools(bits)
    held = np.ones(len(bits), dtype=bool) if present is None else np.array(present)
    out = np.empty((len(bits), rule.n_tables), dtype=np.uint32)
    rule.fill(out, {}, filters, held, partial(PROJECT.derive, "block", name, str(place)))
    return out


def agreement(*blocks: object, old: str = "", new: str = "", research: bool = False) -> Agreement:
    """The preset febrl with block rules in its first pass."""
    text = FEBRL.replace("n_bits = 1024\n", f"n_bits = 1024\nblocks = {inline(blocks)}\n", 1)
    text = text.replace(old, new, 1)
    return Agreement.from_toml(("research = true\n" * research + text).encode())


def inline(value: object) -> str:
    """A value as TOML: JSON is nearly it."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {inline(below)}" for name, below in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    return msgspec.json.encode(value).decode()


def encoded(made: Agreement, **changes: list[str | None]):
    """The first pass of five people, two of them absent."""
    texts = {rule.name: [None] * 5 for rule in made.fields} | PEOPLE | changes
    columns = {name: TextColumn.from_texts(values) for name, values in texts.items()}
    return encode_passes(columns, made.fields, made.passes[:1], PROJECT)["everything"]


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_bits=st.sampled_from([64, 128, 1024]),
    bits=st.integers(16, 64),
    tables=st.integers(1, 3),
)
def test_tags_are_those_of_the_slow_twin(seed, n_bits, bits, tables):
    """Another implementation, from the specification alone, makes the same tags."""
    rows = np.random.default_rng(seed).random((3, n_bits)) < 0.4

    actual = lsh(rows, HammingLsh(tables=tables, bits=bits), name="one", place=2)

    assert lsh_by_hand(rows.astype(int).tolist(), tables, bits, name="one", place=2) == actual.tolist()


def test_compiled_and_slow_loops_make_the_same_tags(monkeypatch):
    """Whichever the machine has, and however the rows are cut."""
    rows = np.random.default_rng(1).random((300, 1024)) < 0.4
    expected = lsh(rows)

    monkeypatch.setattr(loading, "COMPILED_FROM", 0)
    compiled = lsh(rows)
    monkeypatch.setattr(vocabulary, "CELLS", 7 * LSH.tables * 8)
    cut = lsh(rows)

    assert expected.tolist() == compiled.tolist() == cut.tolist()


@given(seed=st.integers(0, 2**32 - 1))
def test_tags_are_equal_if_and_only_if_the_sampled_bits_are(seed):
    """Whatever the other bits are; one sampled bit that differs makes another tag."""
    generator = np.random.default_rng(seed)
    positions = LSH.positions(PROJECT.derive("block", "all", "0", "positions"), n_bits=256)
    one, other, near = generator.random((3, 256)) < 0.5
    table = generator.integers(LSH.tables)
    other[positions[table]] = one[positions[table]]
    near[positions[table]] = one[positions[table]]
    near[positions[table, generator.integers(LSH.bits)]] ^= True

    tags = lsh(np.array([one, other, near]))[:, table]

    assert tags[0] == tags[1] != tags[2]


def test_each_table_has_positions_and_a_key_of_its_own():
    """Positions in a table are distinct; the same sample has another tag in each table."""
    positions = LSH.positions(PROJECT.derive("x"), n_bits=1024)

    tags = lsh(np.zeros((1, 1024), dtype=bool))[0]

    assert [LSH.bits] * LSH.tables == [len(set(row)) for row in positions.tolist()]
    assert LSH.tables == len({frozenset(row) for row in positions.tolist()})
    assert LSH.tables == len(set(tags.tolist()))


@pytest.mark.parametrize("other", [{"name": "other"}, {"place": 1}])
def test_passes_and_rules_have_keys_of_their_own(other):
    """What is equal in one is no help with another."""
    rows = np.zeros((1, 1024), dtype=bool)

    assert not set(lsh(rows)[0].tolist()) & set(lsh(rows, **other)[0].tolist())


def test_as_many_tables_agree_as_the_formula_says():
    """The share of bits that agree, to the power of bits; a sample has no bit twice."""
    generator = np.random.default_rng(1)
    rule = HammingLsh(tables=256, bits=16)
    left = generator.random((60, 1024)) < 0.5
    right = left.copy()
    for row in right:
        row[generator.choice(1024, 102, replace=False)] ^= True  # agree in 0.9 of the bits

    equal = lsh(left, rule) == lsh(right, rule)

    expected = np.prod([(922 - i) / (1024 - i) for i in range(16)])
    assert equal.mean() == pytest.approx(expected, abs=0.02)
    assert expected == pytest.approx(0.9**16, abs=0.01)


def test_no_tag_is_zero(monkeypatch):
    """Zero says that there is none; a tag that would be zero is one."""
    monkeypatch.setattr(Subkey, "prf_blocks", lambda _key, blocks: bytes(len(blocks)))
    monkeypatch.setattr(Subkey, "mac", lambda _key, _message: bytes(32))
    columns = {name: TextColumn.from_texts(values) for name, values in PEOPLE.items()}
    filters = BitMatrix.from_bools(np.ones((5, 64), dtype=bool))

    tags = block_tags(
        (HammingLsh(tables=1, bits=16), PHONETIC), columns, filters, np.ones(5, dtype=bool), PROJECT.derive
    )

    assert [[1, 1], [1, 1], [1, 1], [1, 1], [1, 0]] == tags.tolist()


def test_who_is_absent_has_no_tag():
    """Also if the record has some of the fields; the others have one in every table."""
    made = agreement(
        {"kind": "hamming-lsh", "tables": 3, "bits": 16},
        msgspec.to_builtins(PHONETIC),
        {
            "kind": "fields",
            "parts": [{"field": "given_name", "part": "all"}, {"field": "surname", "part": "all"}],
        },
    )

    one = encoded(made)

    assert [True, True, True, True, False] == one.present.tolist()
    assert [[3, 1, 1], [3, 1, 1], [3, 1, 1], [3, 1, 0], [0, 0, 0]] == [
        [int((row[:3] != 0).sum()), int(row[3] != 0), int(row[4] != 0)] for row in one.tags
    ]


def test_tags_are_of_the_filter_before_hardening():
    """Steps and their noise change no tag."""
    rules = ({"kind": "hamming-lsh", "tables": 4, "bits": 32},)
    step = '{ step = "diffuse", t = 2, n_bits = 1024 }'
    made = agreement(*rules)
    bare = msgspec.structs.replace(made.passes[0], hardening=())
    noisy = agreement(*rules, old=step, new=f'{step}, {{ step = "flip", probability = 0.5 }}')

    filters = encoded(msgspec.structs.replace(made, passes=(bare, *made.passes[1:])))

    by_hand = lsh_by_hand(filters.bits.to_bools().astype(int).tolist(), 4, 32, name="everything")
    assert by_hand[:4] == encoded(made).tags[:4].tolist() == encoded(noisy).tags[:4].tolist()


def test_a_pass_without_rules_has_no_tags():
    """Not even an empty table."""
    assert encoded(Agreement.from_toml(FEBRL.encode())).tags is None


def test_no_record_has_no_tags_in_all_tables():
    """An empty table of people, and one of absent people only."""
    made = agreement({"kind": "hamming-lsh", "tables": 3, "bits": 16}, msgspec.to_builtins(PHONETIC))
    nobody = {rule.name: TextColumn.from_texts([]) for rule in made.fields}
    empty = encode_passes(nobody, made.fields, made.passes[:1], PROJECT)["everything"]

    absent = encoded(made, surname=[None] * 5)

    assert (0, 4) == empty.tags.shape
    assert not absent.tags.any()


def test_a_phonetic_block_holds_who_sounds_alike_and_is_of_an_age():
    """Smith and smyth of one year; not jones, and not smith of another year."""
    made = agreement(msgspec.to_builtins(PHONETIC))

    tags = encoded(made, date_of_birth=["1990-02-11", "1990-11-02", "1990-02-11", "1991-02-11", None]).tags

    smith, smyth, jones, younger, absent = tags[:, 0].tolist()
    assert smith == smyth
    assert 4 == len({smith, jones, younger, absent})


def test_a_block_of_fields_is_the_mac_of_its_parts():
    """From the specification: length-prefixed, under the key of table 0, four bytes."""
    made = agreement(
        {"kind": "hamming-lsh", "tables": 3, "bits": 16},
        {
            "kind": "fields",
            "parts": [{"field": "surname", "part": "all"}, {"field": "date_of_birth", "part": "day"}],
        },
    )

    tag = int(encoded(made).tags[2, 3])

    key = PROJECT.derive("block", "everything", "1", "0")
    message = b"\0\0\0\x05jones\0\0\0\x0203"
    assert int.from_bytes(hmac.digest(key._material, message, "sha256")[:4], "little") == tag


@pytest.mark.parametrize(
    ("part", "value", "expected"),
    [
        ("all", "smith jones", "smith jones"),
        ("all", "ann\x1fmary", "ann"),
        ("soundex", "smith jones", "S530"),
        ("soundex", "smyth\x1fzee", "S530"),
        ("soundex", "12 high street", "12"),
        ("first-letter", "smith jones", "s"),
        ("year", "1990-02-11", "1990"),
        ("month", "1990-02-11", "02"),
        ("day", "1990-02-11", "11"),
        ("district", "SW1A 1AA", "SW1A"),
    ],
)
def test_parts_are_cut_as_the_format_says(part, value, expected):
    """Of several values, the first."""
    assert expected == BlockPart(field="x", part=part).cut(value)


def test_the_encoder_tag_sees_block_tags():
    """Software that blocks otherwise would find nothing, and nobody would know why."""
    made = agreement({"kind": "hamming-lsh", "tables": 3, "bits": 16})
    without = msgspec.structs.replace(made.passes[0], blocks=())

    one = check_tags(made.fields, made.passes, PROJECT)
    two = check_tags(made.fields, (without, *made.passes[1:]), PROJECT)

    assert one.key == two.key
    assert one.encoder != two.encoder


def test_a_pass_says_how_many_tags_a_record_gets():
    """As the linkage unit must expect."""
    made = agreement({"kind": "hamming-lsh", "tables": 3, "bits": 16}, msgspec.to_builtins(PHONETIC))

    assert [4, 0, 0, 0] == [one.n_tables for one in made.passes]


def test_rules_shape_the_keys():
    """Other rules, other keys; no rule, written out, is the preset as it was."""
    plain = Agreement.preset("febrl")
    some = [agreement({"kind": "hamming-lsh", "tables": 3, "bits": bits}) for bits in (16, 17)]

    assert (plain.fingerprint, plain.project_fingerprint) == (
        agreement().fingerprint,
        agreement().project_fingerprint,
    )
    assert 3 == len({one.project_fingerprint for one in (plain, *some)})
    assert all(one == msgspec.json.decode(one.canonical_json(), type=Agreement) for one in some)


def test_the_schema_knows_the_rules():
    """As an editor reads them; a word that is none does not satisfy it."""
    made = agreement({"kind": "hamming-lsh", "tables": 3, "bits": 16}, msgspec.to_builtins(PHONETIC))
    document = msgspec.json.decode(made.canonical_json())

    jsonschema.validate(document, json_schema())
    document["passes"][0]["blocks"][1]["parts"][0]["part"] = "metaphone"

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())


def test_a_field_that_only_a_block_reads_is_used():
    """It may be read, as the agreement says what for."""
    use = '{ field = "state" }'
    parts = [{"field": "state", "part": "all"}, {"field": "surname", "part": "all"}]
    parts += [{"field": "suburb", "part": "soundex"}]
    text = "\n".join(line for line in FEBRL.splitlines() if line.strip().rstrip(",") != use)
    blocks = inline([{"kind": "fields", "parts": parts}])

    with pytest.raises(AgreementError, match="no pass uses it"):
        Agreement.from_toml(text.encode())
    read = Agreement.from_toml(text.replace("n_bits = 1024", f"n_bits = 1024\nblocks = {blocks}", 1).encode())

    assert 1 == read.passes[0].n_tables


def of(*parts: tuple[str, str]) -> dict:
    """A block of fields, of pairs of field and part."""
    return {"kind": "fields", "parts": [{"field": field, "part": part} for field, part in parts]}


SURNAME, BORN = ("surname", "soundex"), ("date_of_birth", "year")


@pytest.mark.parametrize(
    ("rules", "path", "hint"),
    [
        ([{"kind": "hamming-lhs", "tables": 8, "bits": 32}], "blocks[0].kind", "did you mean 'hamming-lsh'?"),
        ([{"kind": "hamming-lsh", "tables": 8}], "blocks[0]", ""),
        ([{"kind": "hamming-lsh", "tables": 0, "bits": 32}], "blocks[0].tables", ""),
        ([{"kind": "hamming-lsh", "tables": 257, "bits": 32}], "blocks[0].tables", ""),
        ([{"kind": "hamming-lsh", "tables": 8, "bits": 15}], "blocks[0].bits", ""),
        ([{"kind": "hamming-lsh", "tables": 8, "bits": 65}], "blocks[0].bits", ""),
        ([{"kind": "hamming-lsh", "tables": 8, "bit": 32}], "blocks[0]", "did you mean 'bits'?"),
        (
            [of(SURNAME, ("date_of_birht", "year"))],
            "blocks[0].parts[1].field",
            "did you mean 'date_of_birth'",
        ),
        ([of(SURNAME, ("date_of_birth", "yaer"))], "blocks[0].parts[1].part", "did you mean 'year'?"),
        ([of(SURNAME, ("suburb", "year"))], "blocks[0].parts[1].part", ""),
        ([of(BORN, ("postcode", "soundex"))], "blocks[0].parts[1].part", ""),
        ([of(BORN, ("postcode", "first-letter"))], "blocks[0].parts[1].part", ""),
        ([of(BORN, ("postcode", "district"))], "blocks[0].parts[1].part", ""),
        ([of(BORN, ("surname", "district"))], "blocks[0].parts[1].part", ""),
        ([of()], "blocks[0].parts", ""),
        ([of(SURNAME, BORN, SURNAME)], "blocks[0].parts[2]", ""),
        ([of(SURNAME, BORN), of(BORN, SURNAME)], "blocks[1]", ""),
        ([{"kind": "hamming-lsh", "tables": 8, "bits": 32}] * 2, "blocks[1]", ""),
        (
            [{"kind": "hamming-lsh", "tables": 128, "bits": bits} for bits in (32, 48)] + [of(SURNAME, BORN)],
            "blocks",
            "",
        ),
    ],
)
def test_rules_that_cannot_be_are_refused(rules, path, hint):
    """By the path of what is wrong."""
    with pytest.raises(AgreementError) as caught:
        agreement(*rules)

    assert f"agreement: passes[0].{path}:" in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (of(("surname", "soundex")), "research"),
        (of(("date_of_birth", "year"), ("date_of_birth", "day")), "research"),
        (of(("surname", "all"), ("state", "all")), "low-entropy"),
        (of(("surname", "first-letter"), ("date_of_birth", "month")), "low-entropy"),
        (of(("surname", "first-letter"), ("given_name", "first-letter")), "low-entropy"),
    ],
)
def test_blocks_that_show_how_often_a_value_occurs_are_for_research(rule, code):
    """Tags of one field alone, beside a field of few values, or of parts with few values."""
    with pytest.raises(AgreementError) as caught:
        agreement({"kind": "hamming-lsh", "tables": 8, "bits": 32}, rule)

    assert f"agreement/{code}" == caught.value.code
    assert "agreement: passes[0].blocks[1].parts:" in caught.value.message
    assert "research = true" in caught.value.hint
    assert agreement(rule, research=True).research


def test_an_exact_pass_has_no_blocks():
    """Equality needs none."""
    text = preset_text("uk-health").replace('kind = "exact"', 'kind = "exact"\nblocks = []', 1)

    with pytest.raises(AgreementError, match="unknown word"):
        Agreement.from_toml(text.encode())
