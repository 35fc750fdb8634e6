"""Workers: several server processes at one listening socket, each started again when it dies.

The supervisor owns the socket and nothing else: it opens no catalog, no log and no model, so that nothing but the
operating system can end it. A worker that dies takes only the requests in its hands with it; the others go on
accepting at the same socket. Where the supervisor itself is killed, its workers notice and end too.

Workers are forked from one process that does nothing but import what they need (multiprocessing's "forkserver"): the
code lies in memory once, a worker starts without importing anything, and nobody is forked from a process with threads.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess

import structlog

SETTLED_S = 10.0  # a worker that lived so long had started well
PATIENCE = 5  # deaths in a row, each before it settled, that end the supervisor
LONGEST_S = 5.0  # before a worker is started again
LOOK_S = 0.5

Work = Callable[[int, Connection], None]  # the worker's number, and the line whose end means "stop"


@dataclass(slots=True)
class _Seat:
    """One worker's place."""

    number: int
    process: ForkServerProcess
    line: Connection  # held open while the supervisor lives
    since: float
    early: int = 0  # deaths in a row before it settled
    due: float | None = None  # when it is started again


class Supervisor:
    """Runs `count` workers until SIGINT or SIGTERM. work: picklable; called in the new process.

    pause_s: before a worker that died is started again, doubled with each early death in a row; preload: modules that
    are imported before anybody is forked.
    """

    def __init__(self, count: int, work: Work, *, pause_s: float = 0.1, preload: Sequence[str] = ()) -> None:
        self._count, self._work, self._pause_s = count, work, pause_s
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(list(preload))
        self._stopping = False

    def run(self) -> int:
        """The exit status: 0 after a signal, 1 where a worker would not start."""
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        seats = [self._seat(number) for number in range(self._count)]
        try:
            while not self._stopping:
                wait([seat.process.sentinel for seat in seats if seat.due is None], timeout=LOOK_S)
                if not all(self._keep(seat) for seat in seats):
                    return 1
            return 0
        finally:
            _end(seats)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _seat(self, number: int) -> _Seat:
        process, line = self._start(number)
        return _Seat(number, process, line, time.monotonic())

    def _start(self, number: int) -> tuple[ForkServerProcess, Connection]:
        theirs, ours = self._context.Pipe(duplex=False)
        process = self._context.Process(target=self._work, args=(number, theirs), name=f"worker {number}")
        process.start()
        theirs.close()
        return process, ours

    def _keep(self, seat: _Seat) -> bool:
        """Start the seat's worker again where it died; False where that has no hope."""
        now = time.monotonic()
        if seat.due is not None:
            if now >= seat.due and not self._stopping:
                seat.process, seat.line = self._start(seat.number)
                seat.since, seat.due = now, None
            return True
        if seat.process.is_alive() or self._stopping:
            return True
        seat.early = 0 if now - seat.since >= SETTLED_S else seat.early + 1
        seat.line.close()
        structlog.get_logger().error("worker ended", worker=seat.number, status=seat.process.exitcode)
        seat.due = now + min(self._pause_s * 2**seat.early, LONGEST_S)
        return seat.early < PATIENCE


def _end(seats: list[_Seat]) -> None:
    """Ask every worker to end, and wait until it has."""
    for seat in seats:
        seat.line.close()
        if seat.process.is_alive():
            seat.process.terminate()
    for seat in seats:
        seat.process.join()
        seat.process.close()


def watch(line: Connection) -> None:
    """In a worker: end like at SIGTERM when the supervisor is gone."""

    def listen() -> None:
        try:
            line.recv_bytes()
        except (EOFError, OSError):
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=listen, name="supervisor's line", daemon=True).start()
