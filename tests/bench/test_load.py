"""Laws of loads and of measured processes, against a real small server in a process of its own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adcascade.bench.client import client
from adcascade.bench.load import closed_loop, open_loop, post
from adcascade.bench.process import Served, cpu_seconds, family, free_port, server

SERVER = """
import asyncio, sys
async def app(scope, receive, send):
    body = (await receive())["body"] if scope["method"] == "POST" else b""
    if body == b"slow":
        await asyncio.sleep(0.05)
    status = 204 if body == b"none" else 200
    head = [] if status == 204 else [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": b"" if status == 204 else b"hello"})
import uvicorn
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", lifespan="off")
"""


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A server that says hello."""
    port = free_port()
    with server([sys.executable, "-c", SERVER, str(port)], port) as running:
        yield running


def test_a_closed_loop_hears_every_answer(served: Served) -> None:
    """Requests take turns; status and size are told, and nothing is left over when the time is up."""
    answers = closed_loop([served.port], [post("/", b"some"), post("/", b"none")], connections=2, seconds=0.3)
    assert {(one.status, one.size) for one in answers} == {(200, 5), (204, 0)}
    assert all(one.took_s > 0 for one in answers)


def test_an_open_loop_asks_as_often_as_it_should_and_counts_from_when_each_was_due(served: Served) -> None:
    """One connection for a slow answer: all requests are asked, and those that had to wait took longer."""
    answers = open_loop([served.port], [post("/", b"slow")], rate=30, seconds=0.5, connections=1)
    assert 5 <= len(answers) <= 30
    assert all(one.status == 200 for one in answers)
    assert max(one.took_s for one in answers) > 2 * min(one.took_s for one in answers)


def test_a_mark_tells_good_answers_from_others_of_the_same_status(served: Served) -> None:
    """Whether the body holds it; what stands in the head does not count."""
    asked = [post("/", b"some")]
    for mark, held in ((b"hell", True), (b"heaven", False), (b"content-length", False)):
        answers = closed_loop([served.port], asked, connections=1, seconds=0.1, mark=mark)
        assert {one.marked for one in answers} == {held}


def test_a_load_runs_in_a_process_of_its_own(served: Served) -> None:
    """Its answers come back, and its time is told; nothing of it is left when the block ends."""
    before = family(os.getpid())
    with client() as ask:
        load = ask(closed_loop, [served.port], [post("/", b"some")], connections=2, seconds=0.3)
    assert {one.status for one in load.answers} == {200}
    assert 0 < load.cpu_s < 5
    assert set(family(os.getpid())) <= {*before, *_trackers()}


def _trackers() -> list[int]:
    """The process of multiprocessing that lives as long as ours, where it was started."""
    return [pid for pid in family(os.getpid()) if "resource_tracker" in Path(f"/proc/{pid}/cmdline").read_text()]


def test_what_a_server_costs_is_counted(served: Served) -> None:
    """Its processes are found and their time grows with the work; a process that is gone costs nothing more."""
    before = served.cpu_s
    closed_loop([served.port], [post("/", b"some")], connections=4, seconds=0.5)
    assert served.cpu_s > before
    assert served.pid in family(served.pid)
    assert cpu_seconds(2**22 + 1) == 0.0


def test_a_server_that_ends_is_told_with_its_last_words() -> None:
    """Instead of waiting for its time to be over."""
    port = free_port()
    command = [sys.executable, "-c", "import sys; sys.exit('no catalog')"]
    with pytest.raises(RuntimeError, match="no catalog"), server(command, port):
        pass
