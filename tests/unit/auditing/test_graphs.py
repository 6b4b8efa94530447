"""Graph matching: people are found again in plain filters, and not in noise."""

import dataclasses
from decimal import Decimal

import msgspec
import numpy as np
import pytest

import pprl.auditing.graphs
from pprl.auditing.graphs import GraphMatching, stretch_of
from pprl.auditing.scenes import NOBODY, carry_out, scene_of
from pprl.auditing.views import plain_twin
from pprl.encoding.hardening import Balance, Diffuse, Flip, Permute, Rehash, Rule90, XorFold
from pprl.errors import UsageError
from pprl.keys import LinkageKey
from pprl.model import BitMatrix


@pytest.fixture
def plain(people, rules, key, fuzzy):
    """A function that makes a scene of people in plain CLKs."""

    def make(n_people, overlap=1.0, leaked=0, hardening=()):
        one = plain_twin(fuzzy())
        one = type(one)(name=one.name, fields=one.fields, n_bits=one.n_bits, hardening=hardening)
        return scene_of(
            people(n_people), rules, [one], key, overlap=overlap, noise=None, leaked=leaked, seed=1
        )

    return make


def with_filters(scene, bits):
    """A scene of one pass with other filters."""
    return dataclasses.replace(scene, layers=(dataclasses.replace(scene.layers[0], encoded=bits),))


def test_plain_filters_are_recognised(plain):
    """With all of the same people in clear, nearly everybody is found without a key."""
    finding = carry_out(GraphMatching(), plain(400), seed=1)

    assert finding.share > 0.95


def test_plain_filters_are_recognised_among_strangers(plain):
    """With half of the people, and as many others, most are found still."""
    finding = carry_out(GraphMatching(), plain(900, overlap=0.5), seed=1)

    assert finding.share > 0.8


def test_diffusion_of_two_bits_does_not_help(plain):
    """A diffusion of two bits is seen and matched all the same."""
    finding = carry_out(GraphMatching(), plain(400, hardening=(Diffuse(t=2, n_bits=1024),)), seed=1)

    assert finding.share > 0.8


def test_diffusion_of_many_bits_leaves_chance(plain):
    """Where similarities tell nothing, hardly anybody is found."""
    finding = carry_out(GraphMatching(), plain(400, hardening=(Diffuse(t=8, n_bits=1024),)), seed=1)

    assert finding.share < 0.05


def test_random_bits_leave_chance(plain):
    """Filters that have nothing to do with the people are matched to nobody in particular."""
    scene = plain(300)
    bits = BitMatrix.from_bools(np.random.default_rng(1).random((300, 1024)) < 0.3)

    finding = carry_out(GraphMatching(), with_filters(scene, bits), seed=1)
    assert finding.n_right <= 8  # one is expected


def test_the_truth_is_not_read(plain):
    """Without it, the guesses are the same."""
    scene = plain(300)
    blind = dataclasses.replace(scene, partner=np.full(300, NOBODY))
    guesses = [GraphMatching()(one, np.random.default_rng(1)) for one in (scene, blind)]

    assert np.array_equal(*guesses)


def test_a_seed_gives_the_same_guesses(plain):
    """Two runs of one seed do not differ, also where the attack fails."""
    scene = plain(300, hardening=(Diffuse(t=6, n_bits=1024),))
    guesses = [GraphMatching()(scene, np.random.default_rng(5)) for _ in range(2)]

    assert np.array_equal(*guesses)


def test_the_order_of_the_filters_says_nothing(plain):
    """Filters in another order are given to the same people."""
    scene = plain(400)
    order = np.random.default_rng(2).permutation(400)
    shuffled = dataclasses.replace(
        with_filters(scene, scene.encoded.take(order)), partner=scene.partner[order]
    )
    guess, other = (GraphMatching()(one, np.random.default_rng(1)) for one in (scene, shuffled))

    assert np.mean(guess[order] == other) > 0.98


