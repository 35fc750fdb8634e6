"""Ranges of addresses, such as the published ones of data centres: does one of them hold this address?

A file has one range a line in CIDR notation, IPv4 or IPv6; what follows a # is a comment. Ranges are kept as sorted
disjoint intervals of integers, so that a look-up is one bisection.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from adcascade.errors import ConfigurationError
from adcascade.events.traffic.source import plain

Network = IPv4Network | IPv6Network
Interval = tuple[int, int, str]  # first and last address, and how the first range of it was written


class Networks:
    """A set of ranges."""

    def __init__(self, ranges: Iterable[Network] = ()) -> None:
        ranges = list(ranges)
        self._intervals = {version: _disjoint(ranges, version) for version in (4, 6)}
        self._starts = {version: [start for start, _, _ in each] for version, each in self._intervals.items()}

    def __len__(self) -> int:
        """The number of disjoint intervals."""
        return sum(map(len, self._intervals.values()))

    def holding(self, address: str) -> str:
        """A range that holds the address, as it was written; "" where none does or the text is no address."""
        try:
            version, number = _number(address)
        except ValueError:
            return ""
        place = bisect_right(self._starts[version], number) - 1
        if place < 0:
            return ""
        _, last, written = self._intervals[version][place]
        return written if number <= last else ""


@lru_cache(maxsize=65_536)
def _number(address: str) -> tuple[int, int]:
    """Version and value; senders come again, and taking an address apart is what costs."""
    found = plain(address)
    return found.version, int(found)


def parse_networks(lines: Iterable[str], name: str) -> Networks:
    """The ranges of a file's lines; ConfigurationError says in which line of `name` one cannot be read."""
    ranges = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            ranges.append(_network(text, f"{name}, line {number}"))
    return Networks(ranges)


def networks_of(texts: Sequence[str], name: str) -> Networks:
    """The ranges of a setting; ConfigurationError names it and the entry."""
    return Networks([_network(text, f"{name}[{place}]") for place, text in enumerate(texts)])


def _network(text: str, where: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{where} is {text[:60]!r}; expected a range such as 203.0.113.0/24 or 2001:db8::/32 ({error})"
        ) from error


def _disjoint(ranges: Iterable[Network], version: int) -> list[Interval]:
    """Sorted; what overlaps or touches is one."""
    merged: list[Interval] = []
    wanted = [(int(r.network_address), int(r.broadcast_address), str(r)) for r in ranges if r.version == version]
    for first, last, written in sorted(wanted):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]), merged[-1][2])
        else:
            merged.append((first, last, written))
    return merged
