"""Upkeep: while the server runs, the engine hears about the time once in a while, and about the catalog at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Protocol

import structlog

from adcascade.server.metrics import Metrics

EVERY_S = 1.0
Lifespan = Callable[[object], AbstractAsyncContextManager[None]]
Work = Callable[[], Awaitable[None]]
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

    works: dict[str, tuple[Work, float]] = {
        "upkeep": (keep, every_s),
        "catalog": (follow, min(CATALOG_S, every_s)),
    }
    if spare is not None:
        works["spare time"] = (partial(_use, spare), SPARE_S)

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:  # noqa: ARG001  a lifespan's signature
        tasks = [asyncio.create_task(_rounds(name, *work, every_s, metrics), name=name) for name, work in works.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

    return lifespan


async def _rounds(name: str, work: Work, pause_s: float, after_failure_s: float, metrics: Metrics) -> None:
    """Work, again and again, with a pause before each time and a further one after a failure, which is counted."""
    while True:
        await asyncio.sleep(pause_s)
        try:
            await work()
        except Exception as error:  # noqa: BLE001  one failed round must not end all later ones
            metrics.failed(name)
            structlog.get_logger().error(f"{name} failed", exc_info=error)
            await asyncio.sleep(after_failure_s)


async def _use(spare: Callable[[], bool]) -> None:
    """Spare time for this work, until there is no more of it."""
    while spare():  # noqa: ASYNC110  it works, and waits for nobody
        await asyncio.sleep(0)  # requests that came meanwhile go first
