"""Checkpoints: a comparison goes on where it stopped, and gives the same bytes."""

import contextlib
import json

import numpy as np
import pytest

from pprl.comparison import candidates as choices
from pprl.comparison import checkpoint, compare, engine, rectangles
from pprl.comparison.candidates import SharedTags
from pprl.comparison.checkpoint import Checkpoint, remove_checkpoints
from pprl.comparison.jobs import NONE_FOUND, Found
from pprl.comparison.tags import pieces
from pprl.errors import AuthenticationError, PolicyError, ResourceError, UsageError
from pprl.model import BitMatrix

KERNELS = ("reference", "numba")


def random_bits(n_records, n_bits=64, *, seed=0):
    return BitMatrix.from_bools(np.random.default_rng(seed).random((n_records, n_bits)) < 0.4)


def random_tags(n_records, *, seed=0):
    return np.random.default_rng(seed).integers(0, 6, size=(n_records, 3), dtype=np.uint32)


LEFT, RIGHT = random_bits(150), random_bits(130, seed=1)
TAGS = SharedTags(random_tags(150), random_tags(130, seed=1))
OWN_TAGS = SharedTags(TAGS.left, TAGS.left)
CALLS = {
    "two sides": {"right": RIGHT},
    "self-join": {"right": LEFT},
    "best": {"right": LEFT, "top_k": 2},
    "tags": {"right": RIGHT, "candidates": TAGS, "threshold": "0.3"},
    "best of tags": {"right": LEFT, "candidates": OWN_TAGS, "threshold": "0.3", "top_k": 1},
    "nothing found": {"right": RIGHT, "threshold": "0.99"},
}


def call(left=LEFT, right=RIGHT, threshold="0.5", **options):
    return compare(left, right, threshold=threshold, **{"workers": 1, **options})


def opened(folder, job, *, close=True):
    """Open a folder of checkpoints; it is closed at once."""
    kept = Checkpoint(folder, job)
    if close:
        kept.close()
    return kept


def octets(pairs):
    return [column.tobytes() for column in (pairs.left, pairs.right, pairs.overlap, pairs.score)]


pytestmark = pytest.mark.usefixtures("small_and_often")


@pytest.fixture
def small_and_often(monkeypatch):
    """Many small tasks, and a part after each."""
    monkeypatch.setattr(rectangles, "LEFT_ROWS", 20)
    monkeypatch.setattr(choices, "pieces", lambda runs, most: pieces(runs, most=min(most, 400)))
    monkeypatch.setattr(checkpoint, "EVERY", 0)


class Scans:
    """The numbers of the tasks that were scanned, and of those that were kept."""

    def __init__(self, monkeypatch):
        self.scanned, self.kept = [], []
        run_task, keep = engine.run_task, Checkpoint.keep

        def counted(task, *rest):
            self.scanned.append(task.number)
            return run_task(task, *rest)

        def noted(folder, number, found):
            self.kept.append(number)
            keep(folder, number, found)

        monkeypatch.setattr(engine, "run_task", counted)
        monkeypatch.setattr(Checkpoint, "keep", noted)


@pytest.fixture
def scans(monkeypatch):
    return Scans(monkeypatch)


def interrupt_after(n_calls):
    """Give a progress that is interrupted at its n-th call."""
    calls = []

    def progress(*call):
        calls.append(call)
        if len(calls) == n_calls:
            raise KeyboardInterrupt

    return progress


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


@pytest.fixture
def begun(folder, small_and_often):
    """A folder in which a comparison was interrupted after three tasks."""
    with pytest.raises(KeyboardInterrupt):
        call(checkpoint=folder, progress=interrupt_after(3))
    assert [path.name for path in sorted(folder.glob("part-*"))] == [f"part-00000{n}" for n in range(3)]
    return folder


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("every", [1, 2, 5])
@pytest.mark.parametrize("name", CALLS)
def test_a_run_interrupted_again_and_again_gives_the_same_bytes(scans, folder, name, every, workers):
    """No task that was kept is scanned again, and the result is that of one go."""
    expected = octets(call(**CALLS[name]))
    again, n_runs, pairs = [], 0, None
    scans.scanned.clear()

    while pairs is None:
        n_runs, before = n_runs + 1, set(scans.kept)
        stop = interrupt_after(n_runs * every)
        with contextlib.suppress(KeyboardInterrupt):
            pairs = call(**CALLS[name], checkpoint=folder, workers=workers, progress=stop)
        again += before & set(scans.scanned)
        scans.scanned.clear()

    assert octets(pairs) == expected
    assert again == []
    assert n_runs > 1
    assert sorted(scans.kept) == list(range(len(scans.kept)))


