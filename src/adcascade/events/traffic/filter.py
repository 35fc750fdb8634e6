"""The filter of invalid traffic: which events nobody shall pay for, decided before they are charged.

It finds what the field calls general invalid traffic: listed data centres, agents that say that they are robots, rates
and sequences that no person brings about. Events from the operator's own networks, and those that a caller in this
process made, are not judged. What is known of a bid already is passed on: it is a duplicate and does no harm.

Addresses and agents are held in memory only; a finding in the log has the first 24 bits of an address (IPv6: 48).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adcascade.events.traffic.agents import parse_agents
from adcascade.events.traffic.networks import networks_of, parse_networks
from adcascade.events.traffic.rates import Rate
from adcascade.events.traffic.rules import Finding, Journey, Kind, Paces, Reason, impossible, repeats
from adcascade.events.traffic.source import Source
from adcascade.events.traffic.watched import Watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most events within `window_us`; 0: no limit."""

    window_us: int = 600_000_000
    user_clicks: int = 30
    source_clicks: int = 60  # an address may be a whole office
    source_impressions: int = 5_000
    bid_clicks: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event as it came."""

    kind: Kind
    bid_id: str
    time_us: int  # its own
    now_us: int  # of its arrival
    source: Source | None  # None: this process made it


class TrafficFilter:
    """Judges events in order of arrival. One thread; `refresh` may be called from another."""

    def __init__(
        self,
        limits: Limits | None = None,
        paces: Paces | None = None,
        *,
        data_centres: Path | None = None,
        agents: Path | None = None,
        own: Sequence[str] = (),
    ) -> None:
        """data_centres, agents: files; own: ranges that are not judged. ConfigurationError where one is wrong."""
        limits, self._paces = limits or Limits(), paces or Paces()
        self._networks = Watched(data_centres, parse_networks)
        self._agents = Watched(agents, parse_agents)
        self._own = networks_of(own, "traffic.own_networks")
        self._rates: dict[Reason, Rate] = {
            "user_clicks": Rate(limits.user_clicks, limits.window_us),
            "source_clicks": Rate(limits.source_clicks, limits.window_us),
            "source_impressions": Rate(limits.source_impressions, limits.window_us),
            "bid_clicks": Rate(limits.bid_clicks, limits.window_us),
        }
        self.found: Counter[str] = Counter()  # by reason
        self.judged = self.exempt = 0

    def judge(self, told: Told, journey: Journey | None) -> Finding | None:
        """Why the event is invalid, None where nothing speaks against it; `journey`: what is known of its bid."""
        source = told.source
        if source is None:
            return None
        if self._own.holding(source.address):
            self.exempt += 1
            return None
        self.judged += 1
        over = self._over(told, source, journey)
        if journey is not None and repeats(told.kind, journey) and over is None:
            return None
        finding = self._sender(source)
        if finding is None and journey is not None:
            finding = impossible(told.kind, source.route, journey, (told.time_us, told.now_us), self._paces)
        finding = finding or over
        if finding is not None:
            self.found[finding.reason] += 1
        return finding

    def refresh(self) -> None:
        """Read the files again where they changed."""
        self._networks.refresh()
        self._agents.refresh()

    def report(self) -> dict[str, object]:
        """Numbers since the start, for the status page."""
        trouble = "; ".join(filter(None, (self._networks.trouble, self._agents.trouble)))
        return {
            "judged": self.judged,
            "from own networks": self.exempt,
            **dict(self.found),
            **({"trouble": trouble} if trouble else {}),
        }

    def _sender(self, source: Source) -> Finding | None:
        """Where the sender is the shopper: its address and agent."""
        if source.route != "browser":
            return None
        listed = self._networks.value.holding(source.address)
        if listed:
            return Finding("data_centre", listed)
        robot = self._agents.value.named_in(source.agent)
        return Finding("robot_agent", robot) if robot else None

    def _over(self, told: Told, source: Source, journey: Journey | None) -> Finding | None:
        """Count the event everywhere it counts; the first limit that it breaks."""
        keys: dict[Reason, str] = {}
        if told.kind == "click":
            keys["bid_clicks"] = told.bid_id
            if journey is not None and journey.user is not None:
                keys["user_clicks"] = journey.user
        if source.route == "browser" and told.kind in ("click", "impression"):
            keys["source_clicks" if told.kind == "click" else "source_impressions"] = source.key
        broken = [reason for reason, key in keys.items() if self._rates[reason].over(key, told.now_us)]
        return Finding(broken[0], f"over {self._rates[broken[0]].limit}") if broken else None
