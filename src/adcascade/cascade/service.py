"""AdService: the whole server without HTTP. A request becomes an answer, an event becomes a receipt.

    decide    answering.py: request -> engine -> reservations -> sealed winners, and one record in the log
    accept    accepting.py: tokens -> records and charges -> on disk -> memory learns
    upkeep    catalog changes, another bundle, an experiment that began or ended, expired promises, pacing

The HTTP shell and the simulator both drive this object, so what is measured in the simulator is what serves.
One thread owns it (the server's event loop).
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.accepting import Accepting
from adcascade.cascade.answer import Answer, EventReceipt, IncomingEvent, IncomingNotice, Resolved
from adcascade.cascade.answering import Answering
from adcascade.cascade.build import Loaded
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.engine import Outcome
from adcascade.cascade.explain import Explanation, explain
from adcascade.cascade.notices import take_notice
from adcascade.cascade.opportunity import opportunity_of
from adcascade.cascade.other_bundle import OtherBundle, OtherBundles
from adcascade.cascade.overload import Ladder
from adcascade.cascade.parts import Parts
from adcascade.cascade.readings import Reading, Sources, readings
from adcascade.cascade.resold import Resold, auction_of, resold
from adcascade.cascade.sharding.standing import held_back
from adcascade.cascade.tally import Tally
from adcascade.cascade.under_other import UnderOther, under_other
from adcascade.cascade.why_not import WhyNot, WhyNots
from adcascade.contracts import AdRequest, Opportunity
from adcascade.events.records import AuctionRecord
from adcascade.events.seal import seal

HOUR_US = 3_600_000_000
KEPT_HOURS = 2  # that are not sealed yet, so that late events of them lie beside their auctions


class AdService:
    """Catalog, models, money and log, joined."""

    def __init__(self, parts: Parts, loaded: Loaded) -> None:
        self.parts = parts
        self.loaded = loaded
        self.tally = Tally()
        self._answering, self._accepting = Answering(parts, self.tally), Accepting(parts, self.tally)
        self._why_nots = WhyNots(self._answering, lambda: self.loaded)
        self._others = OtherBundles()
        self._sealed_hour = parts.clock_us() // HOUR_US
        self._alpha: NDArray[np.float64] | None = None  # that the shards were told of
        self._held_back: Mapping[str, float] = {}
        self.followed_us = parts.clock_us()  # when the snapshot was last found up to date

    # ---- requests

    def auction(self, request: AdRequest) -> Answer:
        """Fill a request; never raises for a valid one."""
        return self.decide(request)[0]

    async def fill(self, request: AdRequest) -> Answer:
        """As `auction`; where the ads lie on shards they are asked first, and other requests go on meanwhile."""
        answering = self._answering
        begun = answering.begin(request, self.loaded)
        return answering.finish(begun, await answering.ask(begun))[0]

    def decide(self, request: AdRequest) -> tuple[Answer, Outcome]:
        """Fill a request, and show how: the outcome holds every stage's step."""
        return self._answering.decide(request, self.loaded)

    async def explain(self, request: AdRequest, /, *, ad: str | None = None, top: int = 10) -> Explanation:
        """How a request would be filled now, and what would become of an ad; it leaves no trace (explain.py)."""
        return await explain(self._answering, request, self.loaded, ad=ad, top=top)

    async def why_not(self, ad: str, from_us: int, to_us: int, /) -> WhyNot:
        """Why an ad was not shown in a period, by the log and asked again now; leaves no trace (why_not.py)."""
        return await self._why_nots.ask(ad, from_us, to_us)

    def resold(self, record: AuctionRecord, /) -> Resold:
        """A request of the log with names, and as every rule of the auction would have sold it (resold.py)."""
        return resold(record, self.loaded)

    async def under_other(self, record: AuctionRecord, version: str, bundles: Bundles, /) -> UnderOther | None:
        """A request of the log as another bundle judges its candidates; None where none is kept (under_other.py).

        BundleError where the bundle is not there, or damaged.
        """
        bundle = await self._others.get(lambda: OtherBundle.open(bundles, version), version)
        live = self.parts.memory.live_of(version).factor
        factor = record.live_factor if version == record.bundle else live
        return under_other(record, bundle, self.parts.snapshot, auction_of(self.loaded), factor)

    def opportunity(self, request: AdRequest) -> Opportunity:
        """The request with what its stages share, as of now."""
        return opportunity_of(request, self.parts.memory, self.loaded.encoder, self.parts.context)

    # ---- events

    async def accept(self, events: Sequence[IncomingEvent], /) -> list[EventReceipt]:
        """Write events; receipts come when they are on disk. StoreError: none of them was taken."""
        return await self._accepting.accept(events)

    def accept_now(self, events: Sequence[IncomingEvent]) -> list[EventReceipt]:
        """As `accept`, waiting for the disk in this thread."""
        return self._accepting.accept_now(events)

    async def notice(self, notice: IncomingNotice, /) -> EventReceipt:
        """Log what an exchange says of a bid; SignatureError for a bad token, StoreError where the disk refuses."""
        return await take_notice(notice, self.parts.till, self.parts.journal, self.parts.memory)

    def release(self, bid_ids: Iterable[str], /) -> None:
        """These winners were not offered after all: their promises are over."""
        for bid in bid_ids:
            self.parts.till.bank.release(bid)
            self.parts.memory.frequency.withdrawn(bid)

    def resolve(self, token: str, /) -> Resolved:
        """What a token names. SignatureError: forged or damaged, or the ad is gone."""
        bid, url = self.parts.till.landing(token)
        return Resolved(bid_id=bid, url=url)

    # ---- upkeep

    def read_catalog(self) -> None:
        """Read what was written to the catalog; from a thread beside the requests, several times a second."""
        self.parts.feed.prepare()

    def take_catalog(self, now_us: int) -> bool:
        """Take in some of what was read, for a few milliseconds; whether more waits."""
        parts = self.parts
        campaigns, rows = parts.feed.take()
        if campaigns:
            parts.memory.frequency.changed(campaigns)
        if len(rows):
            self.loaded.ads_changed(rows)
            if parts.splits is not None:
                parts.splits.ads_changed(rows)
            if parts.shadow is not None:
                parts.shadow.ads_changed(rows)
        if not parts.feed.waiting:
            self.followed_us = now_us
        if campaigns:
            parts.budgets.changed(campaigns, now_us)  # last: it raises while the ledger cannot be reached
        return parts.feed.waiting

    def prepare(self) -> None:
        """Load a newly promoted bundle, seal the log's past hours; may be called from a thread beside the requests."""
        parts, hour = self.parts, self.parts.clock_us() // HOUR_US
        if parts.bundles is not None:
            parts.bundles.prepare()
        if parts.traffic is not None:
            parts.traffic.refresh()
        if parts.splits is not None:
            parts.splits.prepare(self.loaded.version, parts.clock_us())
        if parts.shadow is not None:
            parts.shadow.prepare(parts.clock_us())
        parts.outlook.prepare(parts.clock_us())
        if parts.follower is not None:
            parts.follower.prepare()
        parts.budgets.prepare(parts.clock_us())
        if parts.sealed is not None and hour != self._sealed_hour:
            self._sealed_hour = hour
            seal(parts.journal, parts.sealed, (hour - KEPT_HOURS) * HOUR_US)

    def upkeep(self, now_us: int) -> None:
        """What is due: another bundle, expired promises, a control slot. Call it every second.

        In a simulation, which may wait, the catalog's changes are taken in too.
        """
        parts = self.parts
        if parts.till.wait:
            self.read_catalog()
            while self.take_catalog(now_us):
                pass
        if parts.bundles is not None and self._told_shards(parts.bundles.waiting, now_us):
            self.loaded = parts.bundles.take() or self.loaded
        if parts.splits is not None:
            parts.splits.take(self.loaded.version, now_us, wait=parts.till.wait)
        if parts.shadow is not None:
            parts.shadow.take()
        if parts.follower is not None:
            parts.follower.take()
        parts.till.bank.release_expired(now_us, wait=parts.till.wait)
        for late in parts.cashier.drain(now_us):
            if late.receipt.charged_micros:
                parts.budgets.charged(late.charge.campaign, late.receipt.charged_micros, now_us)
        parts.budgets.control(now_us)
        absent = () if parts.shards is None else parts.shards.absent
        shadow = "" if parts.shadow is None else parts.shadow.trouble
        parts.outlook.look(now_us, parts.ladder, parts.budgets.spending, absent, shadow)
        parts.budgets.changed((), now_us)  # those for which the ledger had no time; raises while it has none

    def _told_shards(self, waiting: str, now_us: int) -> bool:
        """Tell the shards of pacing and money; whether the bundle that waits may be taken."""
        parts, shards = self.parts, self.parts.shards
        if shards is None:
            return True
        pacer = parts.budgets.pacer
        if pacer is not None and pacer.alpha is not self._alpha:
            self._alpha = pacer.alpha
            self._held_back = held_back(pacer.alpha, parts.snapshot)
        shards.tell(self._held_back, parts.closed)
        return shards.follows(waiting, now_us)

    def shadow(self) -> bool:
        """A slice of what a shadow bundle has to do, between requests; whether more waits (shadow/watch.py)."""
        return self.parts.shadow is not None and self.parts.shadow.step()

    def ready(self) -> str | None:
        """None when ready; else a sentence why not."""
        if not self.parts.journal.healthy:
            return f"the event log cannot be written: {self.parts.journal.trouble}"
        if self.parts.snapshot.n == 0:
            return "the catalog holds no ads: import some with `adcascade catalog import`"
        if self.parts.shards is not None and not self.parts.shards.present:
            return "no shard answers: " + "; ".join(self.parts.shards.absent)
        return None

    def status(self) -> Mapping[str, object]:
        """Numbers and tables for the status page."""
        from_ledger = sorted(self.parts.budgets.spent_today().items(), key=lambda item: -item[1])[:10]
        return {
            "bundle": self.bundle_version,
            "catalog": {"ads": self.parts.snapshot.n, "campaigns": len(self.parts.snapshot.campaigns)},
            **self.tally.report(),
            "live calibration": {"factor": round(self.parts.memory.live_of(self.bundle_version).factor, 4)},
            "alarms": self.alarms(),
            "overload": {"rung": self.ladder.rung, "asked": self.ladder.asked, "shed": self.ladder.shed},
            **({} if self.parts.shards is None else {"shards": self.parts.shards.status()}),
            "experiment": self.experiment(),
            **({} if self.parts.shadow is None else {"shadow": self.parts.shadow.report()}),
            "invalid traffic": {} if self.parts.traffic is None else self.parts.traffic.report(),
            "users remembered": len(self.parts.memory.profiles),
            "promises open": self.parts.till.bank.held,
            **self.parts.cashier.status(),
            "spend error": self.parts.budgets.pacing_error(),
            "spent today": [{"campaign": campaign, "spent": micros / 1e6} for campaign, micros in from_ledger],
        }

    def experiment(self) -> Mapping[str, object]:
        """The experiment that has the traffic, for status page and console; {} where none ever can."""
        return {} if self.parts.splits is None else self.parts.splits.report()

    def alarms(self) -> list[dict[str, object]]:
        """What is wrong: name, scenario, value, threshold, sentence, remedy, since_us."""
        return [alarm.told() for alarm in self.parts.outlook.board.up]

    def readings(self) -> Iterable[Reading]:
        """What Prometheus scrapes beside the HTTP shell's own counters."""
        parts = self.parts
        sources = Sources(
            tally=self.tally,
            outlook=parts.outlook,
            ladder=parts.ladder,
            journal=parts.journal,
            spending=parts.budgets.spending,
            promises=parts.till.bank.held,
            live_factor=parts.memory.live_of(self.bundle_version).factor,
            ads=parts.snapshot.n,
            snapshot=parts.snapshot.version,
            followed_us=self.followed_us,
            shards=parts.shards,
            shadowed={} if parts.shadow is None else parts.shadow.counted,
        )
        return readings(sources, parts.clock_us())

    @property
    def ladder(self) -> Ladder:
        """Where this process stands when overloaded."""
        return self.parts.ladder

    @property
    def bundle_version(self) -> str:
        """Version of the bundle that answers now; "none" before the first training."""
        return self.loaded.version

    def close(self) -> None:
        """Give back what is not promised, write what waits and let go of the files."""
        if self.parts.journal.healthy and not self.parts.books.trouble:
            self.parts.till.bank.close()
        self.parts.books.close()
        self.parts.journal.close()
        self.parts.feed.store.close()
