"""Seats: the places of shards at a front, by address; and who is still waited for with a question."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from adcascade.cascade.sharding.fan import ANSWERED
from adcascade.cascade.sharding.merge import Sifted
from adcascade.errors import ConfigurationError
from adcascade.server.sharding.line import Line


def parse_addresses(texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Of "host:port"; ConfigurationError where one is none or comes twice."""
    found: list[tuple[str, int]] = []
    for text in texts:
        host, colon, port = text.strip().rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
            raise ConfigurationError(f"the address of a shard is {text!r}; expected host:port, such as 10.0.0.7:8090")
        found.append((host.strip("[]"), int(port)))
        if found.count(found[-1]) > 1:
            raise ConfigurationError(f"the shard at {text} is named twice; name each shard once")
    return tuple(found)


@dataclass(slots=True)
class Seat:
    """One shard's place: its address, and its line while there is one."""

    address: tuple[str, int]
    line: Line | None = None
    shard: str = ""  # "2/3", once it has said so
    versions: tuple[str, ...] = ()
    trouble: str = "not connected yet"

    @property
    def name(self) -> str:
        """Who it is, as far as is known."""
        return self.shard or "{}:{}".format(*self.address)


@dataclass(slots=True)
class Pending:
    """A question on its way. waiting: seats that have not answered."""

    version: str
    done: asyncio.Future[None]
    waiting: dict[int, Seat]
    parts: list[Sifted] = field(default_factory=list)
    cuts: dict[str, list[str]] = field(default_factory=dict)

    def end(self, seat: Seat, word: str) -> None:
        """The seat's part is over."""
        if self.waiting.pop(id(seat), None) is not None and word != ANSWERED:
            self.cuts.setdefault(word, []).append(seat.name)
        self.over(only_if_all=True)

    def over(self, *, only_if_all: bool = False) -> None:
        """Wake whoever waits."""
        if not self.done.done() and not (only_if_all and self.waiting):
            self.done.set_result(None)
