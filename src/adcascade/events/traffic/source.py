"""Where an event came from, and what of that may be kept.

A browser calls tracking URLs itself: address and user agent are the shopper's. An exchange's billing notice comes
from the exchange, and a shop reports from its own server: their addresses say nothing of the shopper.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

Route = Literal["browser", "exchange", "reporter"]

KEPT_BITS = {4: 24, 6: 48}  # of an address in the log
HOUSE_BITS = 64  # of an IPv6 address: what one household or machine is given, and can change within


@dataclass(frozen=True, slots=True)
class Source:
    """Who told of an event. Held in memory while the event is judged; never written whole."""

    route: Route
    address: str = ""  # of the sender, as text; "" where it is not known
    agent: str = ""  # what the sender says it is

    @property
    def network(self) -> str:
        """The shopper's address cut to 24 bits (IPv6: 48), for the log; "" where it is not the shopper's."""
        return cut(self.address, KEPT_BITS) if self.route == "browser" else ""

    @property
    def key(self) -> str:
        """What counters tell senders apart by: address (IPv6: its first 64 bits) and agent."""
        address = cut(self.address, {4: 32, 6: HOUSE_BITS}) if ":" in self.address else self.address
        return f"{address} {self.agent}"


def cut(address: str, bits: dict[int, int]) -> str:
    """The network of so many bits that holds the address; "" where the text is no address."""
    try:
        whole = plain(address)
    except ValueError:
        return ""
    return str(ip_network((whole, bits[whole.version]), strict=False))


def plain(address: str) -> IPv4Address | IPv6Address:
    """The address; an IPv4 one that is written as IPv6 becomes IPv4. ValueError where the text is none."""
    found = ip_address(address.partition("%")[0])
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
