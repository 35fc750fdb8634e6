"""A load's own process: what the benchmark itself has imported and keeps must not make the client pause.

A collection of garbage over millions of objects stops a client for tenths of a second, and an open loop would lay that
to the server. So loads run in a fresh process that collects nothing while they last.
"""

import gc
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import NamedTuple

from adcascade.bench.load import Answered


class Load(NamedTuple):
    """What came of one load, and the CPU time that the client took for it."""

    answers: list[Answered]
    cpu_s: float


Client = Callable[..., Load]  # (closed_loop or open_loop, its arguments) -> Load


@contextmanager
def client() -> Iterator[Client]:
    """A process for loads, which ends with the block: `ask(closed_loop, [port], requests, connections=8, seconds=5)`.

    It is spawned, so it imports what the loads need and inherits nothing.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        yield lambda load, *given, **named: pool.submit(_measured, load, *given, **named).result()


def _measured(load: Callable[..., list[Answered]], *given: object, **named: object) -> Load:
    """In the client's process."""
    before = time.process_time()
    answers = load(*given, **named)
    return Load(answers, time.process_time() - before)
