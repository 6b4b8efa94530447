"""Attacks under many conditions, the frontier, and kinds of people."""

from dataclasses import replace

import numpy as np
import pytest

from pprl.auditing.attacks import ATTACKS, attacks_named
from pprl.auditing.frequency import FrequencyAlignment
from pprl.auditing.frontier import LIMIT, Frontier, PassRecall, Point, chains_of, frontier
from pprl.auditing.scenes import Finding, scene_of
from pprl.auditing.served import FEWEST_OF_GROUP, kinds_of_people, served
from pprl.auditing.sweep import (
    CONTROL,
    FEWEST_TARGETS,
    Grid,
    Outcome,
    People,
    Setting,
    Trial,
    attempt,
    exposed,
    n_attempts,
    sweep,
)
from pprl.auditing.views import TOGETHER, View, views_of
from pprl.encoding.encoder import encode_passes
from pprl.encoding.errormodel import ErrorModel, corrupt
from pprl.encoding.hardening import Balance, Diffuse, Rule90, XorFold
from pprl.encoding.passes import FuzzyPass, PassField
from pprl.encoding.prediction import Aim
from pprl.errors import UsageError
from pprl.keys import LinkageKey
from pprl.model import TextColumn

T2, T5 = (Diffuse(t=2, n_bits=1024),), (Diffuse(t=5, n_bits=1024),)
SMALL = Grid(overlaps=(1.0, 0.5), noisy=(False,), leaks=(60,), parts=(1.0, 0.5))


@pytest.fixture
def attacked(people, rules, key):
    """A function that gives so many people to be attacked."""

    def make(n_people):
        return People(people(n_people), rules, (key,), ErrorModel(), seed=3)

    return make


@pytest.fixture
def swept(attacked, fuzzy):
    """Linear learning from known pairs, and frequency alignment, on two passes of 300 people."""
    weak, strong = fuzzy(*T2), fuzzy(*T5)
    passes = [replace_name(strong, "strong"), replace_name(weak, "weak")]
    return sweep(attacked(300), views_of(passes), attacks_named(("known-pairs", "frequency")), SMALL)


def replace_name(one, name):
    """The same pass with another name."""
    return type(one)(
        **{field: getattr(one, field) for field in one.__struct_fields__ if field != "name"}, name=name
    )


def finding(share, high=None):
    """What an attack found of 1,000 people."""
    return Finding(
        attack="a",
        n_encoded=1000,
        n_targets=1000,
        n_right=round(1000 * share),
        n_guessed=1000,
        share=share,
        low=share,
        high=share if high is None else high,
        blind=0.001,
        cpu_seconds=0.1,
        assumptions=(),
    )


def point(steps, recall, *findings):
    """A chain of one pass."""
    return Point((steps,), agreed=False, predicted=(PassRecall("all", 0.7, recall),), findings=findings)


def outcome(kind, view):
    """That an attack passed its control on some passes."""
    setting = Setting(1000, 1.0, noisy=False, n_leaked=0)
    return Outcome(kind, view, finding(1.0), (Trial(setting, finding(0.0)),))


def strong(kinds, one):
    """Attacks that passed their control on one pass."""
    return [outcome(kind, View(one.name, (one,))) for kind in kinds]


def test_every_attack_has_a_control_at_full_overlap(swept):
    """An attack is first made on plain CLKs under the same conditions, and a weak one is told from others."""
    by_attack = {(one.view.name, one.kind.name): one for one in swept}

    assert {True} == {one.too_weak for (_, name), one in by_attack.items() if name == "frequency"}
    assert {False} == {one.too_weak for (_, name), one in by_attack.items() if name == "known-pairs"}
    assert all(one.control.share >= CONTROL for one in swept if not one.too_weak)
    assert all(one.trials[0].setting.overlap == 1 for one in swept)


