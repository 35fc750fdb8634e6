"""From an AdRequest to an Opportunity: the raw features as seen, the same encoded, and the request's own chance."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np

from adcascade.cascade.memory import Memory
from adcascade.cascade.profiles import Profiles
from adcascade.contracts import AdRequest, Opportunity
from adcascade.features.encoder import Encoder

HOUR_US = 3_600_000_000
MOST_ORGANIC = 20  # organic products of a page that are kept in the log
Seen = dict[str, str | float | int | list[str] | None]


def seen_of(request: AdRequest, profiles: Profiles, context: Sequence[str]) -> Seen:
    """Raw request-side feature values at this moment. They are logged, so that training sees what serving saw.

    context: the keys of AdRequest.context that this installation has declared; others are not kept.
    """
    ads, categories = profiles.history(request.user)
    return {
        **{name: request.context.get(name) for name in context},
        "user": request.user,
        "scenario": request.scenario or None,
        "device": request.device or None,
        "country": request.country or None,
        "page_category": request.category or None,
        "page_department": request.category.split("/", 1)[0] or None,
        "query": request.query or None,
        "hour": str(request.time_us // HOUR_US % 24),
        "history_ad": ads,
        "history_category": categories,
        "organic": list(request.organic[:MOST_ORGANIC]) or None,
    }


def chance_of(name: str) -> np.random.Generator:
    """The random numbers of one request, a pure function of its id."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(blake2b(name.encode(), digest_size=8).digest())))


def opportunity_of(request: AdRequest, memory: Memory, encoder: Encoder, context: Sequence[str] = ()) -> Opportunity:
    """What the stages share; position is served as 0, for models answer for the first slot."""
    seen = seen_of(request, memory.profiles, context)
    return Opportunity(
        request=request,
        seen=seen,
        features=encoder.encode_one({**seen, "position": "0"}, "request"),
        random=chance_of(request.id),
        capped=memory.frequency.capped(request.user, request.time_us),
        uncapped=memory.frequency.uncapped() if request.user is None else None,
    )


def as_seen(opportunity: Opportunity, seen: Mapping[str, object], encoder: Encoder) -> Opportunity:
    """The same with the features of another time, as a log tells them; what it does not tell stays."""
    seen = {**opportunity.seen, **seen}
    return replace(opportunity, seen=seen, features=encoder.encode_one({**seen, "position": "0"}, "request"))
