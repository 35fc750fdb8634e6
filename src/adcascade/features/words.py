"""Words: eight bytes of a text at a time, for loops that numba compiles.

Byte order and alignment are the machine's own: what is read here is compared and mixed within one process, never
stored.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Int = int | np.int64  # numba knows no difference
ONES = np.uint64(2**64 - 1)


def _load(_typing: Any, _data: Any, _at: Any) -> Any:
    """uint64 of data[at : at + 8] for an array of bytes; nobody checks that they lie in it."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, given[0])
        place = builder.gep(array.data, [given[1]])
        word = builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()))
        word.align = 1
        return word

    return types.uint64(_data, types.int64), code


def _prefetch(_typing: Any, _data: Any, _at: Any) -> Any:
    """Ask the memory for the line around data[at], of any array, and go on."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, given[0])
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.bitcast(builder.gep(array.data, [given[1]]), pointer)
        name = "llvm.prefetch.p0"
        call = builder.module.globals.get(name) or ir.Function(
            builder.module, ir.FunctionType(ir.VoidType(), [pointer, number, number, number]), name
        )
        builder.call(call, [place, number(0), number(3), number(1)])  # to read, into every cache, data
        return context.get_dummy_value()

    return types.void(_data, types.int64), code


load: Any = intrinsic(_load)
prefetch: Any = intrinsic(_prefetch)


@njit(cache=True, inline="always")
def short(data: Bytes, start: Int, length: Int) -> np.uint64:
    """uint64 of data[start : start + length] for 1 <= length <= 8, with zeros above; never reads beyond the data."""
    if start + 8 <= len(data):
        word: np.uint64 = load(data, start) & (ONES >> np.uint64(64 - 8 * length))
        return word
    word = np.uint64(0)
    for i in range(length):
        word |= np.uint64(data[start + i]) << np.uint64(8 * i)
    return word


@njit(cache=True)
def same(a: Bytes, a_start: Int, b: Bytes, b_start: Int, length: Int) -> bool:
    """Whether two stretches of at least 8 bytes are equal."""
    for at in range(0, length - 7, 8):
        if load(a, a_start + at) != load(b, b_start + at):
            return False
    return bool(load(a, a_start + length - 8) == load(b, b_start + length - 8))


@njit(cache=True, nogil=True)
def missing(valid: Bytes, bit: int, row: int, out: NDArray[np.int64]) -> None:
    """Write `row` into out [n] where an Arrow array is null: its bits from `bit` on, none where nothing is."""
    if len(valid):
        for i in range(len(out)):
            if not (valid[(bit + i) >> 3] >> np.uint8((bit + i) & 7)) & 1:
                out[i] = row
