"""Prompt starts: a request that came as a whole is answered at once, without a task of its own.

uvicorn makes an asyncio task for each request as soon as its head is there, which then waits for its turn in the loop.
Most bid requests come in one piece and are answered without waiting for anything: they are run to their end where they
were read. What does wait for something, such as a shard or the disk, goes on as the task that it would have been.
"""

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import copy_context
from functools import partial
from types import coroutine
from typing import Any


def begin(work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> asyncio.Task[None] | None:
    """Run it in a context of its own until it ends or waits; the task that goes on with it, None where it has ended.

    Until it first waits there is no current task: nothing before that may ask for one, as `asyncio.timeout` does.
    """
    context = copy_context()
    try:
        waits = context.run(work.send, None)
    except StopIteration:
        return None
    return loop.create_task(_rest(work, waits), context=context)


async def _rest(work: Coroutine[Any, Any, None], waits: Any) -> None:
    await _driven(work, waits)


@coroutine
def _driven(work: Coroutine[Any, Any, None], waits: Any) -> Generator[Any, Any, None]:
    """Hand on what the work waits for, and to the work what comes of it."""
    while True:
        try:
            value = yield waits
        except BaseException as error:  # noqa: BLE001  a cancellation, too, is the work's own affair
            after = partial(work.throw, error)
        else:
            after = partial(work.send, value)
        try:
            waits = after()
        except StopIteration:
            return