def test_harder_conditions_are_tried_where_attacks_find_most(swept):
    """The pass that fares worst is looked at further, by attacks that are not too weak."""
    kinds = attacks_named(("known-pairs", "frequency"))
    n_trials = {(one.view.name, one.kind.name): len(one.trials) for one in swept}

    assert [("known-pairs", "weak")] == [one.place for one in exposed(swept, kinds)]
    assert n_trials["weak", "known-pairs"] == len(SMALL.settings(300, needs_leak=True)) > 1
    assert 1 == n_trials["strong", "known-pairs"] == n_trials["weak", "frequency"]


def test_the_worst_trial_is_the_one_that_found_most(swept):
    """What is reported is the worst case and not the mean."""
    outcome = next(one for one in swept if len(one.trials) > 1)

    assert outcome.worst.finding.share == max(trial.finding.share for trial in outcome.trials)


def test_the_same_seed_finds_the_same(attacked, fuzzy):
    """An audit can be repeated: same people, same guesses, same shares."""
    one, two = (
        [
            (trial.setting, trial.finding.n_right)
            for outcome in sweep(
                attacked(200), views_of([fuzzy(*T2)]), attacks_named(("predicted-filters",)), SMALL
            )
            for trial in outcome.trials
        ]
        for _ in range(2)
    )

    assert one == two


def test_progress_counts_every_attack(attacked, fuzzy):
    """Whoever watches is told of each, and never of more than were planned."""
    kinds, ticks = attacks_named(("known-pairs", "predicted-filters")), []

    views = views_of([fuzzy(*T2), replace_name(fuzzy(*T2), "other")])

    sweep(attacked(300), views, kinds, SMALL, tick=lambda: ticks.append(1))

    assert n_attempts(views, kinds, SMALL, 300) >= len(ticks) > 2 * 3


@pytest.mark.parametrize("needs_leak", [True, False])
def test_conditions_leave_people_to_be_found(needs_leak):
    """The attacker is told of a quarter of its people at most, and each condition is tried once."""
    settings = Grid().settings(2000, needs_leak=needs_leak)

    assert len(settings) == len(set(settings))
    assert settings[0] == Grid().best(2000, needs_leak=needs_leak)
    assert {1.0, 0.5, 0.25, 0.1} == {one.overlap for one in settings}
    assert {2000, 1000, 500} == {one.n_records for one in settings}
    for one in settings:
        held = one.overlap * one.n_records / (2 - one.overlap)
        assert one.n_leaked <= held / 4
        assert needs_leak == (one.n_leaked > 0)


def test_people_who_are_absent_from_a_pass_are_not_attacked(attacked, rules, key, fuzzy):
    """Pairs can be told of people only who are there."""
    whole = attacked(200)
    names = [None if k % 2 else name for k, name in enumerate(whole.columns["given_name"].to_texts())]
    people = replace(whole, columns=dict(whole.columns) | {"given_name": TextColumn.from_texts(names)})

    outcomes = sweep(people, views_of([fuzzy(*T2)]), attacks_named(("known-pairs",)), SMALL)

    assert 100 == outcomes[0].trials[0].finding.n_encoded
    assert 25 == outcomes[0].trials[0].setting.n_leaked


def test_an_unknown_attack_is_refused():
    """So that nobody believes that it was carried out."""
    with pytest.raises(UsageError, match="no such attack"):
        attacks_named(("grpah",))
    with pytest.raises(UsageError, match="at least one"):
        attacks_named(())


def test_all_passes_together_are_attacked_and_swept(attacked, fuzzy):
    """An attack that can join passes does, beside its control, and is tried there under harder conditions."""
    passes = [replace_name(fuzzy(Diffuse(t=3, n_bits=1024)), name) for name in ("a", "b", "c")]
    kinds = attacks_named(("predicted-filters",))

    swept = sweep(attacked(400), views_of(passes), kinds, SMALL)

    assert ["a", "b", "c", TOGETHER] == [one.view.name for one in swept]
    assert (swept[-1],) == exposed(swept, kinds)
    assert all(one.control.share > CONTROL for one in swept)
    assert [1, 1, 1] == [len(one.trials) for one in swept[:3]]
    assert len(SMALL.settings(400, needs_leak=True)) == len(swept[-1].trials)
    assert swept[-1].trials[0].finding.share > max(one.trials[0].finding.share for one in swept[:3])


