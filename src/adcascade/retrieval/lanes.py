"""32 ads side by side, for loops that numba compiles: their scores from bytes, and which of them surpass a bound.

    scores[lane] = near + step * sum over units and parts of  codes[unit, lane, part] * query[unit, part]

A unit is four dimensions: what VPDPBUSD (AVX-512 VNNI, AVX-VNNI) multiplies and adds for 16 or 8 lanes at once, in a
tenth of the time that floats take. Where the processor has no such instruction, `products` is the same in plain loops;
sums of whole numbers are exact either way.

Letters: B blocks, U units of four dimensions.
"""

from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

Bits = NDArray[np.uint8]
Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
LANES = 32
FEATURES = binding.get_host_cpu_features()
AT_ONCE = 16 if FEATURES.get("avx512vnni") else 8 if FEATURES.get("avxvnni") else 0  # lanes of one instruction
NUMBER, SIZE, FLOAT = ir.IntType(32), ir.IntType(64), ir.FloatType()


def _products(_typing: Any, _codes: Any, _block: Any, _query: Any, _near: Any, _step: Any, _scores: Any) -> Any:
    """Write the scores [32] of codes[block] of [B, U, 32, 4] and a query of four int8 in each int32 [U]."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        codes, query, scores = (
            context.make_array(signature.args[place])(context, builder, given[place]) for place in (0, 2, 5)
        )
        vector, parts = ir.VectorType(NUMBER, AT_ONCE), LANES // AT_ONCE
        dot = _function(builder, f"llvm.x86.avx512.vpdpbusd.{32 * AT_ONCE}", vector, [vector] * 3)
        units = builder.extract_value(query.shape, 0)
        first = builder.mul(given[1], builder.mul(units, SIZE(parts)))
        start = builder.gep(builder.bitcast(codes.data, vector.as_pointer()), [first])
        sums = [_variable(builder, ir.Constant(vector, None)) for _ in range(parts)]
        with cgutils.for_range(builder, units) as loop:
            four = _everywhere(builder, builder.load(builder.gep(query.data, [loop.index])))
            for part, total in enumerate(sums):
                place = builder.add(builder.mul(loop.index, SIZE(parts)), SIZE(part))
                four_a_lane = builder.load(builder.gep(start, [place]))
                four_a_lane.align = 1
                builder.store(builder.call(dot, [builder.load(total), four_a_lane, four]), total)
        near, step = _everywhere(builder, given[3]), _everywhere(builder, given[4])
        out = builder.bitcast(scores.data, near.type.as_pointer())
        for part, total in enumerate(sums):
            product = builder.fmul(builder.sitofp(builder.load(total), near.type), step)
            builder.store(builder.fadd(product, near), builder.gep(out, [SIZE(part)])).align = 1
        return context.get_dummy_value()

    return types.void(_codes, types.int64, _query, types.float32, types.float32, _scores), code


def _above(_typing: Any, _scores: Any, _bound: Any) -> Any:
    """uint64 whose bit i tells whether scores[i] of [32] is larger than the bound."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        scores = context.make_array(signature.args[0])(context, builder, given[0])
        bound = _everywhere(builder, given[1], LANES)
        found = builder.load(builder.bitcast(scores.data, bound.type.as_pointer()))
        found.align = 4
        return builder.zext(builder.bitcast(builder.fcmp_ordered(">", found, bound), NUMBER), SIZE)

    return types.uint64(_scores, types.float32), code


def _lowest(_typing: Any, _mask: Any) -> Any:
    """Which bit of a uint64 other than 0 is the lowest."""

    def code(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        return builder.cttz(given[0], ir.IntType(1)(1))

    return types.int64(types.uint64), code


def _variable(builder: Any, value: Any) -> Any:
    """A place for values of this kind, which the optimiser keeps in a register."""
    with builder.goto_entry_block():
        place = builder.alloca(value.type)
    builder.store(value, place)
    return place


def _everywhere(builder: Any, one: Any, lanes: int = AT_ONCE) -> Any:
    """A vector of one number."""
    nothing = ir.Constant(ir.VectorType(one.type, lanes), ir.Undefined)
    first = builder.insert_element(nothing, one, NUMBER(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(NUMBER, lanes), None))


def _function(builder: Any, name: str, gives: ir.Type, takes: list[ir.Type]) -> Any:
    """A function of LLVM's."""
    return builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(gives, takes), name)


@njit(cache=True)
def plain_products(  # noqa: PLR0917  compiled functions take no keywords
    codes: Bits, block: int, query: Ints, near: np.float32, step: np.float32, scores: Floats
) -> None:
    """`products` without the instruction."""
    four = query.view(np.int8)
    for lane in range(LANES):
        total = np.int32(0)
        for unit in range(len(query)):
            for part in range(4):
                total += np.int32(codes[block, unit, lane, part]) * np.int32(four[4 * unit + part])
        scores[lane] = step * np.float32(total) + near


products: Any = intrinsic(_products) if AT_ONCE else plain_products
above: Any = intrinsic(_above)
lowest: Any = intrinsic(_lowest)
