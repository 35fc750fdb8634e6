"""Memory: what serving learns between two trainings, and how it is found again after a restart.

Three things, all derived from the event log: profiles (last clicks of users), a live calibration a bundle, and what is
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
    live: LiveCalibration | None  # that learns of it: its bundle's; None where chance chose
    scenario: str = ""
    seen: bool = False
    clicked: bool = False

    @property
    def predicted(self) -> float:
        """Its click probability, NaN where chance chose the ad."""
        return float("nan") if self.live is None else self.slot_ctr


class Memory:
    """Profiles, live calibrations and bids in flight; the latter bounded, the oldest leave first."""

    def __init__(self, profiles: Profiles, *, in_flight: int = 200_000) -> None:
        self.profiles, self.limit = profiles, in_flight
        self._live: dict[str, LiveCalibration] = {}
        self._in_flight: OrderedDict[str, InFlight] = OrderedDict()

    def live_of(self, bundle: str) -> LiveCalibration:
        """The live calibration of a bundle's predictions: each bundle errs in its own way, so each has its own."""
        return self._live.setdefault(bundle, LiveCalibration())

    def answered(self, record: AuctionRecord) -> None:
        """These winners are on their way to a page."""
        for winner in record.winners:
            self._in_flight[winner.bid_id] = InFlight(
                user=record.user,
                row=winner.ad,
                slot_ctr=winner.slot_ctr,
                factor=record.live_factor,
                live=self.live_of(record.bundle) if record.policy == "cascade" else None,
                scenario=record.scenario,
            )
        while len(self._in_flight) > self.limit:
            self._in_flight.popitem(last=False)

    def seen(self, bid_id: str) -> InFlight | None:
        """An impression was logged; counts once per bid. The bid, where it was in flight and not seen before."""
        bid = self._in_flight.get(bid_id)
        if bid is None or bid.seen:
            return None
        bid.seen = True
        if bid.live is not None:
            bid.live.served(bid.slot_ctr, bid.factor)
        return bid

    def clicked(self, bid_id: str, snapshot: Snapshot) -> InFlight | None:
        """A click was logged; counts once per bid. A click also proves that the ad was seen.

        The bid, where it was in flight and not clicked before.
        """
        bid = self._in_flight.get(bid_id)
        if bid is None or bid.clicked:
            return None
        self.seen(bid_id)
        bid.clicked = True
        if bid.live is not None:
            bid.live.clicked()
        ad = snapshot.ads[bid.row]
        if bid.user is not None and ad is not None:
            self.profiles.clicked(bid.user, ad.id, ad.category)
        return bid

    def replay(self, records: Iterable[Record], snapshot: Snapshot) -> None:
        """Live through the log again, oldest first."""
        for record in records:
            self.learn(record, snapshot)

    def learn(self, record: Record, snapshot: Snapshot) -> None:
        """One record of the log that serving did not write itself."""
        match record:
            case AuctionRecord():
                self.answered(record)
            case Impression():
                self.seen(record.bid_id)
            case Click():
                self.clicked(record.bid_id, snapshot)
            case _:
                pass
