"""A party's public keys are what they must be, or there is no party."""

import base64
from functools import cache

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import AgreementError, DataError, PolicyError
from pprl.exchange.age import X25519Identity
from pprl.exchange.identities import Identity
from pprl.exchange.parties import Party, bytes_of, party_toml, read_party, require_fitting

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
NOBODY = (0, 1)


def add(one, other):
    """The addition law of RFC 8032, section 5.1.4, with divisions."""
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2
    x3 = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P)
    y3 = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P)
    return x3 % P, y3 % P


def times(number, point):
    """Double and add."""
    total = NOBODY
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def root(square):
    """A square root modulo P, or nothing."""
    found = pow(square, (P + 3) // 8, P)
    if found * found % P != square % P:
        found = found * pow(2, (P - 1) // 4, P) % P
    return found if found * found % P == square % P else None


def point_of(content):
    """The point of 32 bytes as a careless reader has it: y is taken modulo P, the sign as it comes."""
    number = int.from_bytes(content, "little")
    y, sign = (number & (2**255 - 1)) % P, number >> 255
    x = root((y * y - 1) * pow(D * y * y + 1, -1, P))
    if x is None:
        return None
    return (P - x) % P if x & 1 != sign else x, y


def written(point):
    """The one canonical way to write a point."""
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


@cache
def small_order():
    """All points whose eighth multiple is nothing: what L times random points leaves of them."""
    points = set()
    y = 2
    while len(points) < 8:
        point = point_of(y.to_bytes(32, "little"))
        if point is not None:
            points.add(times(L, point))
        y += 1
    return sorted(points)


def encodings(point):
    """All texts of 32 bytes that a careless reader takes for a point."""
    x, y = point
    numbers = [y, y + P] if y + P < 2**255 else [y]
    signs = [0, 1] if x == 0 else [x & 1]
    return [(number | sign << 255).to_bytes(32, "little") for number in numbers for sign in signs]


HOSTILE = sorted({content for point in small_order() for content in encodings(point)})


@pytest.fixture(scope="module")
def trust():
    """A custodian."""
    return Identity.generate("trust", "custodian").party


def changed(party, **parts):
    """A party with other parts."""
    return Party(**(msgspec.to_builtins(party) | parts))


def text(content):
    """Base64."""
    return base64.b64encode(content).decode()


def test_the_twin_finds_what_is_known():
    """Eight points, of orders 1, 2, 4 and 8, and fourteen ways to write them."""
    orders = [min(k for k in (1, 2, 4, 8) if times(k, point) == NOBODY) for point in small_order()]

    assert [1, 2, 4, 4, 8, 8, 8, 8] == sorted(orders)
    assert 14 == len(HOSTILE)


@pytest.mark.parametrize("content", HOSTILE, ids=bytes.hex)
def test_keys_of_small_order_are_refused(trust, content):
    """However they are written: anybody can sign for them."""
    assert NOBODY == times(8, point_of(content))

    with pytest.raises(AgreementError, match=r"party trust: ed25519: is (of small order|not written)"):
        changed(trust, ed25519=text(content))


@given(
    st.one_of(
        st.binary(min_size=32, max_size=32),
        st.sampled_from(HOSTILE),
        st.integers(P - 40, 2**255 - 1).map(lambda y: y.to_bytes(32, "little")),
        st.integers(P - 40, 2**255 - 1).map(lambda y: (y | 1 << 255).to_bytes(32, "little")),
        st.integers(0, 40).map(lambda y: y.to_bytes(32, "little")),
    )
)
def test_a_key_is_a_point_of_large_order_in_its_canonical_form(content):
    """As curve arithmetic finds it out, slowly."""
    point = point_of(content)
    expected = point is not None and written(point) == content and times(8, point) != NOBODY

    try:
        changed(_EXAMPLE, ed25519=text(content))
        actual = True
    except AgreementError:
        actual = False

    assert expected == actual


_EXAMPLE = Identity.generate("trust", "custodian").party


@pytest.mark.parametrize("key", ["ed25519", "mldsa65"])
@pytest.mark.parametrize(
    "mistake",
    [
        lambda key: "",
        lambda key: key[:-4],
        lambda key: key + "AAAA",
        lambda key: " " + key,
        lambda key: key + "\n",
        lambda key: key.rstrip("="),
        lambda key: base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        lambda key: "é" + key[1:],
        lambda key: base64.b64decode(key).hex(),
    ],
)
def test_a_key_has_one_length_and_one_spelling(trust, key, mistake):
    """Not cut, not longer, no spaces, no other alphabet; and the message does not repeat it."""
    wrong = mistake(getattr(trust, key))

    if wrong == getattr(trust, key):
        pytest.skip("its base64 needs no padding")
    with pytest.raises(AgreementError, match=f"party trust: {key}: wanted") as caught:
        changed(trust, **{key: wrong})
    assert len(caught.value.message) < 80


@pytest.mark.parametrize(
    "mistake",
    [
        str.upper,
        lambda recipient: recipient[:-1],
        lambda recipient: recipient[:-1] + ("q" if recipient[-1] != "q" else "p"),
        lambda recipient: recipient + "\n",
        lambda recipient: "",
        lambda recipient: str(X25519Identity.generate().recipient),
    ],
)
def test_a_recipient_is_post_quantum_and_whole(trust, mistake):
    """No capitals, nothing cut or altered, nothing classical."""
    with pytest.raises(AgreementError, match="party trust: age: wanted"):
        changed(trust, age=mistake(trust.age))


def test_a_private_key_in_the_place_of_a_public_one_is_refused():
    """It would be read by everybody, so it is known; the message does not make it worse."""
    identity = Identity.generate("trust", "custodian")
    secret = identity.opener.to_text()

    with pytest.raises(PolicyError) as caught:
        changed(identity.party, age=secret)
    assert "policy/secret-in-agreement" == caught.value.code
    assert secret not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("name", ["", "Trust", "1st", "a b", "a" * 41, "trust\n", "../trust", "-a", "trüst"])
def test_a_name_is_short_and_plain(trust, name):
    """It becomes part of the name of a file."""
    with pytest.raises(AgreementError, match="party: name"):
        changed(trust, name=name)


def test_a_role_is_one_of_three(trust):
    """Also where no configuration is read."""
    with pytest.raises(AgreementError, match="party trust: role"):
        changed(trust, role="dealer")


def test_what_is_shown_of_a_party_is_short(trust):
    """Two thousand letters of keys help nobody."""
    assert "Party(name='trust', role='custodian')" == repr(trust)


def test_every_part_counts_in_the_fingerprint(trust):
    """So the eight words tell one party from another."""
    other = msgspec.to_builtins(Identity.generate("other", "research").party)

    changes = [changed(trust, **{part: other[part]}).fingerprint for part in Party.__struct_fields__]

    assert 6 == len({trust.fingerprint, *changes})


def test_a_party_reads_back_from_its_file(trust, tmp_path):
    """As it is pasted into an agreement, also after an editor has put a mark before it."""
    (tmp_path / "party.toml").write_text("\ufeff" + party_toml(trust), encoding="utf-8")

    assert trust == read_party(tmp_path / "party.toml")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[[parties]]",
        b"parties = []",
        b"a = " + b"[" * 5000,
        b'[[parties]]\nname = "trust"\nhunter2 = "hunter2"',
        b"parties = [" + b"9" * 5000 + b"]",
    ],
)
def test_what_is_no_party_is_refused(tmp_path, content):
    """Empty, binary, without keys, nested beyond reason; no value is repeated."""
    (tmp_path / "party.toml").write_bytes(content)

    with pytest.raises(DataError, match="party file: does not hold one party") as caught:
        read_party(tmp_path / "party.toml")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_two_parties_in_a_file_are_refused(tmp_path, trust):
    """A file is of one party."""
    (tmp_path / "party.toml").write_text(party_toml(trust) + party_toml(changed(trust, name="other")))

    with pytest.raises(DataError, match="does not hold one party"):
        read_party(tmp_path / "party.toml")


