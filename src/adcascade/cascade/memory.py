"""Memory: what serving learns between two trainings, and how it is found again after a restart.

Four things, all derived from the event log: profiles (last clicks of users), what users have seen of campaigns with
caps, a live calibration a bundle, and what is in flight (answered bids that may still be seen or clicked). `replay`
rebuilds them from the log's tail by the same calls that serving makes.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from adcascade.calibration.live import LiveCalibration
from adcascade.cascade.frequency import Frequency
from adcascade.cascade.profiles import Profiles
from adcascade.catalog.snapshot import Snapshot
from adcascade.events.records import AuctionRecord, Click, Impression, Notice, Record, Viewable


@dataclass(slots=True)
class InFlight:
    """One answered bid."""

    user: str | None
    row: int  # of the ad
    slot_ctr: float
    factor: float  # of the live calibration, inside slot_ctr
    live: LiveCalibration | None  # that learns of it: its bundle's; None where chance chose
    scenario: str = ""
    answered_us: int = 0
    seen_us: int = 0  # 0: not, and so below
    viewable_us: int = 0
    clicked_us: int = 0
    won: bool = False  # an exchange says so

    @property
    def predicted(self) -> float:
        """Its click probability, NaN where chance chose the ad."""
        return float("nan") if self.live is None else self.slot_ctr


class Memory:
    """Profiles, views, live calibrations and bids in flight; the latter bounded, the oldest leave first."""

    def __init__(self, profiles: Profiles, frequency: Frequency, *, in_flight: int = 200_000) -> None:
        self.profiles, self.frequency, self.limit = profiles, frequency, in_flight
        self._live: dict[str, LiveCalibration] = {}
        self._in_flight: OrderedDict[str, InFlight] = OrderedDict()

    def live_of(self, bundle: str) -> LiveCalibration:
        """The live calibration of a bundle's predictions: each bundle errs in its own way, so each has its own."""
        live = self._live.get(bundle)
        if live is None:
            live = self._live[bundle] = LiveCalibration()
        return live

    def answered(self, record: AuctionRecord) -> None:
        """These winners are on their way to a page."""
        self.frequency.answered(record)
        live = self.live_of(record.bundle) if record.policy == "cascade" else None
        for winner in record.winners:
            self._in_flight[winner.bid_id] = InFlight(
                user=record.user,
                row=winner.ad,
                slot_ctr=winner.slot_ctr,
                factor=record.live_factor,
                live=live,
                answered_us=record.time_us,
                scenario=record.scenario,
            )
        while len(self._in_flight) > self.limit:
            self._in_flight.popitem(last=False)

    def bid(self, bid_id: str) -> InFlight | None:
        """What is known of a bid; None where it is unknown or long forgotten."""
        return self._in_flight.get(bid_id)

    def seen(self, bid_id: str, time_us: int = 1) -> InFlight | None:
        """An impression was logged; counts once per bid. The bid, where it was in flight and not seen before."""
        self.frequency.seen(bid_id, time_us)
        bid = self._in_flight.get(bid_id)
        if bid is None or bid.seen_us:
            return None
        bid.seen_us = max(time_us, 1)
        if bid.live is not None:
            bid.live.served(bid.slot_ctr, bid.factor)
        return bid

    def won(self, bid_id: str) -> None:
        """An exchange says that the bid won."""
        bid = self._in_flight.get(bid_id)
        if bid is not None:
            bid.won = True

    def has_won(self, bid_id: str) -> bool:
        """Whether anything says that the bid won: its exchange, or that it was seen."""
        bid = self._in_flight.get(bid_id)
        return bid is not None and (bid.won or bid.seen_us > 0)

    def viewable(self, bid_id: str, time_us: int) -> None:
        """A viewable impression was logged."""
        bid = self._in_flight.get(bid_id)
        if bid is not None and not bid.viewable_us:
            bid.viewable_us = max(time_us, 1)

    def clicked(self, bid_id: str, snapshot: Snapshot, time_us: int = 1, *, anonymous: bool = False) -> InFlight | None:
        """A click was logged; counts once per bid. A click also proves that the ad was seen.

        The bid, where it was in flight and not clicked before. anonymous: the user's profile does not learn of it.
        """
        bid = self._in_flight.get(bid_id)
        if bid is None or bid.clicked_us:
            return None
        self.seen(bid_id, time_us)
        bid.clicked_us = max(time_us, 1)
        if bid.live is not None:
            bid.live.clicked()
        ad = snapshot.ads[bid.row]
        if bid.user is not None and ad is not None and not anonymous:
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
                self.seen(record.bid_id, record.time_us)
            case Viewable():
                self.viewable(record.bid_id, record.time_us)
            case Click():
                self.clicked(record.bid_id, snapshot, record.time_us, anonymous=record.anonymous)
            case Notice() if record.kind in ("win", "billing"):
                self.won(record.bid_id)
            case _:
                pass
