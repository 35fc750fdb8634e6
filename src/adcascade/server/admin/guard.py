"""Guard: nobody passes without a key, nobody calls too often, nobody guesses.

A request carries `authorization: Bearer adc_...`. Failures are counted by address and soon cost a wait, whatever key
is tried next; calls in force are counted by key. What is refused is logged with the key's public id and the reason,
never with what was sent.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import ceil

import structlog
from starlette.requests import Request
from starlette.responses import Response

from adcascade.access.keys import Key, Scope
from adcascade.access.limits import Limits
from adcascade.access.store import KeyStore
from adcascade.errors import AccessError

Handler = Callable[[Request, Key], Awaitable[Response]]
REMEDY = "send `authorization: Bearer KEY`; `adcascade key create` issues one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Calls, pages of a front, and failures a caller may have, in the long run (a second) and at once."""

    calls: float = 20.0
    calls_at_once: int = 60
    pages: float = 20.0
    pages_at_once: int = 200
    failures: float = 0.1
    failures_at_once: int = 10


RATES = Rates()


class Guard:
    """Admits requests. clock: now in UTC microseconds."""

    def __init__(self, keys: KeyStore, clock: Callable[[], int], rates: Rates) -> None:
        self._keys, self._clock = keys, clock
        self._calls = Limits(rate=rates.calls, burst=rates.calls_at_once)
        self._failures = Limits(rate=rates.failures, burst=rates.failures_at_once)

    async def admit(self, request: Request, scope: Scope | None) -> Key:
        """The caller's key; scope None: any key in force.

        AccessError: 401 no key in force, 403 not in its scope, 429 too often.
        """
        address, now_us = request.client.host if request.client is not None else "", self._clock()
        now_s = now_us / 1e6
        if wait := self._failures.exhausted(address, now_s):
            raise AccessError(429, "fewer failures from this address", f"wait {ceil(wait)} s", after_s=wait)
        try:
            key = await self._open(request, scope, now_us)
        except AccessError as error:
            self._failures.take(address, now_s)
            structlog.get_logger().warning("key refused", address=address, scope=scope, reason=error.expected)
            raise
        if wait := self._calls.take(key.id, now_s):
            raise AccessError(429, "fewer calls with this key", f"wait {ceil(wait)} s", after_s=wait)
        return key

    async def _open(self, request: Request, scope: Scope | None, now_us: int) -> Key:
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not text:
            raise AccessError(401, "an API key", REMEDY)
        key = await asyncio.to_thread(self._keys.open, text.strip(), now_us)
        if scope is not None and not key.allows(scope):
            raise AccessError(403, f"a key with the scope {scope}", "ask an administrator for one")
        return key

    def behind(self, scope: Scope, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The handler as an endpoint that asks for a key with this scope first."""

        async def endpoint(request: Request) -> Response:
            return await handler(request, await self.admit(request, scope))

        return endpoint