@given(st.binary(max_size=40))
def test_base64_reads_back(content):
    """With the right length, and with no other."""
    assert content == bytes_of(text(content), len(content))
    assert bytes_of(text(content), len(content) + 1) is None


ROLES = {"trust": "custodian", "hospital": "custodian", "unit": "linkage-unit", "safe": "research"}


@pytest.fixture(scope="module")
def everybody():
    """Two custodians, a linkage unit and a research environment."""
    return {name: Identity.generate(name, role).party for name, role in ROLES.items()}


@pytest.mark.parametrize(
    ("names", "research", "wanted"),
    [
        (["trust", "hospital"], False, "exactly one of the role linkage-unit, found 0"),
        (["trust", "unit"], False, "2 at least of the role custodian, found 1"),
        (["unit"], True, "1 at least of the role custodian, found 0"),
        (["trust", "hospital", "unit"], False, ""),
        (["trust", "hospital", "unit", "safe"], False, ""),
        (["trust", "unit"], True, ""),
        ([], False, ""),
    ],
)
def test_parties_fill_the_roles(everybody, names, research, wanted):
    """One linkage unit, two custodians or, in research, one; or nobody at all."""
    parties = [everybody[name] for name in names]

    if not wanted:
        require_fitting(parties, removed=(), version=1, research=research)
        return
    with pytest.raises(AgreementError, match=wanted):
        require_fitting(parties, removed=(), version=1, research=research)


def test_two_linkage_units_or_research_environments_are_one_too_many(everybody):
    """Each would learn what only one may."""
    for role in ("linkage-unit", "research"):
        second = Identity.generate("second", role).party
        with pytest.raises(AgreementError, match=f"of the role {role}, found 2"):
            require_fitting([*everybody.values(), second], removed=(), version=1, research=False)


@pytest.mark.parametrize("part", ["name", "ed25519", "mldsa65", "age"])
def test_no_two_parties_share_a_name_or_a_key(everybody, part):
    """One of them could speak for the other, or is the other."""
    second = changed(
        Identity.generate("second", "custodian").party, **{part: getattr(everybody["trust"], part)}
    )
    parties = [*everybody.values(), second]

    with pytest.raises(AgreementError, match=rf"parties\[4\]\.{part}: is that of parties\[0\]"):
        require_fitting(parties, removed=(), version=1, research=False)


@pytest.mark.parametrize(
    ("removed", "version", "wanted"),
    [
        (["charity"], 1, "nobody was removed before version 2"),
        (["trust"], 2, r"removed\[0\]: is among the parties"),
        (["charity", "charity"], 2, r"removed\[1\]: is repeated"),
        (["Charity"], 2, r"removed\[0\]: wanted the name of a party"),
        (["charity", "school"], 2, ""),
    ],
)
def test_who_was_removed_is_no_party(everybody, removed, version, wanted):
    """And nobody is before there was a first version."""
    parties = list(everybody.values())

    if not wanted:
        require_fitting(parties, removed=removed, version=version, research=False)
        return
    with pytest.raises(AgreementError, match=wanted):
        require_fitting(parties, removed=removed, version=version, research=False)
