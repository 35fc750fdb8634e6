"""Messages between a front and a shard: msgpack arrays without names, and numbers as raw little-endian bytes.

A front asks (`Ask`) and tells what holds for all it will ask (`Terms`); a shard answers (`Found`) and tells which
bundles it has (`Holds`). The request is encoded into features once, by the front, which alone knows the user: the
shards have the same encoder, since an answer by another bundle is never used. The user's key stays at the front.

A question takes about 600 bytes and an answer 24 bytes an ad.
"""

from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import AdRequest, Batch, Opportunity, Slot
from adcascade.contracts.stage import Cap
from adcascade.errors import InputError
from adcascade.features.encoder import Encoder

RECENT = 3  # categories of the last clicks that retrieval looks at


class TerseSlot(Slot, frozen=True, kw_only=True, omit_defaults=True):
    """A slot that says only what is told."""


class TerseRequest(AdRequest, frozen=True, kw_only=True, omit_defaults=True):
    """A request that says only what is told; a shard reads it as an AdRequest."""


class Encoded(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One request's side of the features: a Batch with B = 1, without its padding."""

    ids: bytes  # int32 [F]
    dense: bytes  # float32 [D]
    history: bytes  # int32 [length, S]
    length: int
    scenario: int
    keys: bytes  # int64 [P]


class Ask(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Find ads for a request, by this bundle, within so long."""

    number: int  # of the question, on its line
    version: str  # of the bundle
    left_us: int
    rung: int  # of the front's overload ladder
    request: AdRequest
    recent: tuple[str, ...]
    capped: tuple[Cap, ...]
    anonymous: bool  # nothing that promises a cap may be found
    encoded: Encoded


class Terms(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """What changed of this front's campaigns: pacing factors by id, who has no money left, who has some again."""

    alphas: dict[str, float]
    closed: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()


class Holds(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Who the shard is and which bundles it can answer by, the serving one first."""

    number: int
    count: int
    versions: tuple[str, ...]
    proof: bytes = b""  # of the shared secret, in the first one on a line


class Found(msgspec.Struct, frozen=True, array_like=True, tag=4, gc=False):
    """n ads, best first, as calibration left them; `cut`: why the shard did not do all its work, else empty."""

    number: int
    version: str
    took_us: int
    cut: str = ""
    ad: bytes = b""  # int32 [n], rows of the catalog
    retrieval: bytes = b""  # float32 [n], and so below: what each stage scored
    preranking: bytes = b""
    score: bytes = b""
    ctr: bytes = b""
    cvr: bytes = b""


class Challenge(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """The first word on a line, by the shard."""

    nonce: bytes
    protocol: int = 1


class Proof(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """The front's answer to it."""

    nonce: bytes
    proof: bytes


Message: TypeAlias = Ask | Terms | Holds | Found | Challenge | Proof
encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Message)


def decode(data: bytes) -> Message:
    """InputError for bytes that are no message."""
    try:
        message: Message = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError("message", f"{len(data)} bytes", f"a message of the shards' protocol ({error})") from error
    return message


def encoded(features: Batch) -> Encoded:
    """A request's side, B = 1, for the wire."""
    length = int(features.history_length[0])
    return Encoded(
        ids=features.ids[0].astype("<i4").tobytes(),
        dense=features.dense[0].astype("<f4").tobytes(),
        history=features.history[0, :length].astype("<i4").tobytes(),
        length=length,
        scenario=int(features.scenario[0]),
        keys=features.keys[0].astype("<i8").tobytes(),
    )


def decoded(told: Encoded, encoder: Encoder) -> Batch:
    """The same Batch again; InputError where it was made by another encoder."""
    steps = _numbers(told.history, "<i4").astype(np.int64)
    ids, dense = _numbers(told.ids, "<i4"), _numbers(told.dense, "<f4")
    fits = len(ids) == encoder.request_fields and len(dense) == encoder.request_numbers
    if not fits or not 0 <= told.length <= encoder.length or len(steps) != told.length * encoder.sequences:
        raise InputError("encoded", f"{len(ids)} fields, {len(steps)} steps", f"{encoder.request_fields} fields")
    history = np.zeros((1, encoder.length, encoder.sequences), np.int64)
    history[0, : told.length] = steps.reshape(told.length, encoder.sequences)
    return Batch(
        ids=ids.astype(np.int64)[None],
        dense=dense.astype(np.float32)[None],
        history=history,
        history_length=np.array([told.length], np.int64),
        scenario=np.array([told.scenario], np.int64),
        keys=_numbers(told.keys, "<i8").astype(np.int64)[None],
    )


def question(opportunity: Opportunity, version: str, rung: int) -> Ask:
    """What every shard is asked; number and time are each line's own."""
    seen = opportunity.seen.get("history_category")
    recent = dict.fromkeys(one for one in reversed(seen) if one) if isinstance(seen, list) else ()
    return Ask(
        number=0,
        version=version,
        left_us=0,
        rung=rung,
        request=_terse(opportunity.request),
        recent=tuple(recent)[:RECENT][::-1],
        capped=tuple(opportunity.capped),
        anonymous=opportunity.uncapped is not None,
        encoded=encoded(opportunity.features),
    )


def _terse(request: AdRequest) -> TerseRequest:
    """What shards need of it: all but the user's key and the organic products."""
    told = msgspec.structs.asdict(request)
    slots = tuple(TerseSlot(**msgspec.structs.asdict(slot)) for slot in request.slots)
    return TerseRequest(**(told | {"user": None, "organic": (), "slots": slots}))


def _numbers(data: bytes, kind: str) -> NDArray[np.generic]:
    try:
        return np.frombuffer(data, kind)
    except ValueError as error:
        raise InputError("numbers", f"{len(data)} bytes", f"a multiple of the width of {kind}") from error
