"""Sampling: a look at the counters every five seconds, beside the requests, for the charts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from adcascade.console.counters import counters_of
from adcascade.console.history import EVERY_US, History
from adcascade.server.front import Inside
from adcascade.server.upkeep import Lifespan


def look(inside: Inside, history: History) -> None:
    """One look, now."""
    history.add(counters_of(inside.metrics.registry, inside.backend.readings(), inside.clock()))


def sampled(lifespan: Lifespan, inside: Inside, history: History, every_s: float = EVERY_US / 1e6) -> Lifespan:
    """The server's lifespan, with a look every so often while it lasts."""

    async def rounds() -> None:
        while True:
            try:
                look(inside, history)
            except Exception as error:  # noqa: BLE001  one failed look must not end all later ones
                inside.metrics.failed("console")
                structlog.get_logger().error("look failed", exc_info=error)
            await asyncio.sleep(every_s)

    @asynccontextmanager
    async def around(app: object) -> AsyncIterator[None]:
        async with lifespan(app):
            task = asyncio.create_task(rounds(), name="console")
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    return around
