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
    pieces = []
    ending = shuffled.body().pour(pieces.append)
    path.write_bytes(ending.first + b"".join(pieces))
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
    assert shuffled.id_map_length() == len(id_map)


def test_ids_that_csv_would_misread_are_quoted(meeting):
    """Commas and quotes in a custodian's own ids."""
    ids = np.array([b'a,b"c', "é,".encode(), b"plain"], dtype="S24")
    path = meeting.encodings("trust", n_records=3, record_ids=ids)

    shuffled = shuffle(path)
    id_map = b"".join(shuffled.id_map())

    assert shuffled.id_map_length() == len(id_map)
    assert {row[1] for row in csv.reader(io.StringIO(id_map.decode()))} == {
        "local_id",
        'a,b"c',
        "é,",
        "plain",
    }


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
    equal = {"high 0 0": bytes(24)}
    stream = shuffling._stream
    monkeypatch.setattr(shuffling, "_stream", lambda seed, what, n: equal.get(what) or stream(seed, what, n))

    draws, _ = shuffling._drawn(3, bytes(32))

    assert len(set(draws.high(0).tolist())) == 3


@pytest.mark.parametrize("rows", [0, 1, 2, 9, 10, 11, 1000])
def test_an_order_by_buckets_is_the_order_of_the_ids(monkeypatch, rows):
    """As a sort of all ids at once gives it: each row has one, and they rise."""
    monkeypatch.setattr(shuffling, "BUCKET_ROWS", 10)

    draws, order = shuffling._drawn(rows, bytes(32))

    n_buckets = len(draws.ends) - 1
    digits = b"".join(draws.digits(bucket) for bucket in range(n_buckets))
    ids = [digits[begin : begin + 24] for begin in range(0, len(digits), 24)]
    assert ids == sorted(set(ids))
    assert sorted(order.tolist()) == list(range(rows)) == list(range(len(ids)))
    assert n_buckets >= rows / 20


def test_rows_and_ids_are_uniform(monkeypatch):
    """Where a row comes to lie says nothing of where it was, and ids lie anywhere (chi-squared)."""
    monkeypatch.setattr(shuffling, "BUCKET_ROWS", 16)
    places, first = np.zeros((8, 8)), np.zeros(16)

    for seed in range(400):
        draws, order = shuffling._drawn(64, seed.to_bytes(32, "big"))
        np.add.at(places, (np.arange(64) // 8, order // 8), 1)
        digits = b"".join(draws.digits(bucket) for bucket in range(len(draws.ends) - 1))
        first += np.bincount([int(chr(digit), 16) for digit in digits[::24]], minlength=16)

    assert ((places - 400) ** 2 / 400).sum() < 100  # 49 degrees of freedom: p < .0001
    assert ((first - 1600) ** 2 / 1600).sum() < 45  # 15 degrees of freedom: p < .0001
