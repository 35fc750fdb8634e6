"""Sampling: a look at the counters every five seconds, beside the requests, for the charts.

All workers of a machine look at the same instants, by the clock; half a second later each reads what the others saw.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from adcascade.console.counters import counters_of
from adcascade.console.history import EVERY_US
from adcascade.console.looks import Look, Looks
from adcascade.console.machine import Machine
from adcascade.errors import StoreError
from adcascade.server.front import Inside
from adcascade.server.upkeep import Lifespan

OTHERS_S = 0.5  # what the others saw at the same instant is there by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """Looks at one process, and learns what the others saw."""

    inside: Inside
    machine: Machine
    looks: Looks
    process: str
    began_us: int

    def look(self) -> Look:
        """One look, now."""
        backend, now_us = self.inside.backend, self.inside.clock()
        return Look(
            process=self.process,
            began_us=self.began_us,
            counters=counters_of(self.inside.metrics.registry, backend.readings(), now_us),
            alarms=tuple(dict(alarm) for alarm in backend.alarms()),
            trouble=backend.ready() or "",
            bundle=backend.bundle_version,
        )

    async def round(self) -> None:
        """A look of this process's, and the others' since the last round; StoreError where those cannot be had."""
        mine = self.look()
        others: list[Look] = []
        try:
            await asyncio.to_thread(self.looks.put, mine)
            await asyncio.sleep(OTHERS_S)
            others = await asyncio.to_thread(self.looks.others, self.process)
        finally:
            await asyncio.to_thread(self.machine.take, [*others, mine])

    async def rounds(self) -> None:
        """Round after round, at every full five seconds of the clock."""
        while True:
            try:
                await self.round()
            except Exception as error:  # noqa: BLE001  one failed look must not end all later ones
                self.inside.metrics.failed("console")
                structlog.get_logger().error("look failed", exc_info=error)
            await asyncio.sleep((EVERY_US - self.inside.clock() % EVERY_US) / 1e6)

    def end(self) -> None:
        """What came since the last round is put down for the others."""
        try:
            self.looks.put(self.look())
        except StoreError as error:
            structlog.get_logger().error("last look failed", reason=str(error))
        self.looks.close()


def sampled(lifespan: Lifespan, inside: Inside, machine: Machine, looks: Looks) -> Lifespan:
    """The server's lifespan, with looks while it lasts."""

    @asynccontextmanager
    async def around(app: object) -> AsyncIterator[None]:
        async with lifespan(app):
            began_us = inside.clock()
            process = f"{os.getpid()}-{began_us}"
            sampler = Sampler(inside=inside, machine=machine, looks=looks, process=process, began_us=began_us)
            task = asyncio.create_task(sampler.rounds(), name="console")
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                sampler.end()

    return around