def test_the_key_that_hides_least_counts(attacked, fuzzy):
    """An attack whose outcome depends on the key is made under several, until it finds nearly everybody."""
    keys = [LinkageKey(bytes([k] * 32)).for_project("audit", epoch=1) for k in range(3)]
    view, (kind,) = views_of([fuzzy(*T5)])[0], attacks_named(("graph",))
    setting = Setting(300, 1.0, noisy=False, n_leaked=0)
    people = attacked(300)

    alone = [attempt(replace(people, keys=(key,)), view, kind, setting).finding.n_right for key in keys]
    several = attempt(replace(people, keys=tuple(keys)), view, kind, setting, n_keys=3)

    assert max(alone) == several.finding.n_right > min(alone)
    assert (3, alone.index(max(alone))) == (several.n_keys, several.key)


def test_of_several_variants_the_one_that_finds_most_counts(attacked, fuzzy):
    """An attacker cannot know which is best; what is told is the worst case."""
    found = FrequencyAlignment()
    kind = replace(
        ATTACKS["frequency"], variants=(FrequencyAlignment(least_count=10**6, extend=False), found)
    )
    (view,) = views_of([surnames()])

    trial = attempt(attacked(500), view, kind, Setting(500, 1.0, noisy=False, n_leaked=0))

    assert 1 == trial.variant
    assert trial.finding.n_right > 0


def test_one_pass_that_tells_clearly_more_is_looked_at_too(fuzzy):
    """All together are looked at always; a pass besides, where it is no chance that more is found there."""
    views = views_of([replace_name(fuzzy(), "a"), replace_name(fuzzy(), "b")])
    kind = ATTACKS["graph"]

    def outcomes(*shares):
        return [
            replace(
                outcome(kind, view),
                trials=(Trial(Setting(1000, 1.0, noisy=False, n_leaked=0), finding(share)),),
            )
            for view, share in zip(views, shares, strict=True)
        ]

    assert [TOGETHER] == [one.view.name for one in exposed(outcomes(0.1, 0.2, 0.2), [kind])]
    assert [TOGETHER, "b"] == [one.view.name for one in exposed(outcomes(0.1, 0.9, 0.2), [kind])]
    weak = [*outcomes(0.1, 0.9, 0.0)[:2], replace(outcomes(0.1, 0.9, 0.0)[2], control=finding(0.5))]
    assert ["b"] == [one.view.name for one in exposed(weak, [kind])]


def test_what_is_right_by_naming_one_value_passes_no_control(attacked, fuzzy):
    """Of people who nearly all have one value an attack that finds 90 % may have found nothing."""
    (kind,) = attacks_named(("predicted-filters",))
    few = [text if k < 10 else "ann" for k, text in enumerate(attacked(300).columns["given_name"].to_texts())]
    people = attacked(300)
    people = replace(people, columns=dict(people.columns) | {"given_name": TextColumn.from_texts(few)})
    one = FuzzyPass(name="a", fields=(PassField(field="given_name"),), n_bits=1024, hardening=T2)

    (found,) = sweep(people, views_of([one]), [kind], SMALL)

    assert found.control.share > CONTROL
    assert found.control.blind > 0.9
    assert found.too_weak


def surnames():
    """A pass of surnames alone."""
    return FuzzyPass(
        name="s", fields=(PassField(field="family_name", required=True),), n_bits=1024, hardening=()
    )


