"""HTTP/1.1 over asyncio's streams: sends exactly the bytes of a probe and reads what comes back.

The standard library alone: a client library would mend, refuse or re-encode the damage that a probe is made of.
"""

import asyncio
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from adcascade.conformance.probe import Probe, Reply
from adcascade.errors import InputError

BODYLESS = (204, 304)
MOST_BYTES = 16 << 20  # of an answer
MOST_HEADER = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where requests go."""

    host: str
    port: int
    tls: bool
    path: str
    authority: str


def target_of(url: str) -> Target:
    """The parts of an http or https URL; InputError where it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError("url", url, "an http or https address", "such as http://127.0.0.1:8080/openrtb2/bid")
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(
        host=parts.hostname,
        port=port or (443 if tls else 80),
        tls=tls,
        path=path,
        authority=parts.netloc.rpartition("@")[2],
    )


class BrokenAnswerError(Exception):
    """What came back is no HTTP answer, or ended too early. started: whether a byte of it had come."""

    def __init__(self, says: str, *, started: bool) -> None:
        super().__init__(says)
        self.started = started


class Connection:
    """One connection, kept open between probes and opened anew where it was closed."""

    def __init__(self, target: Target, timeout_s: float) -> None:
        self._target, self._timeout_s = target, timeout_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        """Connect; OSError where nobody listens."""
        target = self._target
        context = ssl.create_default_context() if target.tls else None
        connecting = asyncio.open_connection(target.host, target.port, ssl=context, limit=MOST_HEADER)
        self._streams = await asyncio.wait_for(connecting, self._timeout_s)

    async def send(self, probe: Probe) -> Reply:
        """The answer to a probe; never raises but for a bug. A kept connection that had died is tried anew once."""
        started = time.perf_counter()
        for kept in (self._streams is not None, False):
            try:
                status, headers, body = await asyncio.wait_for(self._exchange(probe), self._timeout_s)
            except TimeoutError:
                await self.close()
                return self._failed("hang", f"nothing whole within {self._timeout_s:g} s", started)
            except BrokenAnswerError as error:
                await self.close()
                if not kept or error.started:
                    return self._failed("cut off", str(error), started)
            except OSError as error:
                await self.close()
                if not kept:
                    return self._failed("cut off", f"{type(error).__name__}: {error}", started)
            else:
                seconds = time.perf_counter() - started
                if headers.get("connection", "").lower() == "close":
                    await self.close()
                return Reply(status=status, headers=headers, body=body, seconds=seconds)
        raise AssertionError("the second attempt always returns")

    @staticmethod
    def _failed(fault: str, detail: str, started: float) -> Reply:
        seconds = time.perf_counter() - started
        return Reply(fault="hang" if fault == "hang" else "cut off", detail=detail, seconds=seconds)

    async def close(self) -> None:
        """Let go of the connection, if there is one."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()
            try:
                await streams[1].wait_closed()
            except OSError:
                return  # it had broken already

    async def _exchange(self, probe: Probe) -> tuple[int, dict[str, str], bytes]:
        if self._streams is None:
            await self.open()
        assert self._streams is not None  # noqa: S101  just opened
        reader, writer = self._streams
        writer.write(head_of(probe, self._target) + probe.body)
        sending = asyncio.ensure_future(writer.drain())
        try:  # an answer may come before the body is sent, and is read even then
            answer = await read_answer(reader, head=probe.method == "HEAD")
        finally:
            unsent = not sending.done()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if unsent or writer.transport.get_write_buffer_size():
            await self.close()
        return answer


def head_of(probe: Probe, target: Target) -> bytes:
    """Request line and headers. The caller's own headers may not break the framing."""
    headers = {"host": target.authority, **probe.headers, "content-length": str(len(probe.body))}
    lines = [f"{probe.method} {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace")


async def read_answer(reader: asyncio.StreamReader, *, head: bool = False) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case, and body of one answer; interim answers are passed over."""
    status, headers = 100, dict[str, str]()
    started = False
    try:
        while status < 200:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            started = True
            status = int(lines[0].split(" ", 2)[1])
            pairs = (line.partition(":") for line in lines[1:] if line)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body = b"" if head or status in BODYLESS else await _read_body(reader, headers)
    except asyncio.IncompleteReadError as error:
        raise BrokenAnswerError("the answer is cut off", started=started or bool(error.partial)) from error
    except (ValueError, IndexError, asyncio.LimitOverrunError) as error:
        raise BrokenAnswerError(f"no HTTP answer: {error}", started=True) from error
    return status, headers, body


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _read_chunks(reader)
    if "content-length" in headers:
        return await reader.readexactly(_bounded(int(headers["content-length"])))
    headers["connection"] = "close"  # the body ends with the connection
    parts = bytearray()
    while part := await reader.read(1 << 16):
        parts += part
        _bounded(len(parts))
    return bytes(parts)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        _bounded(len(parts) + size)
        parts += await reader.readexactly(size)
        await reader.readexactly(2)
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass  # trailers
    return bytes(parts)


def _bounded(size: int) -> int:
    if not 0 <= size <= MOST_BYTES:
        raise ValueError(f"a body of {size} bytes")
    return size
