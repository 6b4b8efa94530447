"""
The dictionary: with the key in hand there is nothing to break.

Who holds the key encodes people whom it knows and looks their filters up; no hardening hinders
it.  This is no attack on an encoding.  It always succeeds, and stands in every report as a
reminder of what must never meet: the files and the key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pprl.auditing.nearest import most_alike, signs
from pprl.auditing.scenes import NOBODY, Guess, Scene
from pprl.cleaning.fields import Field
from pprl.encoding.encoder import encode_passes
from pprl.encoding.passes import FuzzyPass
from pprl.keys import ProjectKey


@dataclass(frozen=True, slots=True, repr=False)
class Dictionary:
    """Encode the known people with the key, and take for each filter the one most like it.

    Noise does not help: the nearest is still the same person.  Only people who are alike in every
    field of the pass are mistaken for each other.

    Parameters
    ----------
    rules : sequence of Field
        The agreement's fields.
    one : FuzzyPass
        The pass that the victim encoded.
    key : ProjectKey
        The victim's key.

    Examples
    --------
    >>> from pprl.auditing.scenes import carry_out, scene_of
    >>> from pprl.cleaning.fields import NameField
    >>> from pprl.encoding.passes import PassField
    >>> from pprl.keys import LinkageKey
    >>> from pprl.model import TextColumn
    >>> people = {"name": TextColumn.from_texts(["ann", "bob", "cid", "dora"])}
    >>> rules = [NameField(name="name")]
    >>> one = FuzzyPass(name="all", fields=(PassField(field="name", bits=20),), n_bits=256, hardening=())
    >>> key = LinkageKey.generate().for_project("audit", epoch=1)
    >>> scene = scene_of(people, rules, [one], key, overlap=1, noise=None, leaked=0, seed=1)
    >>> carry_out(Dictionary(rules, one, key), scene, seed=1).share
    1.0
    """

    rules: Sequence[Field]
    one: FuzzyPass
    key: ProjectKey

    @property
    def name(self) -> str:
        """Short name, as in tables."""
        return "dictionary, key in hand"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the attacker must have."""
        return (
            "the file of filters",
            "the key",
            "the agreement, and the identifiers in clear of people who may be in the file",
        )

    @property
    def needs_leak(self) -> bool:
        """It learns nothing."""
        return False

    def __call__(self, scene: Scene, generator: np.random.Generator) -> Guess:
        """Guess for each filter the row of `known`; nothing is drawn."""
        del generator
        if not len(scene.known_tokens):
            return np.full(len(scene.encoded), NOBODY, dtype=np.int64)
        own = encode_passes(scene.known, self.rules, [self.one], self.key)[self.one.name].bits
        return most_alike(signs(scene.encoded), signs(own))

    def __repr__(self) -> str:
        return "Dictionary(key in hand)"