def test_no_trial_has_so_few_targets_that_a_share_counts_people(attacked, fuzzy):
    """Of eleven people a share says how many were found; copies with errors may drop out of a pass."""
    (kind,) = attacks_named(("predicted-filters",))
    absent = ErrorModel(missing=0.2)
    people = replace(attacked(200), errors=absent)
    grid = Grid((1.0, 0.6), (False, True), (60,), (1.0,))

    (found,) = sweep(people, views_of([fuzzy(*T2)]), [kind], grid)

    assert len(grid.settings(200, needs_leak=True)) > len(found.trials) > 1
    assert all(trial.finding.n_targets >= FEWEST_TARGETS for trial in found.trials)


def test_the_frontier_has_the_agreed_chain_and_none(attacked, fuzzy):
    """Recall falls and people are hidden, from no hardening to the longest diffusion."""
    people, one = attacked(300), fuzzy(*T5)
    second = corrupt(people.columns, people.rules, people.errors, np.random.default_rng(1))
    aim = Aim(bias=0.1, n_records=300, false_share=0.001)

    kinds = attacks_named(("predicted-filters", "known-pairs"))

    found = frontier(people, second, [one], strong(kinds, one), SMALL, aim=aim)

    tried = [(2, 1024), (3, 1024), (4, 1024), (4, 2048), (5, 1024)]
    chains = [(), *((Diffuse(t=t, n_bits=n_bits),) for t, n_bits in tried)]
    assert [(chain,) for chain in chains] == [p.hardenings for p in found.points]
    assert [(T5,)] == [point.hardenings for point in found.points if point.agreed]
    assert found.points[0].worst.share > CONTROL
    assert all(["known pairs, predicted filters"] == [one.attack for one in p.findings] for p in found.points)
    assert found.points[-1].worst.share < LIMIT
    assert {270} == {one.n_targets for point in found.points for one in point.findings}
    assert all(0 < point.recall <= 1 for point in found.points)


def test_the_frontier_of_several_passes_attacks_them_together(attacked, fuzzy):
    """A chain is put on every pass; its recall is that of the pass that finds most by itself."""
    people = attacked(300)
    passes = [replace_name(fuzzy(*T5), "five"), replace_name(fuzzy(*T2), "two")]
    (together,) = (view for view in views_of(passes) if view.is_joint)
    second = corrupt(people.columns, people.rules, people.errors, np.random.default_rng(1))
    aim = Aim(bias=0.1, n_records=300, false_share=0.001)
    (kind,) = attacks_named(("predicted-filters",))

    found = frontier(people, second, passes, [outcome(kind, together)], SMALL, aim=aim)

    assert (together,) == found.views
    agreed = next(one for one in found.points if one.agreed)
    assert (T5, T2) == agreed.hardenings
    assert ["five", "two"] == [one.pass_name for one in agreed.predicted]
    assert agreed.recall == max(one.recall for one in agreed.predicted)
    setting = replace(SMALL.best(300, needs_leak=True), n_leaked=30)
    assert agreed.findings[0].n_right == attempt(people, together, kind, setting).finding.n_right


@pytest.mark.parametrize("steps", [(*T2, Balance()), (Rule90(),)])
def test_a_chain_without_a_formula_has_no_predicted_recall(attacked, fuzzy, steps):
    """It is attacked all the same, and never recommended."""
    people, one = attacked(150), fuzzy(*steps)
    aim = Aim(bias=0.1, n_records=150, false_share=0.001)

    found = frontier(people, people.columns, [one], (), SMALL, aim=aim)

    assert None is found.points[-1].recall
    assert chains_of([one])[-1] == (one.hardening,)
    assert None is found.recommended


def test_the_rule_takes_the_highest_recall_under_the_limit():
    """By the upper end of the interval, of every attack."""
    points = (
        point((), 0.99, finding(1.0)),
        point(T2, 0.98, finding(0.0), finding(0.04, LIMIT)),
        point((XorFold(),), 0.97, finding(0.01), finding(0.02)),
        point(T5, 0.90, finding(0.0)),
    )

    assert points[2] == Frontier((), 0.001, 0, points).recommended
    assert None is Frontier((), 0.001, 0, points[:2]).recommended


