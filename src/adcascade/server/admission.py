"""Admission: whether the engine begins with a request at all, by the overload ladder (cascade/overload.py)."""

from collections.abc import Awaitable, Callable, Iterable

import msgspec

from adcascade.cascade.overload import Ladder
from adcascade.contracts import AdRequest
from adcascade.server.arrival import age_us
from adcascade.server.backend import Answer, Seller
from adcascade.server.heard import heard


class Admission:
    """Stands before the engine's auctions, and only there: events and tracking are never shed."""

    def __init__(
        self, backend: Seller, ladder: Ladder, fill: Callable[[AdRequest], Awaitable[Answer]] | None = None
    ) -> None:
        """fill: the engine's auction where it waits for others, such as shards; None: the backend answers at once."""
        self._backend, self.ladder, self._fill = backend, ladder, fill

    async def auction(self, request: AdRequest) -> Answer:
        """The engine's answer within what is left of the request's time, or at once an empty one with the reason."""
        age = age_us(self.ladder.clock())
        refused = self.ladder.admit(age, request.timeout_us)
        if refused:
            answer = Answer(request_id=request.id, winners=(), no_bid_reason=refused)
        else:
            if age >= 1_000:
                request = msgspec.structs.replace(request, timeout_us=request.timeout_us - int(age))
            answer = self._backend.auction(request) if self._fill is None else await self._fill(request)
        asking = heard.get()
        if asking is not None and asking.answers is not None:
            asking.answers.append(answer)
        return answer

    def unread(self) -> bool:
        """Whether the request that came is declined before it is read."""
        return self.ladder.unread(age_us(self.ladder.clock()))

    def release(self, bid_ids: Iterable[str]) -> None:
        """As the engine does."""
        self._backend.release(bid_ids)
