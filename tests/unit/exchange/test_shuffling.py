"""Encodings go out under fresh ids and in a random order, and the way back is exact."""

import csv
import io

import numpy as np
import pytest

from pprl.errors import ResourceError
from pprl.exchange import shuffling
from pprl.exchange.package import read_package
from pprl.exchange.shuffling import shuffle


def rows_of(package):
    """Give all that a package says of each record, without its id."""
    names = sorted(package.passes)
    parts = [
        [*(package.passes[name].words[row].tobytes() for name in names)]
        + [bool(package.present[name][row]) for name in names]
        for row in range(len(package))
    ]
    return [
        (*part, bool(decoy), int(number))
        for part, decoy, number in zip(parts, package.decoy, package.spike_in, strict=True)
    ]


def sent(meeting, shuffled):
    path = meeting.folder / "sent.pprl"
    path.write_bytes(b"".join(shuffled.pieces()))
    return read_package(path)


@pytest.mark.parametrize("piece", [1, 100, 1 << 22])
def test_every_record_is_there_once_under_another_id(meeting, monkeypatch, piece):
    """The id map leads from each fresh id to the record's own, as a slow reading of both says."""
    monkeypatch.setattr(shuffling, "PIECE_BYTES", piece)
    decoy, spike_in = np.zeros(30, dtype=bool), np.zeros(30, dtype=np.int32)
    decoy[4], spike_in[5] = True, 3
    path = meeting.encodings("trust", n_records=30, decoy=decoy, spike_in=spike_in)
    before = read_package(path)

    shuffled = shuffle(path)
    after, id_map = sent(meeting, shuffled), b"".join(shuffled.id_map()).decode()

    back = dict(list(csv.reader(io.StringIO(id_map)))[1:])
    own = dict(zip(before.ids(), rows_of(before), strict=True))
    real = {one: row for one, row in zip(after.ids(), rows_of(after), strict=True) if one in back}
    assert sorted(rows_of(before)) == sorted(rows_of(after))
    assert {back[one]: row for one, row in real.items()} == {
        one: row for one, row in own.items() if one not in {"trust-4", "trust-5"}
    }
    assert after.ids() == sorted(after.ids())
    assert shuffled.n_real == len(back) == 28


def test_ids_that_csv_would_misread_are_quoted(meeting):
    """Commas and quotes in a custodian's own ids."""
    ids = np.array([b'a,b"c', "é,".encode(), b"plain"], dtype="S24")
    path = meeting.encodings("trust", n_records=3, record_ids=ids)

    id_map = b"".join(shuffle(path).id_map()).decode()

    assert {row[1] for row in csv.reader(io.StringIO(id_map))} == {"local_id", 'a,b"c', "é,", "plain"}


def test_two_shuffles_have_nothing_in_common(meeting):
    """Neither ids nor order."""
    path = meeting.encodings("trust")

    one, other = shuffle(path), shuffle(path)

    assert not set(sent(meeting, one).ids()) & set(sent(meeting, other).ids())
    assert (one.order != other.order).any()


def test_without_randomness_nothing_is_sent(meeting, monkeypatch):
    """There is no fallback."""
    path = meeting.encodings("trust")

    def fails(_n_bytes):
        raise OSError

    monkeypatch.setattr("os.urandom", fails)

    with pytest.raises(ResourceError):
        shuffle(path)


def test_numbers_that_are_drawn_twice_are_drawn_again(monkeypatch):
    """Ids are different, whatever is drawn."""
    draws = [bytes(24), bytes(range(24))]
    monkeypatch.setattr(shuffling, "random_bytes", lambda _n_bytes: draws.pop(0))

    _, high = shuffling._drawn(3)

    assert len(set(high.tolist())) == 3