def test_leaked_pairs_are_kept(plain):
    """Whom the attacker was told is guessed so, and by no other filter."""
    scene = plain(300, leaked=60, hardening=(Diffuse(t=6, n_bits=1024),))

    guess = GraphMatching()(scene, np.random.default_rng(1))
    assert np.array_equal(scene.partner[scene.leaked], guess[scene.leaked])
    assert 300 == np.unique(guess).size


def test_leaked_pairs_help(plain):
    """They are anchors where invariants are too weak to begin with."""
    chain = (Diffuse(t=5, n_bits=1024),)
    alone, told = (
        carry_out(GraphMatching(), plain(600, leaked=k, hardening=chain), seed=1) for k in (0, 300)
    )

    assert told.share > 0.2 > 2 * alone.share


def test_absent_records_are_given_to_nobody(plain):
    """A filter without a bit is no record."""
    scene = plain(300)
    words = scene.encoded.words.copy()
    words[:10] = 0
    with_absent = with_filters(scene, BitMatrix(words, 1024))

    guess = GraphMatching()(with_absent, np.random.default_rng(1))
    assert (guess[:10] == NOBODY).all()
    assert (guess[10:] == scene.partner[10:]).mean() > 0.95


def test_a_handful_of_records_is_no_graph(plain):
    """Too few records are not guessed at."""
    assert (GraphMatching()(plain(15), np.random.default_rng(1)) == NOBODY).all()


def test_too_many_records_are_refused(plain, monkeypatch):
    """Matrices of all pairs do not fit into memory, and an error says so."""
    monkeypatch.setattr(pprl.auditing.graphs, "MAX_RECORDS", 100)

    with pytest.raises(UsageError, match="at most 100 records"):
        GraphMatching()(plain(200), np.random.default_rng(1))


def test_what_the_agreement_says_of_hardening_is_used():
    """It is no secret: bits that are XORed are counted over the chain, noise and order do not matter."""
    balanced = (Diffuse(t=3, n_bits=512), XorFold(), Permute(), Balance(), Flip(probability=Decimal("0.05")))

    assert 6 == stretch_of(balanced)
    assert 1 == stretch_of(())
    assert None is stretch_of((Rehash(width=8, stride=8, k=2, n_bits=512),))


@pytest.mark.parametrize("rounds", range(1, 9))
def test_rule_90_xors_as_many_bits_as_its_output_has(rounds):
    """Of one bit set as many are set after some rounds as an output has of inputs."""
    one = BitMatrix.from_bools(np.arange(1024)[None, :] == 500)
    key = LinkageKey(bytes(32)).for_project("audit", epoch=1).derive("hardening")

    assert int(Rule90(rounds=rounds)(one, key).popcounts()[0]) == stretch_of((Rule90(rounds=rounds),))


def test_what_filters_tell_is_enough_where_the_agreement_says_nothing(plain):
    """The number of XORed bits is told from the filters, and people are found all the same."""
    scene = plain(400, hardening=(Diffuse(t=2, n_bits=1024),))
    (layer,) = scene.layers
    unsaid = type(layer.one)(
        name="all",
        fields=layer.one.fields,
        n_bits=1024,
        hardening=(Rehash(width=8, stride=8, k=2, n_bits=1024),),
    )
    blind = dataclasses.replace(scene, layers=(dataclasses.replace(layer, one=unsaid),))

    assert carry_out(GraphMatching(), blind, seed=1).share > 0.8


def test_all_passes_together_tell_more_than_any(people, rules, key, fuzzy):
    """Noise of hardening is of each pass alone; agreements are averaged, and people are found."""
    passes = [
        msgspec.structs.replace(fuzzy(Diffuse(t=3, n_bits=1024)), name=name) for name in ("a", "b", "c", "d")
    ]
    together, alone = (
        carry_out(
            GraphMatching(),
            scene_of(people(600), rules, some, key, overlap=1, noise=None, leaked=0, seed=1),
            seed=1,
        )
        for some in (passes, passes[:1])
    )

    assert alone.share < 0.1
    assert together.share > 0.9
