"""Arrival: when a request reached this machine, as its kernel knows.

An event loop that is busy does not look at its sockets, nor at connections that wait to be accepted; so a request has
waited before the process knows of it. Linux notes for every TCP connection how long ago the last data came
(`tcp_info.tcpi_last_data_recv`, milliseconds by the tick of the kernel's clock): asked when a request has been read, it
is the time that the request has waited. Elsewhere, and on connections that are not TCP, a request counts from when it
was read.
"""

import socket
import struct
from contextvars import ContextVar
from time import monotonic

SINCE = "arrived"  # in the state of a request: monotonic seconds
TICK_MS = 4  # the usual tick: what was read at once may seem to have waited for one
INFO = getattr(socket, "TCP_INFO", None)
LAST_DATA = struct.Struct("=I")
OFFSET = 52  # of tcpi_last_data_recv in struct tcp_info
SIZE = OFFSET + LAST_DATA.size

arrived: ContextVar[float | None] = ContextVar("arrived", default=None)  # of the request that is being answered


def arrival_s(connection: socket.socket) -> float:
    """When the data that was just read from the connection had come; monotonic seconds, at most now."""
    now = monotonic()
    if INFO is None:
        return now
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, INFO, SIZE)
    except OSError:  # no TCP
        return now
    waited_ms: int = LAST_DATA.unpack_from(info, OFFSET)[0]
    return now - max(0, waited_ms - TICK_MS) / 1e3


def age_us(now_s: float) -> float:
    """Microseconds since the request that is being answered arrived; 0 where nobody noted it."""
    since = arrived.get()
    return 0.0 if since is None else max(0.0, now_s - since) * 1e6
