"""The audit of a custodian's table, before anything is released."""

import msgspec
import pytest

from pprl.agreement import Agreement
from pprl.datasets.uk import population
from pprl.errors import DataError, UsageError
from pprl.workflow import audit

ATTACKS = ("predicted-filters", "frequency")


@pytest.fixture(scope="module")
def people():
    """250 fictitious people."""
    return population(250, seed=7).people


@pytest.fixture(scope="module")
def uk():
    """The preset uk-health, in two of its passes."""
    agreed = Agreement.preset("uk-health")
    kept = [one for one in agreed.passes if one.name in {"health_number", "names_by_part", "without_address"}]
    return msgspec.structs.replace(agreed, passes=tuple(kept))


@pytest.fixture(scope="module")
def found(people, uk):
    """An audit of 200 of them."""
    return audit(people, uk, attacks=ATTACKS, n_records=200, quick=True)


def test_every_part_of_an_audit_is_there(found, uk):
    """Attacks on every pass with their control, leakage, the reminder, the frontier, kinds of people."""
    views = ("names_by_part", "without_address", "all passes together")
    assert {(name, "predicted-filters") for name in views} < {
        (one.view.name, one.kind.name) for one in found.outcomes
    }
    assert ["names_by_part", "without_address"] == [one.name for one in found.leakage]
    assert (200, 250, uk.fingerprint) == (found.n_records, found.n_table, found.fingerprint)
    assert found.dictionary.share > 0.95
    assert 1 == sum(point.agreed for point in found.frontier.points)
    assert found.served.groups[0].name == "everybody"
    assert found.joint.agreed.n_records >= 100
    assert found.cpu_seconds > 0


def test_an_attack_that_is_too_weak_decides_nothing(found):
    """Frequency alignment fails on plain CLKs of whole records, and is in neither worst case nor frontier."""
    weak = {one.kind.name for one in found.outcomes if one.too_weak}

    assert {"frequency"} == weak
    assert "predicted-filters" == found.worst.kind.name
    # With the 20 pairs that a tenth are, the other one may be too weak for the frontier as well.
    assert "frequency alignment" not in {
        each.attack for point in found.frontier.points for each in point.findings
    }


def test_what_was_left_out_is_told(found):
    """A sample, a quick look, other attacks, passes for equality."""
    told = " ".join(found.left_out)

    assert "a sample was attacked" in told
    assert "a quick look" in told
    assert "graph" in told
    assert "health_number" in told


def test_nothing_of_a_record_is_in_a_result(found, people):
    """Neither what is printed nor the table of trials names anybody."""
    said = f"{found!r} {found} {found.to_pandas().to_csv()}".lower()

    assert not [name for name in people["family_name"] if name and len(name) > 5 and name.lower() in said]
    assert "AuditResult(" in repr(found)


def test_progress_ends_where_it_said(people, uk):
    """From the first attack to the last, and done is what was planned in the end."""
    calls = []

    audit(
        people,
        uk,
        attacks=("predicted-filters",),
        n_records=150,
        quick=True,
        progress=lambda *n: calls.append(n),
    )

    assert calls[0][0] == 1
    assert calls[-1][0] == calls[-1][1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_records": 50}, "records"),
        ({"n_records": 6000}, "records"),
        ({"attacks": ["grph"]}, "no such attack"),
        ({"attacks": []}, "at least one"),
        ({"seed": -1}, "seed"),
    ],
)
def test_options_out_of_range_are_refused(people, uk, options, said):
    """Before anything is read."""
    with pytest.raises(UsageError, match=said):
        audit(people, uk, **options)


def test_too_few_records_are_refused(people, uk):
    """Fewer than 100 would be described one by one."""
    with pytest.raises(DataError, match="no pass has 100"):
        audit(people[:80], uk)


def test_an_agreement_of_equal_values_alone_cannot_be_attacked(people, uk):
    """There is no filter."""
    one = next(each for each in uk.passes if each.name == "health_number")
    number = tuple(rule for rule in uk.fields if rule.name == "health_number")
    exact = msgspec.structs.replace(uk, passes=(one,), fields=number, spike_ins=None, decoys=None)

    with pytest.raises(UsageError, match="no fuzzy pass"):
        audit(people, exact)


def numbers_of(found):
    shares = [trial.finding.share for one in found.outcomes for trial in one.trials]
    return [*shares, *(one.control.share for one in found.outcomes), repr(found.leakage)]


def test_an_audit_can_be_repeated(people, uk):
    """The same table, agreement and seed give the same numbers; another seed is another key."""
    once, again, other = (
        audit(people, uk, n_records=120, attacks=["predicted-filters"], quick=True, seed=seed)
        for seed in (1, 1, 2)
    )

    assert numbers_of(once) == numbers_of(again)
    assert numbers_of(once) != numbers_of(other)


@pytest.mark.parametrize("n_records", [0, 99, 5_001])
def test_the_number_of_records_is_kept_to(people, uk, n_records):
    """Nothing that was asked for is taken for something else."""
    with pytest.raises(UsageError, match="wanted 100 to 5000"):
        audit(people, uk, n_records=n_records)
