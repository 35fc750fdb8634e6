"""Upkeep: while the server runs, the engine hears about the time once in a while, and about the catalog at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Protocol

import structlog

from adcascade.server.metrics import Metrics

EVERY_S = 1.0
Lifespan = Callable[[object], AbstractAsyncContextManager[None]]
SPARE_S = 0.05
CATALOG_S = 0.2  # what was written to the catalog is served within a second, whatever else there is to do


class Kept(Protocol):
    """What is kept up: a Backend, or a shard."""

    def read_catalog(self) -> None:
        """In a thread beside the requests."""
        ...

    def take_catalog(self, now_us: int, /) -> bool:
        """Between requests; whether more waits."""
        ...

    def prepare(self) -> None:
        """The slow part; in a thread beside the requests."""
        ...

    def upkeep(self, now_us: int, /) -> None:
        """About once a second; quick."""
        ...


def upkeep_lifespan(
    backend: Kept,
    metrics: Metrics,
    clock: Callable[[], int],
    every_s: float = EVERY_S,
    spare: Callable[[], bool] | None = None,
) -> Lifespan:
    """A lifespan of an ASGI app: rounds beside the requests, none of which waits for another.

    `backend.prepare()` and `backend.upkeep(now)` every `every_s` seconds; the catalog's changes every CATALOG_S.
    spare: a slice of work for which nobody waits, of some milliseconds; whether there is more of it.
    """

    async def keep() -> None:
        await asyncio.to_thread(backend.prepare)
        backend.upkeep(clock())

    async def follow() -> None:
        await asyncio.to_thread(backend.read_catalog)
        while backend.take_catalog(clock()):  # noqa: ASYNC110  it works, and waits for nobody
            await asyncio.sleep(0)  # requests that came meanwhile go first

    async def use_spare_time() -> None:
        while spare is not None and spare():
            await asyncio.sleep(0)  # requests that came meanwhile go first

    async def rounds(name: str, work: Callable[[], Awaitable[None]], pause_s: float) -> None:
        while True:
            await asyncio.sleep(pause_s)
            try:
                await work()
            except Exception as error:  # noqa: BLE001  one failed round must not end all later ones
                metrics.failed(name)
                structlog.get_logger().error(f"{name} failed", exc_info=error)
                await asyncio.sleep(every_s)

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:  # noqa: ARG001  a lifespan's signature
        tasks = [
            asyncio.create_task(rounds("upkeep", keep, every_s), name="upkeep"),
            asyncio.create_task(rounds("catalog", follow, min(CATALOG_S, every_s)), name="catalog"),
        ]
        if spare is not None:
            tasks.append(asyncio.create_task(rounds("spare time", use_spare_time, SPARE_S), name="spare time"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    return lifespan
