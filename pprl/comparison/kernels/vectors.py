"""
Instructions that numba does not offer: tiles of rows met with vectors of eight words.

Left to itself the compiler halves the vectors on many machines.  The types here say what is
meant, and the compiler makes of them what the machine has: AVX-512, AVX2, NEON or plain words.
"""

# ruff: noqa: ANN401 - numba and llvmlite have no types
# ruff: noqa: ARG001 - numba passes an intrinsic's arguments as values, under no name

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8  # rows of a tile: one 64-bit word of each is a vector of 512 bits
TILES = 4  # that are met at once, so that one word of the left is spread for all of them

_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, LANES)
_LANE = ir.IntType(32)
_ALIGNED = 64  # bytes; tiles are laid out so


@intrinsic
def lanes_reaching(
    _context: Any,
    row: Any,
    row_start: Any,
    tiles: Any,
    tile_start: Any,
    n_words: Any,
    stride: Any,
    bound: Any,
) -> tuple[Any, Callable[..., Any]]:
    """Count the overlaps of a row with all lanes of `TILES` tiles; give a bit for each that reaches a bound.

    ``row[row_start:]`` are the words of the row, ``tiles[tile_start:]`` the tiles, `stride`
    words apart; `n_words` is at least 1.
    """
    signature = types.uint64(row, types.int64, tiles, types.int64, types.int64, types.int64, types.int64)

    def generate(context: Any, builder: Any, called: Any, values: Any) -> Any:
        left = _start(context, builder, called.args[0], values[0], values[1])
        first = _start(context, builder, called.args[2], values[2], values[3])
        n_words, stride, bound = values[4:]
        rights = [
            builder.gep(first, [builder.mul(stride, _WORD(tile))], inbounds=True) for tile in range(TILES)
        ]
        overlaps = _overlaps(builder, left, rights, n_words)
        return _mask(builder, overlaps, bound)

    return signature, generate


@intrinsic
def common_bits(_context: Any, left: Any, _i: Any, right: Any, _j: Any) -> tuple[Any, Callable[..., Any]]:
    """Count the bits set both in a word of one array and in a word of another.

    Unlike indexing it does not ask whether an index is negative.
    """
    signature = types.int64(left, types.int64, right, types.int64)

    def generate(context: Any, builder: Any, called: Any, values: Any) -> Any:
        one = builder.load(_start(context, builder, called.args[0], values[0], values[1]))
        other = builder.load(_start(context, builder, called.args[2], values[2], values[3]))
        return builder.ctpop(builder.and_(one, other))

    return signature, generate


@intrinsic
def first_lane(_context: Any, _mask: Any) -> tuple[Any, Callable[..., Any]]:
    """Give the place of the lowest bit that is set; the mask is not 0."""

    def generate(_context: Any, builder: Any, _called: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


def _start(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index], inbounds=True)


def _overlaps(builder: Any, left: Any, rights: list[Any], n_words: Any) -> list[Any]:
    """Count, word by word, in one vector for each tile."""
    count = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), f"llvm.ctpop.v{LANES}i64"
    )
    before = builder.block
    loop, done = builder.append_basic_block("words"), builder.append_basic_block("counted")
    builder.branch(loop)
    builder.position_at_end(loop)
    word = builder.phi(_WORD)
    word.add_incoming(_WORD(0), before)
    overlaps = [builder.phi(_VECTOR) for _ in rights]
    spread = _spread(builder, builder.load(builder.gep(left, [word], inbounds=True)))
    place = builder.mul(word, _WORD(LANES))
    counted = []
    for overlap, right in zip(overlaps, rights, strict=True):
        lanes = builder.load(
            builder.bitcast(builder.gep(right, [place], inbounds=True), _VECTOR.as_pointer())
        )
        lanes.align = _ALIGNED
        counted.append(builder.add(overlap, builder.call(count, [builder.and_(lanes, spread)])))
        overlap.add_incoming(_VECTOR([0] * LANES), before)
        overlap.add_incoming(counted[-1], loop)
    following = builder.add(word, _WORD(1))
    word.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, n_words), loop, done)
    builder.position_at_end(done)
    return counted


def _spread(builder: Any, word: Any) -> Any:
    """Put one word into all lanes."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(nothing, word, _LANE(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_LANE, LANES), [0] * LANES))


def _mask(builder: Any, overlaps: list[Any], bound: Any) -> Any:
    least = _spread(builder, bound)
    mask = _WORD(0)
    for tile, overlap in enumerate(overlaps):
        reached = builder.bitcast(builder.icmp_signed(">=", overlap, least), ir.IntType(LANES))
        mask = builder.or_(mask, builder.shl(builder.zext(reached, _WORD), _WORD(tile * LANES)))
    return mask
