"""Merge: what the shards found, as if one cascade had found it.

The union of what the shards let through is put in the order of the unsharded cascade: by the score of retrieval and
then the row, as `retrieval/best.py` orders; of these the best by pre-ranking, and these by ranking. Equal scores keep
their order, so the result does not depend on which shard answered first.

Where retrieval lets through all that may answer, the result is the unsharded engine's. Where it narrows, each shard
narrows its own ads, so pre-ranking chooses among more than it would have seen: by its own judgement never worse.
A front sells only what its own catalog admits, whatever a shard says: it may have heard of a change later or earlier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.engine import Step
from adcascade.cascade.sharding.messages import Found
from adcascade.catalog.bitmaps import Bits, are_in
from adcascade.contracts import Candidates
from adcascade.errors import InputError

Floats = NDArray[np.float32]
SHARDS = "shards"  # name of the step
KINDS = {"ad": "<i4"}  # of columns that are no float32
NOTHING = Found(number=0, version="", took_us=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """n ads of some shards with what each stage there said; NaN: it said nothing."""

    ad: NDArray[np.int32]  # [n] rows of the catalog
    retrieval: Floats  # [n]
    preranking: Floats
    score: Floats  # of ranking
    ctr: Floats  # calibrated, and so below
    cvr: Floats

    @classmethod
    def of(cls, found: Found) -> Self:
        """What a message holds; InputError where it contradicts itself."""
        parts = {name: _numbers(getattr(found, name), KINDS.get(name, "<f4")) for name in cls.__slots__}
        if len({len(part) for part in parts.values()}) > 1:
            raise InputError("found", {name: len(part) for name, part in parts.items()}, "columns of one length")
        return cls(**parts)

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """All of them, one after the other."""
        given = parts or (cls.of(NOTHING),)
        return cls(**{name: np.concatenate([getattr(part, name) for part in given]) for name in cls.__slots__})

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> "Sifted":
        """Those at these places."""
        return Sifted(**{name: getattr(self, name)[index] for name in self.__slots__})


def _numbers(data: bytes, kind: str) -> NDArray[Any]:
    try:
        return np.frombuffer(data, kind)
    except ValueError as error:
        raise InputError("found", f"{len(data)} bytes", f"numbers of kind {kind}") from error


def merged(sifted: Sifted, keep: int, admitted: Bits, *, waited_ns: int, cut: str) -> tuple[Step, ...]:
    """The steps as the trace, the log and the engine know them: shards, preranking, ranking.

    keep: as many as pre-ranking lets through; admitted: packed rows that may answer; cut: what kept shards away.
    """
    sifted = sifted.take((sifted.ad >= 0) & (sifted.ad < 8 * len(admitted)))  # rows that this catalog has
    sifted = sifted.take(are_in(admitted, sifted.ad))
    sifted = sifted.take(np.lexsort((sifted.ad, -sifted.retrieval)))
    union = Candidates.of(sifted.ad, sifted.retrieval)
    chosen = sifted.take(_top(sifted.preranking, keep))
    short = Candidates.of(chosen.ad, chosen.preranking)
    last = chosen.take(_top(chosen.score, keep))
    ranked = Candidates.of(last.ad, last.score).with_(ctr=last.ctr, cvr=last.cvr)
    nothing = Candidates.of(np.empty(0, np.int32))
    return (
        Step(name=SHARDS, entered=nothing, left=union, elapsed_ns=waited_ns, cut=cut),
        Step(name="preranking", entered=union, left=short, elapsed_ns=0),
        Step(name="ranking", entered=short, left=ranked, elapsed_ns=0),
    )


def _top(score: Floats, n: int) -> NDArray[np.int64]:
    """Places of the n best, best first; equal ones keep their order, what has no score is last."""
    return np.argsort(-score, kind="stable")[:n]
