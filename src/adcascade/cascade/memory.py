"""Memory: what serving learns between two trainings, and how it is found again after a restart.

Three things, all derived from the event log: profiles (last clicks of users), the live calibration, and what is
in flight (answered bids that may still be seen or clicked). `replay` rebuilds them from the log's tail by the same
calls that serving makes.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from adcascade.calibration.live import LiveCalibration
from adcascade.cascade.profiles import Profiles
from adcascade.catalog.snapshot import Snapshot
from adcascade.events.records import AuctionRecord, Click, Impression, Record


@dataclass(slots=True)
class InFlight:
    """One answered bid."""

    user: str | None
    row: int  # of the ad
    slot_ctr: float
    factor: float  # of the live calibration, inside slot_ctr
    counts: bool  # for the live calibration: chosen by the cascade of the serving bundle, not by chance
    seen: bool = False
    clicked: bool = False


class Memory:
    """Profiles, live calibration and bids in flight; the latter bounded, the oldest leave first."""

    def __init__(self, profiles: Profiles, live: LiveCalibration, *, in_flight: int = 200_000) -> None:
        self.profiles, self.live, self.limit = profiles, live, in_flight
        self.bundle = ""
        self._in_flight: OrderedDict[str, InFlight] = OrderedDict()

    def serve(self, bundle: str) -> None:
        """Another bundle answers now: what the live calibration learned of the old one is void."""
        if bundle != self.bundle:
            self.bundle = bundle
            self.live.predicted = self.live.clicks = 0.0

    def answered(self, record: AuctionRecord) -> None:
        """These winners are on their way to a page."""
        for winner in record.winners:
            self._in_flight[winner.bid_id] = InFlight(
                user=record.user,
                row=winner.ad,
                slot_ctr=winner.slot_ctr,
                factor=record.live_factor,
                counts=record.policy == "cascade" and record.bundle == self.bundle,
            )
        while len(self._in_flight) > self.limit:
            self._in_flight.popitem(last=False)

    def seen(self, bid_id: str) -> None:
        """An impression was logged; counts once per bid."""
        bid = self._in_flight.get(bid_id)
        if bid is not None and not bid.seen:
            bid.seen = True
            if bid.counts:
                self.live.served(bid.slot_ctr, bid.factor)

    def clicked(self, bid_id: str, snapshot: Snapshot) -> None:
        """A click was logged; counts once per bid. A click also proves that the ad was seen."""
        bid = self._in_flight.get(bid_id)
        if bid is None or bid.clicked:
            return
        self.seen(bid_id)
        bid.clicked = True
        if bid.counts:
            self.live.clicked()
        ad = snapshot.ads[bid.row]
        if bid.user is not None and ad is not None:
            self.profiles.clicked(bid.user, ad.id, ad.category)

    def replay(self, records: Iterable[Record], snapshot: Snapshot) -> None:
        """Live through the log again, oldest first."""
        for record in records:
            match record:
                case AuctionRecord():
                    self.answered(record)
                case Impression():
                    self.seen(record.bid_id)
                case Click():
                    self.clicked(record.bid_id, snapshot)
                case _:
                    pass