@pytest.mark.parametrize("first", KERNELS)
@pytest.mark.parametrize("then", KERNELS)
def test_another_kernel_and_other_threads_may_go_on(folder, first, then):
    """What is found does not depend on them, so a checkpoint may change machines."""
    with pytest.raises(KeyboardInterrupt):
        call(checkpoint=folder, kernel=first, progress=interrupt_after(4))

    pairs = call(checkpoint=folder, kernel=then, workers=3)

    assert octets(pairs) == octets(call())


def test_a_finished_folder_gives_the_result_without_a_scan(scans, folder):
    """Asked again, it only reads."""
    first = call(checkpoint=folder)
    scans.scanned.clear()

    second = call(checkpoint=folder)

    assert octets(second) == octets(first) == octets(call())
    assert len(scans.scanned) == 8  # of the call without a folder


def test_pairs_wait_for_a_part_and_are_written_at_the_end(monkeypatch, folder):
    """A part costs a wait for the disk, so there is none for every task."""
    monkeypatch.setattr(checkpoint, "EVERY", 1e9)
    with pytest.raises(KeyboardInterrupt):
        call(checkpoint=folder, progress=interrupt_after(3))
    interrupted = list(folder.glob("part-*"))

    pairs = call(checkpoint=folder)

    assert len(interrupted) == 1
    assert len(list(folder.glob("part-*"))) == 2
    assert octets(pairs) == octets(call())


def test_many_pairs_do_not_wait(monkeypatch, folder):
    """What waits is in memory, and is bounded."""
    monkeypatch.setattr(checkpoint, "EVERY", 1e9)
    monkeypatch.setattr(checkpoint, "_MOST_PAIRS", 1)

    call(checkpoint=folder, threshold="0.3")

    assert len(list(folder.glob("part-*"))) == 8


@pytest.mark.parametrize("size", [0, 1])
def test_a_side_without_records_has_a_checkpoint_too(folder, size):
    """Nothing to keep is not an error, the first time and the second."""
    nothing, own = random_bits(size), TAGS.left[:size]

    found = [
        len(call(nothing, nothing, checkpoint=folder / name, candidates=candidates))
        for name, candidates in (("all", choices.AllPairs()), ("tags", SharedTags(own, own))) * 2
    ]

    assert found == [0] * 4


@pytest.mark.parametrize("name", ["two sides", "best of tags"])
def test_progress_of_a_run_that_goes_on_never_falls_and_ends_at_the_total(folder, name):
    """What was done before counts as done."""
    calls = []
    with pytest.raises(KeyboardInterrupt):
        call(**CALLS[name], checkpoint=folder, progress=interrupt_after(4))

    call(**CALLS[name], checkpoint=folder, progress=lambda *told: calls.append(told))

    done, totals = zip(*calls, strict=True)
    assert list(done) == sorted(done)
    assert len(set(totals)) == 1
    assert done[-1] == totals[-1]


@pytest.mark.parametrize(
    ("change", "differing"),
    [
        ({"threshold": "0.51"}, "threshold"),
        ({"measure": "jaccard"}, "measure"),
        ({"top_k": 3}, "top_k"),
        ({"candidates": TAGS}, "candidates"),
        ({"left": random_bits(150, seed=7)}, "left"),
        ({"right": random_bits(130, seed=7)}, "right"),
        ({"right": LEFT}, "right"),
        ({"left": random_bits(150, 63), "right": random_bits(130, 63, seed=1)}, "left, right"),
        ({"measure": "cosine", "threshold": "1/3"}, "measure, threshold"),
    ],
)
def test_another_job_in_the_folder_is_refused(begun, change, differing):
    """What differs is named, and the folder stays as it was."""
    before = sorted(begun.iterdir())

    with pytest.raises(PolicyError, match=f"belongs to another job: {differing} differs") as caught:
        call(**change, checkpoint=begun)

    assert caught.value.code == "policy/other-job"
    assert sorted(begun.iterdir()) == before


