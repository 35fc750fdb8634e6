"""Work that is begun at once does what a task would do, only earlier."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.server.prompt import begin

STEPS = ("turn", "value", "error", "sleep")
seen: ContextVar[str] = ContextVar("seen", default="outside")


async def work(steps: list[str], trace: list[str]) -> None:
    """Waits for one thing after another and notes what comes of each."""
    seen.set("inside")
    loop = asyncio.get_running_loop()
    for step in steps:
        future = loop.create_future()
        if step == "value":
            loop.call_soon(future.set_result, 7)
        elif step == "error":
            loop.call_soon(future.set_exception, KeyError(step))
        try:
            match step:
                case "turn":
                    await asyncio.sleep(0)
                case "sleep":
                    await asyncio.sleep(0.0001)
                case _:
                    trace.append(f"{step}: {await future}")
        except KeyError as error:
            trace.append(f"{step}: {error!r}")
    trace.append(seen.get())


def traced(start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None] | None], steps: list[str]) -> list[str]:
    """What the work noted, however it was started."""
    trace: list[str] = []

    async def run() -> None:
        task = start(work(steps, trace))
        if task is not None:
            await task

    asyncio.run(run())
    return trace


@given(steps=st.lists(st.sampled_from(STEPS), max_size=6))
def test_work_goes_on_as_a_task_would(steps: list[str]) -> None:
    """Whatever it waits for: values, errors, turns of the loop, time; its context is its own."""
    promptly = traced(lambda coming: begin(coming, asyncio.get_running_loop()), steps)
    assert promptly == traced(asyncio.ensure_future, steps)
    assert seen.get() == "outside"


def test_work_that_waits_for_nothing_has_ended() -> None:
    """There is no task, and all is done before `begin` returns."""
    trace: list[str] = []

    async def run() -> None:
        assert begin(work([], trace), asyncio.get_running_loop()) is None
        assert trace == ["inside"]

    asyncio.run(run())


def test_a_cancelled_task_cancels_the_work() -> None:
    """It hears of it where it waits, and may still tidy up."""
    heard: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    async def run() -> None:
        task = begin(waits(), asyncio.get_running_loop())
        assert task is not None
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert heard == ["cancelled"]
