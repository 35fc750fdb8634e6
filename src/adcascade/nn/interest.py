"""Interest by an activation unit over ragged histories: work is done for steps that are there, none for padding.

    e_l  = v · prelu( a + Ws k_l + Wp (q ⊙ k_l) ) + c,    r = Σ_l e_l k_l

a, q are the ad's (nn/attention.py); the steps of all samples lie end to end. Blocks of samples go through it whole,
so that what is computed for a step stays in the cache; the map of [k_l ; q ⊙ k_l] is one matrix product a block, and
what lies around it is one pass forward and two back. Only the hidden values before the activation are kept.

Letters in shapes: B samples, N steps of all of them, C width of a step, H hidden units.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]
Starts = NDArray[np.int64]  # [B + 1]: the steps of sample i are starts[i] to starts[i + 1]

BLOCK = 1024  # steps
FAST = {"reassoc", "contract", "arcp"}


class Unit(NamedTuple):
    """The unit's weights."""

    maps: Tensor  # [Ws, Wp], [H, 2 C]
    slope: Tensor  # of prelu, [1]
    weigh: Tensor  # v, [H]
    bias: Tensor  # c, [1]


def interest(asked: Tensor, q: Tensor, steps: Tensor, lengths: Tensor, unit: Unit) -> Tensor:
    """r [B, C] of asked = a [B, H], q [B, C] and steps [N, C]; lengths [B] says how many are whose. On the CPU."""
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths.numpy(), out=starts[1:])
    found: Tensor = _Interest.apply(asked, q, steps, *unit, starts)  # type: ignore[no-untyped-call]
    return found


def blocks(starts: Starts) -> Iterator[tuple[slice, slice]]:
    """Samples and their steps, BLOCK steps at most or one sample."""
    first = 0
    while first < len(starts) - 1:
        last = max(int(np.searchsorted(starts, starts[first] + BLOCK, side="right")) - 1, first + 1)
        yield slice(first, last), slice(int(starts[first]), int(starts[last]))
        first = last


class _Interest(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx: Any, *given: Any) -> Tensor:
        *tensors, starts = given
        tensors = [one.detach().contiguous() for one in tensors]
        asked, q, steps, maps, slope, weigh, bias = tensors
        rest = np.float32(slope.item()), np.float32(bias.item())
        hidden, energy = steps.new_empty((len(steps), len(weigh))), steps.new_empty(len(steps))
        found, met = torch.zeros_like(q), steps.new_empty((_most(starts), maps.shape[1]))
        for samples, at in blocks(starts):
            part, own = met[: at.stop - at.start], starts[samples.start : samples.stop + 1] - starts[samples.start]
            _meet(q[samples].numpy(), steps[at].numpy(), own, part.numpy())
            torch.mm(part, maps.t(), out=hidden[at])
            _weigh(
                (asked[samples].numpy(), steps[at].numpy(), weigh.numpy(), own),
                rest,
                (hidden[at].numpy(), energy[at].numpy(), found[samples].numpy()),
            )
        ctx.save_for_backward(q, steps, maps, weigh, hidden, energy)
        ctx.starts, ctx.slope = starts, rest[0]
        return found

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q, steps, maps, weigh, hidden, energy = ctx.saved_tensors
        g, starts = gradients[0].contiguous(), ctx.starts
        of_asked, of_q, of_steps = q.new_zeros((len(q), len(weigh))), torch.zeros_like(q), torch.empty_like(steps)
        of_maps, of_weigh, of_rest = torch.zeros_like(maps), torch.zeros_like(weigh), q.new_zeros(2)
        most = _most(starts)
        of_hidden, met = q.new_empty((most, len(weigh))), q.new_empty((most, maps.shape[1]))
        for samples, at in blocks(starts):
            own = starts[samples.start : samples.stop + 1] - starts[samples.start]
            part, of_part = met[: at.stop - at.start], of_hidden[: at.stop - at.start]
            _weigh_back(
                (g[samples].numpy(), steps[at].numpy(), weigh.numpy(), own),
                (hidden[at].numpy(), energy[at].numpy(), ctx.slope),
                (of_part.numpy(), of_asked[samples].numpy(), of_steps[at].numpy(), of_weigh.numpy(), of_rest.numpy()),
            )
            _meet(q[samples].numpy(), steps[at].numpy(), own, part.numpy())
            of_maps.addmm_(of_part.t(), part)
            torch.mm(of_part, maps, out=part)
            _meet_back(
                (part.numpy(), q[samples].numpy(), steps[at].numpy(), own),
                (of_q[samples].numpy(), of_steps[at].numpy()),
            )
        return of_asked, of_q, of_steps, of_maps, of_rest[:1], of_weigh, of_rest[1:], None


