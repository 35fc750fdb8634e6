"""Which winners were seen: auctions and impressions of a stream, matched by bid id."""

from collections import deque
from dataclasses import dataclass

from adcascade.events.outcomes import JoinCounts, Windows
from adcascade.events.records import AuctionRecord, Impression, Winner


@dataclass(frozen=True, slots=True)
class Seen:
    """One impression: when, of which winner, in which auction (held without its ranked candidates)."""

    time_us: int
    winner: Winner
    auction: AuctionRecord


class Shown:
    """Winners that wait for their impression, and impressions that wait for their auction."""

    def __init__(self, window_us: int, windows: Windows, counts: JoinCounts) -> None:
        self._window_us = window_us
        self._windows = windows
        self._counts = counts
        self._open: dict[str, tuple[AuctionRecord, Winner] | None] = {}  # None: its impression came
        self._auctions: deque[tuple[int, str]] = deque()  # (time, bid_id) in order of arrival
        self._early: dict[str, Impression] = {}
        self._impression_us = self._auction_us = -(2**63)

    @property
    def clock_us(self) -> int:
        """How far the log has come; auctions may run ahead of their impressions by the lateness."""
        return max(self._impression_us, self._auction_us - self._windows.lateness_us)

    def auction(self, record: AuctionRecord, slim: AuctionRecord) -> list[Seen]:
        """Enter an auction (`slim`: what to keep of it); its impressions, if they came first."""
        self._auction_us = max(self._auction_us, record.time_us)
        seen = []
        for winner in record.winners:
            early = self._early.pop(winner.bid_id, None)
            self._open[winner.bid_id] = None if early else (slim, winner)
            self._auctions.append((record.time_us, winner.bid_id))
            if early:
                seen.append(Seen(early.time_us, winner, slim))
        return seen

    def impression(self, record: Impression) -> Seen | None:
        """Enter an impression; what was seen, where its auction is known and it is the first."""
        self._impression_us = max(self._impression_us, record.time_us)
        if record.bid_id not in self._open:
            self._counts.repeated_impressions += record.bid_id in self._early
            self._early.setdefault(record.bid_id, record)
            return None
        found = self._open[record.bid_id]
        if found is None:
            self._counts.repeated_impressions += 1
            return None
        self._open[record.bid_id] = None
        auction, winner = found
        return Seen(record.time_us, winner, auction)

    def forget(self, now_us: int) -> None:
        """Drop what can no longer be matched at this time of the log."""
        limit = now_us - self._window_us - self._windows.lateness_us
        while self._auctions and self._auctions[0][0] < limit:
            _, bid_id = self._auctions.popleft()
            self._counts.unseen += self._open.pop(bid_id, None) is not None
        orphans = [bid for bid, early in self._early.items() if early.time_us < now_us - self._windows.lateness_us]
        for bid in orphans:
            del self._early[bid]
        self._counts.orphan_impressions += len(orphans)

    def forget_all(self) -> None:
        """At the end of the log."""
        self.forget(2**63)