def test_a_self_join_is_another_job_than_two_equal_tables(folder):
    """Their pairs are not the same."""
    call(LEFT, LEFT, checkpoint=folder)

    with pytest.raises(PolicyError, match="right differs"):
        call(LEFT, random_bits(150), checkpoint=folder)


def test_another_version_is_another_job(begun):
    """Tasks may be cut in another way there."""
    job = json.loads((begun / "job.json").read_text())
    (begun / "job.json").write_text(json.dumps({**job, "software": "pprl 0.0"}))

    with pytest.raises(PolicyError, match="software differs"):
        call(checkpoint=begun)


@pytest.mark.parametrize(
    "damage",
    [
        lambda part: part[:-1],
        lambda part: part[:60],
        lambda part: part[:18],
        lambda part: part[:5],
        lambda part: b"",
        lambda part: part + b"\0",
        lambda part: part[:100] + bytes([part[100] ^ 1]) + part[101:],
        lambda part: part[:20] + bytes([part[20] ^ 128]) + part[21:],
        lambda part: b"P" + part[1:],
        lambda part: part.replace(b"checkpoint 1", b"checkpoint 2", 1),
    ],
)
def test_a_damaged_part_is_an_error_that_names_it(begun, damage):
    """Cut short, longer, a bit flipped, of another kind: nothing of it is believed."""
    part = begun / "part-000001"
    part.write_bytes(damage(part.read_bytes()))

    with pytest.raises(AuthenticationError, match="checkpoint part-000001: is damaged") as caught:
        call(checkpoint=begun)

    assert caught.value.code == "authentication/checkpoint"
    assert "delete it" in caught.value.hint


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"left": "1"'])
def test_a_damaged_description_is_an_error(begun, damaged):
    """Without it nobody knows whose parts these are."""
    (begun / "job.json").write_bytes(damaged)

    with pytest.raises(AuthenticationError, match=r"checkpoint job\.json: is damaged") as caught:
        call(checkpoint=begun)

    assert caught.value.code == "authentication/checkpoint"


@pytest.mark.parametrize("number", range(3))
def test_the_tasks_of_a_deleted_part_are_done_again(scans, begun, number):
    """So a damaged part costs its tasks and no more."""
    expected = octets(call())
    scans.scanned.clear()
    job = (begun / "job.json").read_bytes()
    (begun / f"part-00000{number}").unlink()
    kept = {task for part in begun.glob("part-*") for task, _ in checkpoint._read(part, job)}

    pairs = call(checkpoint=begun)

    assert octets(pairs) == expected
    assert len(kept) == 2
    assert sorted(scans.scanned) == sorted(set(range(8)) - kept)


def test_torn_temporary_files_are_cleaned_away(begun):
    """A kill in the middle of a write leaves one."""
    torn = begun / ".part-000003.0123456789ab.partial"
    torn.write_bytes(b"pprl-check")

    call(checkpoint=begun)

    assert not torn.exists()
    assert not list(begun.glob(".*"))


def test_files_of_others_are_no_parts(begun):
    """A note beside the parts is neither read nor an error."""
    (begun / "part-list.txt").write_text("mine")

    pairs = call(checkpoint=begun)

    assert octets(pairs) == octets(call())


def test_pairs_found_before_are_taken_from_the_budget(begun):
    """The bound is on the result, in however many runs it is found."""
    total = len(call())

    with pytest.raises(ResourceError, match="pairs qualify"):
        call(checkpoint=begun, max_pairs=total - 1)

    assert octets(call(checkpoint=begun, max_pairs=total)) == octets(call())


