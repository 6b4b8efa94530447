"""The dictionary: who holds the key finds everybody, and is told so."""

from decimal import Decimal

import pytest

from pprl.auditing.dictionary import Dictionary
from pprl.auditing.scenes import carry_out, scene_of
from pprl.encoding.hardening import Diffuse, Flip
from pprl.keys import LinkageKey


@pytest.mark.parametrize(
    "hardening",
    [(), (Diffuse(t=10, n_bits=1024),), (Diffuse(t=2, n_bits=1024), Flip(probability=Decimal("0.2")))],
)
@pytest.mark.parametrize("overlap", [1.0, 0.25])
def test_with_the_key_everybody_is_found(people, rules, key, fuzzy, hardening, overlap):
    """Whatever the hardening, and noise with it."""
    one = fuzzy(*hardening)
    scene = scene_of(people(200), rules, [one], key, overlap=overlap, noise=None, leaked=0, seed=1)

    assert 1.0 == carry_out(Dictionary(rules, one, key), scene, seed=1).share


def test_another_key_finds_nobody_to_speak_of(people, rules, key, fuzzy):
    """It is the key that opens, not the agreement."""
    one = fuzzy(Diffuse(t=10, n_bits=1024))
    scene = scene_of(people(200), rules, [one], key, overlap=1, noise=None, leaked=0, seed=1)
    other = LinkageKey(bytes(range(1, 33))).for_project("audit", epoch=1)

    assert 0.1 > carry_out(Dictionary(rules, one, other), scene, seed=1).share


def test_who_knows_nobody_finds_nobody(people, rules, key, fuzzy):
    """No known record, no guess."""
    scene = scene_of(
        people(20), rules, [fuzzy()], key, overlap=0, noise=None, leaked=0, seed=1, strangers=False
    )

    assert 0 == carry_out(Dictionary(rules, fuzzy(), key), scene, seed=1).n_guessed


def test_nothing_prints_the_key(rules, key, fuzzy):
    """The rules and the key are not shown."""
    assert "Dictionary(key in hand)" == repr(Dictionary(rules, fuzzy(), key))
