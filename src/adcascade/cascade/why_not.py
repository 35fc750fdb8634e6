"""Why not: why an ad was not shown in a period, as counts, from two sources that are told apart.

    fates     what the log holds of every request (events/ad_fates.py), read in a thread beside the requests
    reasons   why the ad was not ranked, which the log does not hold: asked again of a sample (ask_again.py)

One such question at a time a process: it costs what SAMPLE requests cost, and the reading of MOST records.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from adcascade.cascade.answering import Answering
from adcascade.cascade.ask_again import Told, ask_all, followed
from adcascade.cascade.build import Loaded
from adcascade.cascade.explain import row_of
from adcascade.cascade.logged_request import assumed
from adcascade.cascade.resold import name_of
from adcascade.errors import BusyError, InputError
from adcascade.events.ad_fates import MOST, SAMPLE, Fates, Followed, fates_of
from adcascade.events.period import auctions_between
from adcascade.events.records import AuctionRecord
from adcascade.events.table import to_record


class Beater(msgspec.Struct, frozen=True, kw_only=True):
    """An ad that won where the one asked about was outbid. requests: so often."""

    ad: str
    requests: int


class WhyNot(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. assumed: what the ad is targeted by and the log does not keep, taken as met when asked again;
    bundle, asked_us: that was asked, and when."""

    ad: str
    fates: Fates
    beaten_by: tuple[Beater, ...]
    reasons: tuple[Told, ...]
    assumed: tuple[str, ...]
    bundle: str
    asked_us: int

    @property
    def asked(self) -> int:
        """Requests that were asked again."""
        return sum(one.asked for one in self.reasons)


class WhyNots:
    """Answers the questions, one at a time. serving: the bundle that answers by then."""

    def __init__(self, answering: Answering, serving: Callable[[], Loaded]) -> None:
        self._answering, self._serving = answering, serving
        self._busy = False

    async def ask(self, ad: str, from_us: int, to_us: int, *, most: int = MOST, sample: int = SAMPLE) -> WhyNot:
        """Of the requests at from_us <= time < to_us, the newest `most` of them.

        InputError: no such ad, no such period; BusyError: another one asks; DataMissingError: there is no log.
        """
        if from_us >= to_us:
            raise InputError("to", to_us, f"a time after {from_us}")
        snapshot = self._answering.parts.snapshot
        row = row_of(snapshot, ad)
        if self._busy:
            raise BusyError("ad", ad, "that nobody else asks at this moment", "ask again in a few seconds")
        self._busy = True
        try:
            return await self._ask(ad, followed(self._serving(), row), (from_us, to_us), (most, sample))
        finally:
            self._busy = False

    async def _ask(self, ad: str, follow: Followed, period: tuple[int, int], bounds: tuple[int, int]) -> WhyNot:
        parts = self._answering.parts
        snapshot = parts.snapshot
        fates, records = await asyncio.to_thread(_read, parts.journal.path, follow, period, bounds)
        reasons = await ask_all(self._answering, self._serving, records, follow, fates.unranked)
        return WhyNot(
            ad=ad,
            fates=fates,
            beaten_by=tuple(Beater(ad=name_of(snapshot, row), requests=times) for row, times in fates.beaten_by),
            reasons=reasons,
            assumed=assumed(snapshot, follow.row),
            bundle=self._serving().version,
            asked_us=parts.clock_us(),
        )


def _read(
    path: Path, follow: Followed, period: tuple[int, int], bounds: tuple[int, int]
) -> tuple[Fates, list[AuctionRecord]]:
    """The counts, and the requests to ask again."""
    most, sample = bounds
    fates = fates_of(auctions_between(path, *period), follow, *period, most=most, sample=sample)
    records = [record for one in fates.sample if isinstance(record := to_record(one), AuctionRecord)]
    return fates, records