def test_what_was_found_before_an_error_is_kept(scans, monkeypatch, folder):
    """An error in one task does not cost the others."""
    run_task = engine.run_task

    def broken(task, *rest):
        if task.number == 5:
            raise ZeroDivisionError
        return run_task(task, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(engine, "run_task", broken)
        with pytest.raises(ZeroDivisionError):
            call(checkpoint=folder)
    before = set(scans.kept)
    scans.scanned.clear()

    call(checkpoint=folder)

    assert before
    assert sorted(scans.scanned) == sorted(set(range(8)) - before)


def test_a_part_keeps_what_its_tasks_found(folder):
    """Also of tasks that found nothing, and in the order in which they ended."""
    rng = np.random.default_rng(0)
    found = {7: Found(3, *rng.integers(0, 2**31, size=(3, 3), dtype=np.int32)), 2: NONE_FOUND, 9: NONE_FOUND}
    kept = Checkpoint(folder, {"left": "1"})
    for number, one in found.items():
        kept.keep(number, one)
    kept.close()

    again = opened(folder, {"left": "1"}).found

    assert list(again) == [7, 2, 9]
    assert [one.n_pairs for one in again.values()] == [3, 0, 0]
    assert all((again[number].left == one.left).all() for number, one in found.items())
    assert all((again[number].overlap == one.overlap).all() for number, one in found.items())


def test_removing_checkpoints_leaves_nothing_of_them(tmp_path):
    """Neither its files nor its folder."""
    call(checkpoint=tmp_path / "single")

    remove_checkpoints(tmp_path / "single")

    assert list(tmp_path.iterdir()) == []


def test_removing_checkpoints_leaves_the_files_of_others(begun):
    """Only what a checkpoint wrote is deleted."""
    mine = [begun / "notes.txt", begun / "part-list.txt", begun / "pairs" / "pairs.parquet"]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")

    remove_checkpoints(begun)

    assert sorted(path for path in begun.rglob("*") if path.is_file()) == sorted(mine)


def test_removing_checkpoints_leaves_a_folder_that_holds_none(tmp_path):
    """A folder named by mistake keeps what is in it."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "part-000001").write_text("mine")

    remove_checkpoints(tmp_path / "project")

    assert (tmp_path / "project" / "part-000001").read_text() == "mine"


def test_a_folder_is_for_one_run_at_a_time(begun):
    """Two would write over each other."""
    held = opened(begun, json.loads((begun / "job.json").read_text()), close=False)

    with pytest.raises(ResourceError, match="another run is using it") as caught:
        call(checkpoint=begun)
    held.close()
    again = call(checkpoint=begun)

    assert caught.value.code == "resource/in-use"
    assert octets(again) == octets(call())


def test_an_interrupt_while_a_part_is_written_is_an_interrupt(monkeypatch, folder):
    """It is not hidden by the part that is there already."""
    write = checkpoint.write_bytes

    def written_and_interrupted(place, content):
        write(place, content)
        if place.name.startswith("part-"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(checkpoint, "write_bytes", written_and_interrupted)
        call(checkpoint=folder)

    assert octets(call(checkpoint=folder)) == octets(call())


@pytest.mark.parametrize("name", ["a file", "a\0b"])
def test_what_cannot_be_a_folder_is_refused(tmp_path, name):
    """Before anything is compared."""
    (tmp_path / "a file").write_text("mine")

    with pytest.raises(UsageError):
        call(checkpoint=tmp_path / name)


def test_removing_checkpoints_that_are_not_there_is_no_error(tmp_path):
    """Whoever cleans up need not ask first."""
    remove_checkpoints(tmp_path / "nowhere")

    assert not (tmp_path / "nowhere").exists()


def test_a_call_that_is_refused_leaves_no_folder(tmp_path):
    """So the corrected call does not find another job in its place."""
    bits = BitMatrix.from_bools(np.eye(3, dtype=bool))

    with pytest.raises(UsageError, match="top_k: got 0"):
        compare(bits, bits, threshold=1, top_k=0, checkpoint=tmp_path / "kept")

    assert not (tmp_path / "kept").exists()


def test_a_part_of_another_job_is_not_believed(begun, tmp_path):
    """Its task numbers mean other pairs."""
    bits = BitMatrix.from_bools(np.eye(3, dtype=bool))
    other = tmp_path / "other"
    compare(bits, bits, threshold=1, checkpoint=other)
    (other / "part-000009").write_bytes((begun / "part-000000").read_bytes())

    with pytest.raises(AuthenticationError, match="part-000009: is damaged"):
        compare(bits, bits, threshold=1, checkpoint=other)
