"""Asking for memory before it is needed, inside compiled loops over rows that lie anywhere in a large array.

A row that is in no cache costs some hundred nanoseconds, and a loop that does much by row has few of them on their way
at once. So it names the row that it will read AHEAD turns later; the processor fetches it beside the work. Nothing is
read and nothing waits: a program says the same with these calls as without.
"""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

AHEAD = 8  # rows
LINE = 64  # bytes that memory is fetched in
READ, KEEP, DATA = 0, 3, 1  # arguments of LLVM's prefetch: for reading, into all caches, not a program's code


@intrinsic
def _fetch(typing: Any, array: Any, offset: Any) -> Any:  # noqa: ARG001  numba's signature
    """Ask for the line of the byte `offset` of an array."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        whole = context.make_array(signature.args[0])(context, builder, given[0])
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.gep(builder.bitcast(whole.data, byte), [given[1]])
        shape = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        hint = builder.module.declare_intrinsic("llvm.prefetch", [byte], shape)
        builder.call(hint, [place, *(ir.Constant(flag, one) for one in (READ, KEEP, DATA))])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@njit(cache=True)
def fetch_row(array: Any, row: int) -> None:
    """Ask for a row of a C-contiguous array [N, K]; the row must be there."""
    width = array.shape[1] * array.itemsize
    for offset in range(0, width + LINE - 1, LINE):
        _fetch(array, row * width + min(offset, width - 1))  # type: ignore[call-arg]  # numba gives the first
