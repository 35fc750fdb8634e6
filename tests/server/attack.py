"""Attacks on a server: raw bytes over a real socket, and what they cost it."""

import gzip
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.server.process import Process

MIB = 1 << 20
HEAD = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n"
PACKED = b"content-encoding: gzip\r\n"
GOOD = b'{"id":"1","imp":[{"id":"1","banner":{}}]}'


def post(body: bytes, *headers: bytes, path: bytes = b"/openrtb2/bid") -> bytes:
    """A whole request."""
    return HEAD % path + b"".join(headers) + b"content-length: %d\r\n\r\n" % len(body) + body


def chunked(rest: bytes) -> bytes:
    """A request whose body comes in chunks."""
    return HEAD % b"/openrtb2/bid" + b"transfer-encoding: chunked\r\n\r\n" + rest


def beside(field: bytes) -> bytes:
    """A good bid request with one more field."""
    return GOOD[:-1] + b"," + field + b"}"


def filled(before: bytes, item: bytes, after: bytes, size: int = MIB) -> bytes:
    """As many items between as the size allows, with a last one that stands for its comma's sake."""
    return before + item * ((size - len(before) - len(after) - 99) // len(item)) + item.rstrip(b",") + after


def raw(process: Process, data: bytes) -> bytes:
    """What the server says until it closes; the empty bytes where it closes without a word."""
    heard = b""
    with socket.create_connection(("127.0.0.1", process.port), timeout=20) as connection:
        with suppress(ConnectionResetError, BrokenPipeError):  # it does not want to hear the rest
            connection.sendall(data)
        with suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                heard += chunk
    return heard


def status(heard: bytes) -> int:
    """The status of the first answer; 0: closed without a word."""
    return int(heard.split(b" ", 2)[1]) if heard else 0


class Meter:
    """CPU and memory of a running server, as the kernel counts them."""

    def __init__(self, process: Process) -> None:
        assert process.child is not None
        self._folder, self._port = Path(f"/proc/{process.child.pid}"), process.port

    def cpu_s(self) -> float:
        """CPU seconds of all its threads, to the nanosecond."""
        threads = (self._folder / "task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9

    def memory_mib(self) -> float:
        """Resident memory."""
        lines = (self._folder / "status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024

    def holds(self, connection: socket.socket) -> bool:
        """Whether the server still has its end of a connection open."""
        ends = [f":{self._port:04X}", f":{connection.getsockname()[1]:04X}"]
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        theirs = {f"socket:[{row[9]}]" for row in rows if [row[1][-5:], row[2][-5:]] == ends}
        held = set()
        for file in (self._folder / "fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                held.add(str(file.readlink()))
        return bool(theirs & held)

    def cost_s(self, work: Callable[[], object]) -> float:
        """CPU seconds that the server spends on some work."""
        before = self.cpu_s()
        work()
        return self.cpu_s() - before


class Attack(NamedTuple):
    """Bytes, and the statuses that are a right answer to them (0: closed without a word)."""

    name: str
    data: bytes
    answers: tuple[int, ...] = (400,)


def members(count: int) -> bytes:
    """Empty gzip members in a row."""
    return gzip.compress(b"") * count


def native(assets: bytes) -> bytes:
    """A native imp with this list of assets inside its string."""
    text = (b'{"assets":[' + assets + b"]}").replace(b'"', b'\\"')
    return b'{"id":"1","imp":[{"id":"1","native":{"request":"' + text + b'"}}]}'


def bodies() -> list[Attack]:
    """Bodies of a mebibyte that are JSON of the worst kinds, or hardly JSON at all."""
    formats = filled(b'{"id":"1","imp":[{"id":"1","banner":{"format":[', b"{},", b"]}}]}")
    auction = b'{"auctions":[{"type":"%b","slots":1}]}'
    fine = (200,)
    return [
        Attack("blanks", post(b" " * MIB)),
        Attack("a number of a million digits", post(beside(b'"tmax":' + b"1" * (MIB - 99)))),
        Attack("such a number in a string", post(beside(b'"tmax":"' + b"1" * (MIB - 99) + b'"'))),
        Attack("such a number that nobody reads", post(beside(b'"x":' + b"1" * (MIB - 99))), fine),
        Attack("1e999 as a floor", post(b'{"id":"1","imp":[{"id":"1","banner":{},"bidfloor":1e999}]}')),
        Attack("-0 as a size", post(b'{"id":"1","imp":[{"id":"1","banner":{"w":-0}}]}'), fine),
        Attack("a list in ext", post(filled(GOOD[:-1] + b',"ext":{"query":[', b"[],", b"]}}")), fine),
        Attack("a long list and a wrong type", post(filled(b'{"x":[', b"[],", b'],"id":5,"imp":7}'))),
        Attack("many imps", post(filled(b'{"id":"1","imp":[', b'{"id":"1"},', b"]}"))),
        Attack("many sizes", post(formats)),
        Attack("many blocked categories", post(filled(GOOD[:-1] + b',"bcat":[', b'"",', b"]}"))),
        Attack("many page categories", post(filled(GOOD[:-1] + b',"site":{"pagecat":[', b'"",', b"]}}")), fine),
        Attack("many native assets", post(native(filled(b"", b'{"id":1},', b"", MIB // 2)))),
        Attack("a key a hundred thousand times", post(b"{" + b'"id":"1",' * 100_000 + GOOD[1:]), fine),
        Attack("a long id", post(b'{"id":"' + b"a" * (MIB - 99) + b'","imp":[]}')),
        Attack("escapes", post(beside(b'"x":"' + b"\\u0041" * (MIB // 6 - 99) + b'"')), fine),
        Attack("a lone surrogate", post(b'{"id":"\\ud800","imp":[{"id":"1","banner":{}}]}')),
        Attack("NUL and direction marks", post(b'{"id":"\\u0000\\u202e","imp":[{"id":"1","banner":{}}]}'), fine),
        Attack("lists in lists", post(b"[" * MIB)),
        Attack("objects in objects", post(b'{"a":' * (MIB // 5))),
        Attack("lists in lists in native", post(native(b"[" * (MIB - 200)))),
        Attack("a long word for a type", post(auction % (b" - at `$" * (MIB // 8 - 99)), path=b"/v2/auctions")),
        Attack("not UTF-8", post(b"\xff" * MIB)),
        Attack("random bytes", post(os.urandom(MIB))),
    ]


def gzips() -> list[Attack]:
    """Little gzip that unfolds to much, and gzip that is none."""
    large = (413,)
    return [
        Attack("a bomb", post(gzip.compress(bytes(64 * MIB), 9), PACKED), large),
        Attack("blanks", post(gzip.compress(b" " * (4 * MIB)), PACKED), large),
        Attack("a long list", post(gzip.compress(filled(b'{"x":[', b"[],", b"]}", 4 * MIB)), PACKED), large),
        Attack("a bomb in a bomb", post(gzip.compress(gzip.compress(bytes(64 * MIB), 9)), PACKED)),
        Attack("many members", post(members(MIB // 21), PACKED)),
        Attack("a long name in its header", post(b"\x1f\x8b\x08\x08\0\0\0\0\0\xff" + b"a" * (MIB - 99), PACKED)),
        Attack("random bytes", post(os.urandom(MIB), PACKED)),
        Attack("cut off", post(gzip.compress(GOOD)[:-5], PACKED)),
        Attack("another packing", post(GOOD, b"content-encoding: br\r\n")),
    ]


def heads() -> list[Attack]:
    """Heads without an end, requests that two servers would read differently, and what is no HTTP."""
    head, two = HEAD % b"/openrtb2/bid", (b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n")
    many = b"".join(b"x%d: y\r\n" % number for number in range(100_000))
    large = (431, 0)
    return [
        Attack("many headers", head + many, large),
        Attack("many trailers", chunked(b"0\r\n" + many + b"\r\n"), large),
        Attack("a long header", head + b"x: " + b"y" * (16 * MIB), large),
        Attack("a long address", b"GET /" + b"a" * (16 * MIB), large),
        Attack("a long chunk extension", chunked(b"1;" + b"a" * (16 * MIB)), (413, 0)),
        Attack("a length and chunks", head + two[0] + two[1] + b"\r\n0\r\n\r\n"),
        Attack("chunks and a length", head + two[1] + two[0] + b"\r\n0\r\n\r\n"),
        Attack("two lengths", head + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{} "),
        Attack("a list of lengths", head + b"content-length: 2, 2\r\n\r\n{}"),
        Attack("a signed length", head + b"content-length: +2\r\n\r\n{}"),
        Attack("a length below zero", head + b"content-length: -1\r\n\r\n{}"),
        Attack("a length that wraps", head + b"content-length: 18446744073709551617\r\n\r\n{}"),
        Attack("a blank before the colon", head + b"content-length : 2\r\n\r\n{}"),
        Attack("an unknown coding", head + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
        Attack("chunked twice", head + two[1] + two[1] + b"\r\n0\r\n\r\n"),
        Attack("chunked and more", head + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        Attack("a folded header", head + b"x: a\r\n content-length: 2\r\n\r\n{}"),
        Attack("NUL in a header", head + b"x: a\0b\r\n\r\n"),
        Attack("a bare CR", head + b"x: a\rcontent-length: 2\r\n\r\n"),
        Attack("bare LF", head.replace(b"\r\n", b"\n") + b"\n"),
        Attack("a chunk below zero", chunked(b"-1\r\n\r\n")),
        Attack("a chunk that wraps", chunked(b"f" * 17 + b"\r\n")),
        Attack("a chunk of no size", chunked(b"zz\r\n")),
        Attack("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32)),
        Attack("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Attack("CONNECT", b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n"),
        Attack("an address that is no text", b"GET /\xff\xe2\x80\xae HTTP/1.1\r\nhost: x\r\n\r\n"),
        Attack("a line break in a token", b"GET /t/c/%0d%0ax:%20y HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
    ]
