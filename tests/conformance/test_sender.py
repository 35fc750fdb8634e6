"""The client: bytes as they are, answers of every framing, and silence that ends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from adcascade.conformance.probe import Probe, Reply
from adcascade.conformance.sender import Connection, target_of
from adcascade.errors import InputError

PROBE = Probe(name="p", about="", kind="valid", body=b"\x00\xff{", headers={"x-a": "1"})
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def told(*answers: bytes, times: int = 1, close: bool = False) -> tuple[list[Reply], list[bytes]]:
    """The replies of a server that says these bytes to each request in turn, and the requests that it heard."""
    heard: list[bytes] = []
    script = iter(answers * times)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                heard.append(head + await reader.readexactly(len(PROBE.body)))
                writer.write(next(script))
                await writer.drain()
                if close:
                    break
        except (asyncio.IncompleteReadError, StopIteration):
            pass
        finally:
            writer.close()

    async def run() -> list[Reply]:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            connection = Connection(target_of(f"http://127.0.0.1:{port}/bid?x=1"), 1.0)
            try:
                return [await connection.send(PROBE) for _ in range(len(answers) * times)]
            finally:
                await connection.close()

    return asyncio.run(run()), heard


def test_a_probe_is_sent_as_it_is() -> None:
    """Method, path, headers, and the body to the last byte."""
    _, heard = told(b"HTTP/1.1 204 No Content\r\n\r\n")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /bid?x=1 HTTP/1.1\r\nhost: 127.0.0.1:")
    assert b"\r\nx-a: 1\r\ncontent-length: 3" in head
    assert body == PROBE.body


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-B: c\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-B: c\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-B: c\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_answers_of_every_framing_are_read_over_one_connection(answer: bytes) -> None:
    """By length, in chunks, after an interim answer: three times each."""
    replies, heard = told(answer, times=3)
    assert [(reply.status, reply.body, reply.headers["x-b"]) for reply in replies] == [(200, b"hello", "c")] * 3
    assert len(heard) == 3


def test_a_body_may_end_with_the_connection() -> None:
    """Without a length; and the next probe gets a connection of its own."""
    replies, _ = told(b"HTTP/1.0 200 OK\r\n\r\nhello", b"HTTP/1.0 200 OK\r\n\r\nagain", close=True)
    assert [reply.body for reply in replies] == [b"hello", b"again"]


def test_a_kept_connection_that_died_is_tried_anew() -> None:
    """The server may close between two requests; that is no fault of the answer."""
    replies, _ = told(b"HTTP/1.1 204 No Content\r\n\r\n", times=3, close=True)
    assert [(reply.status, reply.fault) for reply in replies] == [(204, "")] * 3


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", "hang"),
        (b"", "hang"),
        (b"no such thing\r\n\r\n", "cut off"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -4\r\n\r\n", "cut off"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "cut off"),
    ],
)
def test_what_is_no_answer_is_a_fault(answer: bytes, fault: str) -> None:
    """Silence ends at the limit; nonsense ends at once."""
    replies, _ = told(answer)
    assert replies[0].fault == fault
    assert replies[0].status == 0


def test_an_answer_that_is_cut_off_is_a_fault() -> None:
    """Fewer bytes than promised, and the connection ends."""
    replies, _ = told(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", close=True)
    assert replies[0].fault == "cut off"


@pytest.mark.parametrize("url", ["", "bidder", "ftp://x", "http://", "http://x:99999/", "http://[::1/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """With the field, the value and an example."""
    with pytest.raises(InputError, match="http"):
        target_of(url)
