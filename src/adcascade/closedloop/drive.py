"""Drive: the market's page views through the real AdService, tick by tick.

A tick: the catalog's changes go into the store, the service does its upkeep; every page view becomes a request
and is answered; the shoppers respond; their impressions and clicks go to the service as events, and so do the
conversions of earlier ticks whose time has come. It is the server's own code; only HTTP is left out.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from adcascade.cascade.answer import Answer, IncomingEvent
from adcascade.cascade.engine import Outcome
from adcascade.cascade.service import AdService
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.exchange import with_exchange_creatives
from adcascade.closedloop.shown import Shown, Slates, shown_of
from adcascade.contracts import AdRequest
from adcascade.market.ads import MOST_CREATIVES
from adcascade.market.clock import TICK_US, tick_start_us
from adcascade.market.market import Market
from adcascade.market.responses import Responses
from adcascade.market.scenarios import MOST_SLOTS
from adcascade.market.twins import Twins
from adcascade.market.views import PageViews

Watcher = Callable[[AdRequest, Answer, Outcome], None]
Pending = tuple[int, int, str, int]  # time, running number, token, value


@dataclass(slots=True)
class Drive:
    """Shoppers of a market who visit one installation."""

    market: Market
    service: AdService
    store: CatalogStore | None  # None: somebody else keeps the catalog up to date
    timeout_us: int = 10_000_000  # a simulated request has time; set it to measure the deadline
    watch: Watcher | None = None  # told of every request, for the report
    _later: list[Pending] = field(default_factory=list)
    _number: int = 0
    _twins: Twins = field(init=False)

    def __post_init__(self) -> None:
        """Ads that the market did not draw are taken for others."""
        self._twins = Twins(self.market)

    def run(self, ticks: Iterable[int], progress: Callable[[int], None] | None = None) -> Shown:
        """All page views of these ticks; `progress` is told how many views each tick had."""
        parts = []
        for tick in ticks:
            views = self.market.views(tick)
            parts.append(self.tick(tick, views))
            if progress is not None:
                progress(len(views))
        return Shown.concatenate(parts)

    def tick(self, tick: int, views: PageViews) -> Shown:
        """One tick."""
        self.change_catalog(tick)
        self.service.upkeep(tick_start_us(tick))
        slates, tokens = self._answer(views)
        responses = self.market.respond(views, slates.ad, slates.creative)
        self._report(views, slates, tokens, responses)
        self._report_later(tick_start_us(tick) + TICK_US)
        return shown_of(self.market, views, slates, responses)

    def change_catalog(self, tick: int) -> None:
        """Ads that come and go at this tick, as an advertiser's tool would say it to the store."""
        if self.store is None or tick == 0:
            return
        changes = self.market.catalog_changes(tick)
        if changes.advertisers or changes.campaigns or changes.ads:
            ads = [with_exchange_creatives(ad) for ad in changes.ads]
            self.store.put(changes.advertisers, changes.campaigns, ads)
        if changes.removed_ads:  # ended, not removed: the log still speaks of them
            self.store.set_status("ended", ads=changes.removed_ads)

    def _answer(self, views: PageViews) -> tuple[Slates, dict[tuple[int, int], str]]:
        slates = Slates.empty(len(views), MOST_SLOTS)
        tokens: dict[tuple[int, int], str] = {}
        for row, request in enumerate(self.market.requests(views)):
            timed = _with_timeout(request, self.timeout_us)
            answer, outcome = self.service.decide(timed)
            if self.watch is not None:
                self.watch(timed, answer, outcome)
            slates.explored[row] = outcome.policy == "exploration"
            for served in answer.winners:
                at = (row, served.slot)
                tokens[at] = served.token
                slates.ad[at] = self._twins.of(served.ad)
                slates.creative[at] = min(max(served.creative_index, 0), MOST_CREATIVES - 1)
                slates.predicted[at], slates.predicted_cvr[at] = served.ctr, served.cvr
                slates.price[at] = served.price_micros
                slates.per_click[at] = served.campaign.billing == "click"
        return slates, tokens

    def _report(
        self, views: PageViews, slates: Slates, tokens: dict[tuple[int, int], str], responses: Responses
    ) -> None:
        """Impressions and clicks of this tick, in order of time, and what was charged for them."""
        events: list[tuple[int, tuple[int, int], IncomingEvent]] = []
        for at, token in tokens.items():
            seen_us = int(views.time_us[at[0]]) + 300_000
            events.append((seen_us, at, IncomingEvent(id="", kind="impression", token=token, time_us=seen_us)))
            if responses.clicks[at]:
                clicked_us = int(responses.click_time_us[at])
                events.append((clicked_us, at, IncomingEvent(id="", kind="click", token=token, time_us=clicked_us)))
            if responses.conversions[at]:
                self._number += 1
                bought_us, value = int(responses.conversion_time_us[at]), int(responses.value_micros[at])
                heapq.heappush(self._later, (bought_us, self._number, token, value))
        events.sort(key=lambda event: event[0])
        for (_, at, _), receipt in zip(events, self.service.accept_now([e for _, _, e in events]), strict=True):
            slates.charged[at] += receipt.charged_micros

    def _report_later(self, until_us: int) -> None:
        """Conversions whose time has come."""
        due: list[IncomingEvent] = []
        while self._later and self._later[0][0] < until_us:
            time_us, number, token, value = heapq.heappop(self._later)
            due.append(
                IncomingEvent(id=f"buy{number}", kind="purchase", token=token, time_us=time_us, value_micros=value)
            )
        if due:
            self.service.accept_now(due)


def _with_timeout(request: AdRequest, timeout_us: int) -> AdRequest:

    return msgspec.structs.replace(request, timeout_us=timeout_us)
