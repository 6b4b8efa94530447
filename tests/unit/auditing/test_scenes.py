"""Scenes: what an attacker holds, and how guesses are judged."""

from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pprl.auditing.scenes import NOBODY, carry_out, judge, right_guesses, scene_of
from pprl.auditing.views import plain_twin
from pprl.encoding.encoder import encode_passes
from pprl.encoding.errormodel import ErrorModel
from pprl.encoding.hardening import Diffuse
from pprl.encoding.passes import FuzzyPass, PassField, Salt
from pprl.errors import UsageError
from pprl.model import TextColumn


@dataclass(frozen=True)
class Oracle:
    """An attack that reads the truth, as none may, or somebody else."""

    shift: int = 0
    name: str = "oracle"
    assumptions: tuple[str, ...] = ("the truth",)
    needs_leak: bool = False

    def __call__(self, scene, _generator):
        return np.where(scene.partner == NOBODY, NOBODY, scene.partner + self.shift)


@pytest.fixture
def make(people, rules, key, fuzzy):
    """A function that makes a scene of 200 people."""

    def scene(*hardening, n_people=200, overlap=1.0, noise=None, leaked=0, seed=1, strangers=True):
        return scene_of(
            people(n_people),
            rules,
            [fuzzy(*hardening)],
            key,
            overlap=overlap,
            noise=noise,
            leaked=leaked,
            seed=seed,
            strangers=strangers,
        )

    return scene


def test_partners_have_the_same_filter(make, rules, key, fuzzy):
    """Who is who is right: the known record of a filter's partner encodes to that filter."""
    scene = make(Diffuse(t=2, n_bits=512), overlap=0.5)

    again = encode_passes(scene.known, rules, [fuzzy(Diffuse(t=2, n_bits=512))], key)["all"].bits
    targets = scene.targets()
    assert np.array_equal(again.words[scene.partner[targets]], scene.encoded.words[targets])


