"""What became of an experiment's answers, from the log alone: auctions, impressions, clicks, conversions.

Each ad that was answered is a Bid; events name it and count once. A conversion counts where it comes within the window
after the click. Clicks are what the delay law is estimated of: `cohorts` groups them by age, in hours.

A server follows the log for months: `forget` folds clicks older than the window into totals, and drops bids that were
not clicked within an hour. Results forget nothing, and hold every bid of their experiment in memory.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from adcascade.events.records import AuctionRecord, Click, Conversion, Impression, Record
from adcascade.experiments.cohorts import Cohorts, Floats
from adcascade.experiments.experiment import Experiment

HOUR_US = 3_600_000_000
UNCLICKED_US = HOUR_US  # a bid is clicked within this, or was not
COHORTS = 200  # of clicks by age, over the window


class Bid(msgspec.Struct, kw_only=True):
    """One ad of an answer, and what was done with it."""

    unit: str
    arm: int
    time_us: int
    price_micros: int
    billing: str  # "click" or "impression"
    seen: bool = False
    click_us: int | None = None
    bought_us: int | None = None

    @property
    def billed_micros(self) -> int:
        """The price, if the event that bills it came."""
        return self.price_micros if (self.click_us is not None if self.billing == "click" else self.seen) else 0


class Outcomes:
    """The bids of one experiment, kept up with the log by `take`."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.bids: dict[str, Bid] = {}
        self._arm = {name: number for number, name in enumerate(experiment.arms)}
        arms = len(experiment.arms)
        self._old = np.zeros((3, arms))  # of forgotten clicks: how many, converted, sum of delays in hours

    def take(self, records: Iterable[Record]) -> None:
        """The log goes on, in order of arrival; what is not of this experiment is passed over."""
        for record in records:
            match record:
                case AuctionRecord():
                    self._answered(record)
                case Impression():
                    if (bid := self.bids.get(record.bid_id)) is not None:
                        bid.seen = True
                case Click():
                    if (bid := self.bids.get(record.bid_id)) is not None and bid.click_us is None:
                        bid.seen, bid.click_us = True, record.time_us
                case Conversion():
                    self._bought(record)

    def cohorts(self, now_us: int) -> Cohorts:
        """Clicks by arm and age in hours, [K, B]; the oldest cohort holds all that are older than the window."""
        window, arms = self.experiment.window_us, len(self.experiment.arms)
        clicked = [bid for bid in self.bids.values() if bid.click_us is not None]
        age = np.array([now_us - (bid.click_us or 0) for bid in clicked], np.float64)
        delay = np.array([_delay(bid) for bid in clicked], np.float64) / HOUR_US
        arm = np.array([bid.arm for bid in clicked], np.int64)
        cohort = np.clip(age / window * COHORTS, 0, COHORTS).astype(np.int64)
        cell, seen = arm * (COHORTS + 1) + cohort, ~np.isnan(delay)
        units, converted = (_count(c, (arms, COHORTS + 1)) for c in (cell, cell[seen]))
        units[:, -1] += self._old[0]
        converted[:, -1] += self._old[1]
        delays = _count(arm[seen], (arms,), delay[seen]) + self._old[2]
        middle = np.minimum(np.arange(COHORTS + 1) + 0.5, COHORTS) * (window / HOUR_US / COHORTS)
        return Cohorts(age=middle[None, :], units=units, converted=converted, delays=delays)

    def forget(self, now_us: int) -> None:
        """Let go of what can change no more."""
        settled_us = now_us - self.experiment.window_us - HOUR_US  # an hour for events that arrive late
        for name, bid in list(self.bids.items()):
            if bid.click_us is None:
                if bid.time_us < now_us - UNCLICKED_US:
                    del self.bids[name]
            elif bid.click_us < settled_us:
                delay = _delay(bid) / HOUR_US
                self._old[:, bid.arm] += (1, *((1, delay) if bid.bought_us is not None else (0, 0)))
                del self.bids[name]

    def _answered(self, record: AuctionRecord) -> None:
        exposure = record.exposure
        if exposure is None or exposure.experiment != self.experiment.name or exposure.arm not in self._arm:
            return
        for winner in record.winners:
            self.bids[winner.bid_id] = Bid(
                unit=exposure.unit,
                arm=self._arm[exposure.arm],
                time_us=record.time_us,
                price_micros=winner.price_micros,
                billing=winner.billing,
            )

    def _bought(self, record: Conversion) -> None:
        bid = self.bids.get(record.bid_id)
        if bid is None or bid.click_us is None or bid.bought_us is not None:
            return
        if 0 <= record.time_us - bid.click_us <= self.experiment.window_us:
            bid.bought_us = record.time_us


def _delay(bid: Bid) -> float:
    """Microseconds from the click to the conversion; NaN where none came."""
    return float("nan") if bid.bought_us is None or bid.click_us is None else float(bid.bought_us - bid.click_us)


def _count(cell: np.ndarray, shape: Sequence[int], weights: Floats | None = None) -> Floats:
    return np.bincount(cell, weights, int(np.prod(shape))).astype(np.float64).reshape(shape)