def _most(starts: Starts) -> int:
    """Steps of the largest block."""
    return max(BLOCK, int(np.diff(starts).max(initial=0)))


@njit(cache=True, nogil=True, fastmath=FAST)
def _meet(q: Floats, steps: Floats, starts: Starts, met: Floats) -> None:
    """met = [k ; q ⊙ k]."""
    width = steps.shape[1]
    for i in range(len(q)):
        for at in range(starts[i], starts[i + 1]):
            for c in range(width):
                met[at, c] = steps[at, c]
                met[at, width + c] = q[i, c] * steps[at, c]


@njit(cache=True, nogil=True, fastmath=FAST)
def _meet_back(
    given: tuple[Floats, Floats, Floats, Starts],
    into: tuple[Floats, Floats],
) -> None:
    of_met, q, steps, starts = given
    of_q, of_steps = into
    width = steps.shape[1]
    for i in range(len(q)):
        for at in range(starts[i], starts[i + 1]):
            for c in range(width):
                of_steps[at, c] += of_met[at, c] + of_met[at, width + c] * q[i, c]
                of_q[i, c] += of_met[at, width + c] * steps[at, c]


@njit(cache=True, nogil=True, fastmath=FAST)
def _weigh(
    given: tuple[Floats, Floats, Floats, Starts],
    rest: tuple[np.float32, np.float32],
    into: tuple[Floats, Floats, Floats],
) -> None:
    """Adds a to the hidden values; energies, and the steps weighed by them."""
    asked, steps, weigh, starts = given
    slope, bias = rest
    hidden, energy, found = into
    for i in range(len(asked)):
        for at in range(starts[i], starts[i + 1]):
            e = bias
            for h in range(hidden.shape[1]):
                x = hidden[at, h] + asked[i, h]
                hidden[at, h] = x
                e += weigh[h] * (x if x > 0 else slope * x)
            energy[at] = e
            for c in range(steps.shape[1]):
                found[i, c] += e * steps[at, c]


@njit(cache=True, nogil=True, fastmath=FAST)
def _weigh_back(
    given: tuple[Floats, Floats, Floats, Starts],
    kept: tuple[Floats, Floats, np.float32],
    into: tuple[Floats, Floats, Floats, Floats, Floats],
) -> None:
    """Gradients of the hidden values, of a, of the steps as values, of v, and of slope and bias."""
    g, steps, weigh, starts = given
    hidden, energy, slope = kept
    of_hidden, of_asked, of_steps, of_weigh, of_rest = into
    of_slope, of_bias = np.float32(0), np.float32(0)
    for i in range(len(g)):
        for at in range(starts[i], starts[i + 1]):
            of_e, e = np.float32(0), energy[at]
            for c in range(steps.shape[1]):
                of_e += g[i, c] * steps[at, c]
                of_steps[at, c] = e * g[i, c]
            of_bias += of_e
            for h in range(hidden.shape[1]):
                x, of_x = hidden[at, h], of_e * weigh[h]
                of_weigh[h] += of_e * (x if x > 0 else slope * x)
                of_slope += np.float32(0) if x > 0 else of_x * x
                of_x = of_x if x > 0 else slope * of_x
                of_hidden[at, h] = of_x
                of_asked[i, h] += of_x
    of_rest[0] += of_slope
    of_rest[1] += of_bias