@given(overlap=st.floats(0, 1), strangers=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_overlap_is_the_share_of_encoded_people(make, overlap, strangers):
    """The attacker holds that share, and as many strangers as it lacks, or none."""
    scene = make(n_people=40, overlap=overlap, strangers=strangers)

    n_encoded, n_both = len(scene.encoded), scene.targets().size
    assert n_both == round(overlap * n_encoded)
    assert abs(len(scene.known_tokens) - (n_encoded if strangers else n_both)) <= 1


def test_nobody_is_told_apart_by_order(make):
    """Neither file is in an order that gives the other away."""
    scene = make()

    places = np.corrcoef(np.arange(scene.partner.size), scene.partner)[0, 1]
    assert abs(places) < 0.3
    assert np.array_equal(np.sort(scene.partner), np.arange(scene.partner.size))


def test_a_seed_gives_one_scene(make):
    """The same seed gives the same scene, another seed another."""
    noise = ErrorModel()
    one, again, other = (make(overlap=0.5, noise=noise, leaked=5, seed=seed) for seed in (1, 1, 2))

    assert np.array_equal(one.encoded.words, again.encoded.words)
    assert np.array_equal(one.partner, again.partner)
    assert np.array_equal(one.leaked, again.leaked)
    assert one.known_tokens.vocabulary == again.known_tokens.vocabulary
    assert not np.array_equal(one.encoded.words, other.encoded.words)


def test_noise_is_in_the_attackers_copies(make):
    """Copies differ from the victim's, and who then lacks a required field is not there."""
    exact, noisy = (make(noise=noise) for noise in (None, ErrorModel(name_typing=1, missing=0.1)))

    assert exact.targets().size > noisy.targets().size > 0
    assert exact.known["given_name"].to_texts() != noisy.known["given_name"].to_texts()
    assert (noisy.known_tokens.lengths() > 0).all()


def test_leaked_pairs_are_true_and_no_targets(make):
    """The attacker is told of people whom it holds, and is not praised for these."""
    scene = make(overlap=0.5, leaked=7)

    assert 7 == np.unique(scene.leaked).size
    assert (scene.partner[scene.leaked] != NOBODY).all()
    assert not np.isin(scene.targets(), scene.leaked).any()


def test_a_finding_counts_right_guesses(make):
    """All right for the truth itself, none right for its neighbour."""
    scene = make(overlap=0.5, leaked=3)

    right, wrong = (carry_out(Oracle(shift=shift), scene, seed=1) for shift in (0, 1))

    n_targets = scene.targets().size
    assert (n_targets, n_targets, 1.0) == (right.n_right, right.n_guessed, right.share)
    assert (0, n_targets, 0.0) == (wrong.n_right, wrong.n_guessed, wrong.share)
    assert right.low < 1.0 == right.high


def test_nothing_is_found_where_there_is_nobody(make):
    """Without a target the interval is all that is possible."""
    scene = make(overlap=0.0)

    finding = judge(Oracle(), scene, np.full(len(scene.encoded), NOBODY), cpu_seconds=0.0)

    assert (0, 0, 0.0, 1.0) == (finding.n_targets, finding.n_right, finding.low, finding.high)


def test_an_attack_that_learns_needs_leaked_pairs(make):
    """It is refused where there are none."""
    with pytest.raises(UsageError, match="needs leaked pairs") as raised:
        carry_out(Oracle(needs_leak=True), make(), seed=1)

    assert "usage/no-leak" == raised.value.code


@pytest.mark.parametrize("options", [{"overlap": 1.5}, {"leaked": 201}, {"leaked": -1}])
def test_impossible_scenes_are_refused(make, options):
    """A share is from 0 to 1, and nobody is leaked whom the attacker does not hold."""
    with pytest.raises(UsageError):
        make(**options)


def test_a_plain_twin_has_no_protection():
    """Weights, salt and hardening go; a number of bits for each token stays."""
    one = FuzzyPass(
        name="all",
        fields=(PassField(field="a", bits=90, required=True), PassField(field="b", bits_per_token=7)),
        n_bits=4096,
        hardening=(Diffuse(t=5, n_bits=1024),),
        salt=Salt(field="a"),
    )

    twin = plain_twin(one)

    assert (1024, (), None) == (twin.n_bits, twin.hardening, twin.salt)
    assert [(None, 10, True), (None, 7, False)] == [
        (use.bits, use.bits_per_token, use.required) for use in twin.fields
    ]


def test_a_scene_shows_counts_only(make):
    """No name stands in a repr."""
    assert "Scene(200 filters of 1024 bits, 200 known records, 195 targets, 5 leaked)" == repr(make(leaked=5))


def test_layers_are_of_the_same_people_in_one_order(people, rules, key, fuzzy):
    """Each record's filters, in every pass, are those of its partner, also among noisy copies."""
    passes = [msgspec.structs.replace(fuzzy(), name=name) for name in ("a", "b")]
    for noise in (None, ErrorModel()):
        scene = scene_of(people(200), rules, passes, key, overlap=0.8, noise=noise, leaked=10, seed=1)
        for layer in scene.layers:
            own = encode_passes(scene.known, rules, [layer.one], key)[layer.one.name].bits.to_bools()
            rows = np.flatnonzero(scene.partner != NOBODY)
            same = (layer.encoded.to_bools()[rows] == own[scene.partner[rows]]).mean(axis=1)
            strangers = (layer.encoded.to_bools()[rows] == own[np.roll(scene.partner[rows], 1)]).mean(axis=1)
            assert np.median(same) > (0.99 if noise is None else 0.9) > strangers.mean()
            assert same[scene.partner[rows] >= 0].mean() > strangers.mean()


def test_who_cannot_be_told_from_the_person_is_right_too(rules, key):
    """People with the same tokens in every pass are one for an attacker; in one pass alone they are not."""
    texts = {"given_name": ["ann", "ann", "ann", "bob"], "family_name": ["fox", "fox", "hill", "hill"]}
    columns = {name: TextColumn.from_texts(each) for name, each in texts.items()}
    passes = [
        FuzzyPass(name=name, fields=(PassField(field=name),), n_bits=256, hardening=()) for name in texts
    ]
    scene = scene_of(columns, rules[:2], passes, key, overlap=1, noise=None, leaked=0, seed=1)
    who = [
        scene.known["given_name"].to_texts()[row] + scene.known["family_name"].to_texts()[row]
        for row in range(4)
    ]
    for shift in range(4):
        guess = np.roll(np.arange(4), shift)[scene.partner]

        right = right_guesses(scene, guess)

        assert [
            who[one] == who[true] for one, true in zip(guess, scene.partner, strict=True)
        ] == right.tolist()
    assert 0.5 == judge(Oracle(), scene, scene.partner, cpu_seconds=0).blind
