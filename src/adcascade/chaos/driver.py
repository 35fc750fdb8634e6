"""The driver of a trial: starts workers, kills them at random instants, and at the end has everything audited.

Workers are forked, so that a new life costs nothing: the driver has one thread and holds no connection. What workers
acknowledge lies in files that only grow; the driver counts in them how many events were billed.
"""

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from adcascade.chaos.servers import PostgresServer, RedisServer, Server
from adcascade.chaos.worker import Worker, run
from adcascade.chaos.world import Plan, World, world_of
from adcascade.errors import InternalError, StoreError

LOOK_S = 0.03  # between two looks of the driver
MOST_FAILURES = 20  # workers that ended by themselves: then something is wrong with us

Begin = Callable[[Plan, World, int, int, list[tuple[int, int]]], Worker]


class Trial:
    """Processes over one store, until enough events were billed."""

    def __init__(self, plan: Plan, server: Server | None, begin: Begin = Worker) -> None:
        self.plan, self.world, self.server, self._begin = plan, world_of(plan), server, begin
        self.kills = self.restarts = self.failures = self.billed = 0
        self._chance = random.Random(plan.seed)  # noqa: S311  not a secret
        self._lives = [0] * plan.processes
        self._children: dict[int, int] = {}  # process -> number of the worker
        self._read: dict[Path, int] = {}  # acknowledgements read so far

        self._mail = [_pipe() for _ in range(plan.processes)]

    def run(self) -> float:
        """Until the billed events are reached; how many seconds it took. Afterwards no process lives."""
        began = time.monotonic()
        next_kill = began + self._pause()
        for number in range(self.plan.processes):
            self._start(number)
        try:
            while self._count() < self.plan.events:
                time.sleep(LOOK_S)

                self._reap()
                if time.monotonic() >= next_kill:
                    self._kill_one()
                    next_kill = time.monotonic() + self._pause()
                if self.server is not None and self.billed * 2 >= self.plan.events * (1 + self.restarts):
                    self._restart(self.server)
        finally:
            for process in list(self._children):
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
            self._children.clear()
            for ends in self._mail:
                for end in ends:
                    os.close(end)
        self._count()
        return time.monotonic() - began

    def _pause(self) -> float:
        return self._chance.expovariate(1 / self.plan.kill_every_s)

    def _start(self, number: int) -> None:
        life = self._lives[number]
        self._lives[number] += 1
        process = os.fork()
        if process:
            self._children[process] = number
            return
        try:  # the child, which never returns
            run(self._begin(self.plan, self.world, number, life, self._mail))
        except StoreError as error:  # it came to life while the store was dead
            sys.stderr.write(f"worker {number} cannot start: {str(error).splitlines()[0]}\n")
        except BaseException:  # noqa: BLE001  shown, and the process ends
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(1)

    def _kill_one(self) -> None:
        process = self._chance.choice(sorted(self._children))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        self.kills += 1
        self._start(self._children.pop(process))

    def _reap(self) -> None:
        """Start again what ended by itself, as a worker does that finds its books closed when it starts."""
        for process in list(self._children):
            ended, _ = os.waitpid(process, os.WNOHANG)
            if ended:
                self.failures += 1
                if self.failures > MOST_FAILURES:
                    raise InternalError(f"{self.failures} workers ended by themselves; see what they wrote")
                self._start(self._children.pop(process))

    def _restart(self, server: Server) -> None:
        """Kill the store under load, leave everybody alone for a moment, start it again."""
        self.restarts += 1
        server.kill()
        time.sleep(0.5)
        server.start()

    def _count(self) -> int:
        """How many acknowledged events were billed, by what was written since the last look."""
        for number, lives in enumerate(self._lives):
            for life in range(lives):
                path = self.plan.acks(number, life)
                done = self._read.get(path, 0)
                if path.exists() and path.stat().st_size > done:
                    with path.open("rb") as file:
                        file.seek(done)
                        lines = file.read()
                    lines = lines[: lines.rfind(b"\n") + 1]
                    self.billed += lines.count(b"\n") - (b"\n" + lines).count(b"\n0 ")
                    self._read[path] = done + len(lines)
        return self.billed


def server_of(store: str) -> Server | None:
    """A throw-away server for the store, not started; None where it needs none."""
    if store == "postgresql":
        return PostgresServer()
    return RedisServer() if store == "redis" else None


def _pipe() -> tuple[int, int]:
    """A pipe whose writing end never blocks."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    return reading, writing
