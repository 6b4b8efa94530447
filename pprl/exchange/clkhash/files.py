"""
The JSON files that anonlink's tools exchange: CLKs, blocks and results.

CLKs stand in row order and have no ids.  Blocks are given by row number.  Files are read
whole; those that are written appear whole or not at all.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np

from pprl.errors import DataError, UsageError
from pprl.files import read_bytes, write_bytes, write_whole
from pprl.model import BitMatrix

MAX_BYTES = 1 << 32
_CHUNK = 1 << 14

RowNumber = Annotated[int, msgspec.Meta(ge=0)]
Member = tuple[RowNumber, RowNumber]  # party, row
Group = tuple[Member, ...]
Similarity = tuple[Member, Member, float]
RowBlocks = tuple[str, ...]  # the blocks of one row

Content = TypeVar("Content", bound=msgspec.Struct)


class _Clks(msgspec.Struct):
    clks: list[str]


class _Blocks(msgspec.Struct):
    blocks: dict[str, tuple[str | int, ...]]
    meta: dict[str, Any] = {}


class _ClksAndBlocks(msgspec.Struct):
    clknblocks: list[list[str | int]]


class _Groups(msgspec.Struct):
    groups: tuple[Group, ...]


class _Similarities(msgspec.Struct):
    similarity_scores: tuple[Similarity, ...]


def bits_from_clks(clks: Sequence[str]) -> BitMatrix:
    """Turn CLKs in base64 into a bit matrix.

    Raises
    ------
    DataError
        If there is none, one is not base64, or they differ in length.

    Examples
    --------
    >>> bits_from_clks(["gAE=", "AAA="])
    BitMatrix(2 records x 16 bits)
    """
    if not clks:
        raise DataError("clks: there is none", code="clks")
    n_bytes = len(_decoded(clks[0], 1))
    if not n_bytes:
        raise DataError("clks: row 1: is empty", code="clks")
    words = [
        BitMatrix.from_bytes(b"".join(chunk), n_bits=8 * n_bytes, bit_order="big").words
        for chunk in _chunks(clks, n_bytes)
    ]
    return BitMatrix(np.concatenate(words), 8 * n_bytes)


def clks_from_bits(bits: BitMatrix) -> list[str]:
    """Turn a bit matrix into CLKs in base64; rows are filled up to whole bytes with zeros.

    Examples
    --------
    >>> clks_from_bits(bits_from_clks(["gAE=", "AAA="]))
    ['gAE=', 'AAA=']
    """
    return [clk for chunk in _base64_chunks(bits) for clk in chunk]


def read_clks(path: str | Path) -> BitMatrix:
    """Read a file of CLKs, ``{"clks": ["<base64>", ...]}``.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    BitMatrix
        The rows in the order of the file.  Bit 0 is the first bit of the CLK.  The file
        does not say where a CLK ends inside its last byte, so rows are whole bytes.

    Raises
    ------
    DataError
        If it is not such a file, or the CLKs differ in length.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_clks(Path(folder) / "clks.json", bits_from_clks(["gAE=", "AAA="]))
    ...     read_clks(Path(folder) / "clks.json")
    BitMatrix(2 records x 16 bits)
    """
    return bits_from_clks(_read(path, _Clks, "CLKs").clks)


def write_clks(path: str | Path, bits: BitMatrix, *, force: bool = False) -> None:
    """Write a file of CLKs, ``{"clks": ["<base64>", ...]}``, whole or not at all.

    Parameters
    ----------
    path : path
        Where the file is to appear.
    bits : BitMatrix
        The rows; each is filled up to whole bytes with zeros.
    force : bool
        Replace what is there.

    Raises
    ------
    UsageError
        If the name is taken.
    """
    with write_whole(Path(path), force=force) as stream:
        stream.write(b'{"clks":[')
        for place, chunk in enumerate(_base64_chunks(bits)):
            quoted = ",".join(f'"{clk}"' for clk in chunk)
            stream.write(f"{',' if place else ''}{quoted}".encode("ascii"))
        stream.write(b"]}\n")


def read_blocks(path: str | Path) -> dict[int, RowBlocks]:
    """Read a file of blocks, ``{"blocks": {"0": ["id", ...]}, "meta": {...}}``.

    Returns
    -------
    dict of int to tuple of str
        The ids of the blocks that a row is in, by row number.  A row that is not named is
        in no block.

    Raises
    ------
    DataError
        If it is not such a file.
    """
    blocks = _read(path, _Blocks, "blocks").blocks
    wrong = sum(not (row.isascii() and row.isdigit()) for row in blocks)
    if wrong:
        raise DataError(f"blocks: {wrong} keys are not row numbers", code="blocks")
    named = {int(row): _texts(ids) for row, ids in blocks.items()}
    if len(named) < len(blocks):
        raise DataError("blocks: a row is named twice", code="blocks")
    return named


def write_blocks(
    path: str | Path,
    blocks: Mapping[int, Sequence[str]],
    *,
    meta: Mapping[str, Any] | None = None,
    force: bool = False,
) -> None:
    """Write a file of blocks, by row number, whole or not at all.

    Parameters
    ----------
    path : path
        Where the file is to appear.
    blocks : mapping of int to sequence of str
        The ids of the blocks that a row is in, by row number.
    meta : mapping, optional
        What else is to be said of them.
    force : bool
        Replace what is there.
    """
    written: dict[str, tuple[str | int, ...]] = {str(row): tuple(ids) for row, ids in blocks.items()}
    _write(path, _Blocks(blocks=written, meta=dict(meta or {})), force=force)


def read_clknblocks(path: str | Path) -> tuple[BitMatrix, tuple[RowBlocks, ...]]:
    """Read a file of CLKs with the blocks of each, ``{"clknblocks": [["<base64>", "id", ...], ...]}``.

    Returns
    -------
    bits : BitMatrix
        The rows in the order of the file.
    blocks : tuple of tuple of str
        The ids of the blocks of each row.

    Raises
    ------
    DataError
        If it is not such a file.
    """
    rows = _read(path, _ClksAndBlocks, "CLKs and blocks").clknblocks
    clks: list[str] = []
    for place, row in enumerate(rows, 1):
        if not row or not isinstance(row[0], str):
            raise DataError(f"clknblocks: row {place}: does not begin with a CLK", code="clks")
        clks.append(row[0])
    return bits_from_clks(clks), tuple(_texts(row[1:]) for row in rows)


def write_clknblocks(
    path: str | Path, bits: BitMatrix, blocks: Mapping[int, Sequence[str]], *, force: bool = False
) -> None:
    """Write a file of CLKs with the blocks of each, whole or not at all.

    Parameters
    ----------
    path : path
        Where the file is to appear.
    bits : BitMatrix
        The rows.
    blocks : mapping of int to sequence of str
        The ids of the blocks that a row is in, by row number.
    force : bool
        Replace what is there.

    Raises
    ------
    UsageError
        If a block names a row that is not there, or the name is taken.
    """
    if any(not 0 <= row < len(bits) for row in blocks):
        raise UsageError(f"clknblocks: rows of blocks must be from 0 to {len(bits) - 1}", code="row-range")
    rows: list[list[str | int]] = [
        [clk, *blocks.get(row, ())] for row, clk in enumerate(clks_from_bits(bits))
    ]
    _write(path, _ClksAndBlocks(rows), force=force)


def read_groups(path: str | Path) -> tuple[Group, ...]:
    """Read a result of groups, ``{"groups": [[[party, row], ...], ...]}``.

    Raises
    ------
    DataError
        If it is not such a file.
    """
    return _read(path, _Groups, "groups").groups


def write_groups(path: str | Path, groups: Sequence[Group], *, force: bool = False) -> None:
    """Write a result of groups of (party, row), whole or not at all."""
    _write(path, _Groups(tuple(groups)), force=force)


def read_similarities(path: str | Path) -> tuple[Similarity, ...]:
    """Read a result of similarities, ``{"similarity_scores": [[[p, i], [q, j], score], ...]}``.

    Raises
    ------
    DataError
        If it is not such a file.
    """
    return _read(path, _Similarities, "similarities").similarity_scores


def write_similarities(path: str | Path, similarities: Sequence[Similarity], *, force: bool = False) -> None:
    """Write a result of similarities between (party, row) and (party, row), whole or not at all."""
    _write(path, _Similarities(tuple(similarities)), force=force)


def _read(path: str | Path, kind: type[Content], what: str) -> Content:
    place = Path(path)
    content = read_bytes(place, what=f"{what} {place.name}", limit=MAX_BYTES)
    said = ""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # The message says types and places, never a value.
        said = str(error) if isinstance(error, msgspec.ValidationError) else "is not JSON"
    raise DataError(f"{what} {place.name}: {said}", code="clkhash-file")


def _write(path: str | Path, content: msgspec.Struct, *, force: bool) -> None:
    write_bytes(Path(path), msgspec.json.encode(content) + b"\n", force=force)


def _texts(ids: Sequence[str | int]) -> RowBlocks:
    return tuple(str(one) for one in ids)


def _chunks(clks: Sequence[str], n_bytes: int) -> Iterator[list[bytes]]:
    for first in range(0, len(clks), _CHUNK):
        chunk = [_decoded(clk, row) for row, clk in enumerate(clks[first : first + _CHUNK], first + 1)]
        for row, octets in enumerate(chunk, first + 1):
            if len(octets) != n_bytes:
                raise DataError(f"clks: row {row}: has {len(octets)} bytes, row 1 has {n_bytes}", code="clks")
        yield chunk


def _decoded(clk: str, row: int) -> bytes:
    try:
        return base64.b64decode(clk, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise DataError(f"clks: row {row}: is not base64", code="clks")


def _base64_chunks(bits: BitMatrix) -> Iterator[list[str]]:
    n_bytes = -(-bits.n_bits // 8)
    for first in range(0, len(bits), _CHUNK):
        octets = BitMatrix.from_words(bits.words[first : first + _CHUNK], n_bits=bits.n_bits).to_bytes(
            bit_order="big"
        )
        yield [
            base64.b64encode(octets[start : start + n_bytes]).decode("ascii")
            for start in range(0, len(octets), n_bytes)
        ]
