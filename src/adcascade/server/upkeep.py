"""Upkeep: while the server runs, the engine hears about the time once in a while."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import structlog

from adcascade.server.backend import Backend
from adcascade.server.metrics import Metrics

EVERY_S = 1.0


def upkeep_lifespan(
    backend: Backend, metrics: Metrics, clock: Callable[[], int], every_s: float = EVERY_S
) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """A lifespan of an ASGI app: `backend.prepare()` and `backend.upkeep(now)` every `every_s` seconds."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(every_s)
            try:
                await asyncio.to_thread(backend.prepare)
                backend.upkeep(clock())
            except Exception as error:  # noqa: BLE001  one failed round must not end all later ones
                metrics.failed("upkeep")
                structlog.get_logger().error("upkeep failed", exc_info=error)

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:  # noqa: ARG001  a lifespan's signature
        task = asyncio.create_task(keep(), name="upkeep")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return lifespan