def test_no_chain_is_recommended_if_every_attack_was_too_weak():
    """What nobody could attack is not shown to be protected."""
    assert None is Frontier((), 0.001, 0, (point(T5, 0.9),)).recommended


def test_kinds_of_people_are_what_they_say(people, rules, key, fuzzy):
    """Rare names by the whole table, as a slow count gives them."""
    columns, one = people(200), fuzzy()
    scene = scene_of(columns, rules, [one], key, overlap=1, noise=None, leaked=0, seed=1)
    everybody = people(400)

    whole = People(columns, rules, (key,), ErrorModel(), seed=3)
    found = kinds_of_people(scene, whole, everybody)

    counts = {
        name: {text: everybody[name].to_texts().count(text) for text in set(everybody[name].to_texts())}
        for name in ("given_name", "family_name")
    }
    for row in range(200):
        texts = {name: scene.known[name].to_texts()[row] for name in counts}
        rarest = min(counts[name].get(text, 0) for name, text in texts.items() if text is not None)
        assert (rarest == 1) == found["a name that nobody else in the table has"][row]
    assert found["everybody"].all()
    assert set(found["sex: f"].tolist()) <= {True, False}


def test_people_are_served_as_attack_and_linkage_find(attacked, people, fuzzy, key):
    """Both shares of everybody are those of the same attack, and of the same linkage done by hand."""
    whole, one = attacked(300), fuzzy(*T2)
    kind = ATTACKS["predicted-filters"]
    setting = Grid(leaks=(75,)).best(300, needs_leak=True)

    view = View(one.name, (one,))
    trial = attempt(whole, view, kind, setting)
    found = served(whole, people(400), outcome(kind, view), trial, thresholds={"all": 0.8, "other": 0.1})

    everybody = found.groups[0]
    assert {"all": 0.8} == found.thresholds
    assert trial.finding.share == everybody.found_by_attack.share
    assert all(group.found_by_attack.n >= FEWEST_OF_GROUP for group in found.groups)
    scene = scene_of(whole.columns, whole.rules, [one], key, overlap=1, noise=None, leaked=75, seed=3)
    second = corrupt(scene.known, whole.rules, whole.errors, np.random.default_rng(3))
    bits = [
        encode_passes(each, whole.rules, [one], key)["all"].bits.to_bools() for each in (scene.known, second)
    ]
    dice = [2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in zip(*bits, strict=True)]
    assert everybody.found_by_linkage.share == pytest.approx(np.mean(np.array(dice) >= 0.8), abs=0.011)


def test_kinds_are_served_as_the_worst_key_and_variant_serve_them(attacked, people, fuzzy):
    """What is told of kinds of people is of the same attack as what is told of all."""
    keys = tuple(LinkageKey(bytes([k] * 32)).for_project("audit", epoch=1) for k in range(3))
    whole, kind = replace(attacked(300), keys=keys), ATTACKS["predicted-filters"]
    (view,) = views_of([fuzzy(*T2)])
    trial = Trial(Setting(300, 1.0, noisy=False, n_leaked=75), finding(0.5), n_keys=3, key=2)

    found = served(whole, people(300), outcome(kind, view), trial, thresholds={})

    alone = attempt(replace(whole, keys=keys[2:]), view, kind, trial.setting).finding
    assert alone.share == found.groups[0].found_by_attack.share
    assert all(group.found_by_linkage is None for group in found.groups)


def test_no_recall_is_told_of_few_people(attacked, people, fuzzy):
    """A kind whose second copies nearly all drop out of a pass has no share that would count them."""
    whole = replace(attacked(300), errors=ErrorModel(missing=0.7))
    (view,) = views_of([fuzzy(*T2)])
    kind = ATTACKS["predicted-filters"]
    trial = attempt(whole, view, kind, Setting(300, 1.0, noisy=False, n_leaked=75))

    found = served(whole, people(300), outcome(kind, view), trial, thresholds={"all": 0.8})

    assert None is found.groups[0].found_by_linkage
