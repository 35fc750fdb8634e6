"""AdService: the whole server without HTTP. A request becomes an answer, an event becomes a receipt.

    decide    request -> its arm of a running experiment -> opportunity -> engine -> reservations -> sealed winners,
              and one record in the log
    accept    tokens -> records and charges -> on disk -> profiles and live calibration learn
    upkeep    catalog changes, another bundle, an experiment that began or ended, expired promises, pacing

The HTTP shell and the simulator both drive this object, so what is measured in the simulator is what serves.
One thread owns it (the server's event loop).
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np

from adcascade.auction.terms import deal_of
from adcascade.cascade.answer import Answer, EventReceipt, IncomingEvent, IncomingNotice, Marks, Resolved, Served
from adcascade.cascade.budgets import Budgets
from adcascade.cascade.build import Loaded
from adcascade.cascade.engine import Engine, Outcome
from adcascade.cascade.feed import BundleWatch, CatalogFeed
from adcascade.cascade.follow import Follower
from adcascade.cascade.intake import Intake, Noted, Taken, learn
from adcascade.cascade.memory import Memory
from adcascade.cascade.notices import take_notice
from adcascade.cascade.opportunity import opportunity_of
from adcascade.cascade.outlook import Outlook
from adcascade.cascade.overload import Ladder
from adcascade.cascade.readings import Reading, Sources, readings
from adcascade.cascade.record import auction_record, winner_of
from adcascade.cascade.split import SplitWatch
from adcascade.cascade.tally import Tally
from adcascade.cascade.till import Checked, Till
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Opportunity
from adcascade.errors import StoreError
from adcascade.events.journal import Journal
from adcascade.events.receipt import Receipt
from adcascade.events.records import Exposure, Record
from adcascade.events.seal import seal
from adcascade.events.traffic.filter import TrafficFilter
from adcascade.money.bank import Reservation
from adcascade.money.books import Books
from adcascade.money.cashier import Cashier

HOUR_US = 3_600_000_000
FIRST_KNOWN = 2  # number of the first scenario that a bundle has learned
KEPT_HOURS = 2  # that are not sealed yet, so that late events of them lie beside their auctions
RETRIES = 3  # times that an auction is held, while winners turn out to have no money left


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a service is made of; `opening.open_service` makes them of a working directory."""

    snapshot: Snapshot
    journal: Journal
    books: Books
    cashier: Cashier
    till: Till
    budgets: Budgets
    memory: Memory
    feed: CatalogFeed
    bundles: BundleWatch | None  # None: the bundle stays
    splits: SplitWatch | None  # None: no experiment is run
    traffic: TrafficFilter | None  # None: every genuine event is valid
    follower: Follower | None = None  # None: no other process writes into the log
    clock_us: Callable[[], int]
    new_id: Callable[[AdRequest], str]
    outlook: Outlook
    context: tuple[str, ...] = ()  # keys of AdRequest.context that features use
    log_ranked: int = 100
    sealed: Path | None = None  # folder of the log's sealed hours; None: nothing is sealed here
    ladder: Ladder = field(default_factory=Ladder)  # of overload; whoever receives requests tells it their age
    timer: Callable[[], int] = time.perf_counter_ns


@dataclass(frozen=True, slots=True)
class _Answering:
    """Who answers one request: an engine, the exposure that put it there, and the live calibration it had."""

    loaded: Loaded
    exposure: Exposure | None
    live_factor: float


class AdService:
    """Catalog, models, money and log, joined."""

    def __init__(self, parts: Parts, loaded: Loaded) -> None:
        self.parts = parts
        self.loaded = loaded
        self.tally = Tally()
        self.intake = Intake(parts.till, parts.memory, parts.traffic)
        self._sealed_hour = parts.clock_us() // HOUR_US
        self.followed_us = parts.clock_us()  # when the snapshot was last found up to date

    # ---- requests

    def auction(self, request: AdRequest) -> Answer:
        """Fill a request; never raises for a valid one."""
        return self.decide(request)[0]

    def decide(self, request: AdRequest) -> tuple[Answer, Outcome]:
        """Fill a request, and show how: the outcome holds every stage's step."""
        parts = self.parts
        began = parts.timer()
        deadline = began + request.timeout_us * 1000
        asked = request.id
        request = msgspec.structs.replace(request, id=parts.new_id(request))
        by = self._arm(request)
        opportunity = opportunity_of(request, parts.memory, by.loaded.encoder, parts.context)
        featured = parts.timer()
        outcome, reservations = self._sell(opportunity, by.loaded.engine, deadline)
        positions = by.loaded.positions(request, len(reservations))
        served = tuple(
            self._served(outcome, i, r, by.loaded, request, position)
            for i, (r, position) in enumerate(zip(reservations, positions, strict=True))
        )
        sold = parts.timer()
        problem = "" if request.test else self._log(opportunity, outcome, served, by, asked)
        if opportunity.features.scenario[0] >= FIRST_KNOWN:
            parts.outlook.watch.learned(request.scenario)
        if problem:
            parts.till.release(list(reservations))
            served = ()
        elif not request.test and outcome.policy == "cascade":
            parts.budgets.tally.answered(outcome.ranked, outcome.winners.ad)
        reason = problem or ("" if served else outcome.why_empty)
        self.tally.answered(outcome, len(served), reason)
        marks = Marks(began, featured, sold, parts.timer())
        parts.ladder.need.observe(marks.logged - began, 1)
        took = {step.name: step.elapsed_ns // 1000 for step in outcome.steps}
        answer = Answer(
            request_id=asked, winners=served, no_bid_reason=reason, stage_us=took, steps=outcome.steps, marks=marks
        )
        return answer, outcome

    def opportunity(self, request: AdRequest) -> Opportunity:
        """The request with what its stages share, as of now."""
        return opportunity_of(request, self.parts.memory, self.loaded.encoder, self.parts.context)

    def _arm(self, request: AdRequest) -> "_Answering":
        """The serving bundle, or the engine of the request's arm. A test request takes no part in an experiment."""
        split = None if self.parts.splits is None or request.test else self.parts.splits.split
        loaded, exposure = (self.loaded, None) if split is None else split.arm(request, self.loaded)
        return _Answering(loaded, exposure, self.parts.memory.live_of(loaded.version).factor)

    def _sell(self, opportunity: Opportunity, engine: Engine, deadline: int) -> tuple[Outcome, list[Reservation]]:
        """Reserve every winner's price; while one has no money left, hold the auction again without its campaign."""
        parts, request = self.parts, opportunity.request
        outcome = self._within_caps(engine.run(opportunity, deadline, rung=parts.ladder.rung), request)
        if request.test:
            return outcome, parts.till.pretend(outcome.winners, request.id, request.time_us)
        exploring = outcome.policy == "exploration"
        for attempt in range(RETRIES):
            held = parts.till.hold(outcome.winners, request.id, request.time_us)
            if exploring or attempt == RETRIES - 1 or None not in held:
                break
            parts.till.release(held)
            campaign = parts.snapshot.campaign
            broke = [campaign[ad] for ad, one in zip(outcome.winners.ad, held, strict=True) if one is None]
            rest = outcome.ranked.take(~np.isin(campaign[outcome.ranked.ad], broke))
            steps = engine.finish(opportunity, rest, deadline, exploring=False)
            outcome = replace(outcome, winners=steps[-1].left, steps=(*outcome.steps, *steps))
            outcome = self._within_caps(outcome, request)
        paid = np.array([one is not None for one in held], np.bool_)
        return replace(outcome, winners=outcome.winners.take(paid)), [one for one in held if one is not None]

    def _within_caps(self, outcome: Outcome, request: AdRequest) -> Outcome:
        """Without the winners that together would pass a frequency cap: their slots stay empty."""
        admitted = self.parts.memory.frequency.admits(request.user, outcome.winners, request.time_us)
        return outcome if admitted.all() else replace(outcome, winners=outcome.winners.take(admitted))

    def _served(  # noqa: PLR0917  what is known of one winner
        self,
        outcome: Outcome,
        place: int,
        reservation: Reservation,
        loaded: Loaded,
        request: AdRequest,
        position: int | None,
    ) -> Served:
        snapshot, winners = self.parts.snapshot, outcome.winners
        row, slot, creative = int(winners.ad[place]), int(winners.slot[place]), int(winners.creative[place])
        ad = snapshot.ads[row]
        if ad is None:
            raise IndexError(f"row {row} won but is not in the catalog")
        ctr = float(winners.ctr[place]) * loaded.slot_factor(slot)
        price = reservation.price_micros
        events = ctr if snapshot.billing_click[row] else 1.0
        deal = deal_of(row, request.slots[slot], snapshot)
        name = "" if deal is None else deal.id
        return Served(
            token=self.parts.till.seal(winners, place, reservation, deal=name, test=request.test),
            bid_id=reservation.bid_id,
            slot=slot,
            row=row,
            ad=ad,
            creative_index=creative,
            creative=ad.creatives[creative] if 0 <= creative < len(ad.creatives) else None,
            campaign=snapshot.campaigns[snapshot.campaign[row]],
            advertiser=snapshot.advertisers[snapshot.advertiser[row]],
            price_micros=price,
            ecpm_micros=round(price * events * 1000) if events == events else 0,  # noqa: PLR0124  NaN: nobody knows
            ctr=ctr,
            cvr=float(winners.cvr[place]),
            deal=name,
            expires_us=reservation.expires_us,
            position=position,
        )

    def _log(
        self, opportunity: Opportunity, outcome: Outcome, served: tuple[Served, ...], by: "_Answering", asked: str
    ) -> str:
        """Hand the record to the log; a short word where the log cannot take it: then nothing may be served."""
        request = opportunity.request
        if not self.parts.journal.healthy:
            return "log-unhealthy"
        chance = {int(s): float(p) for s, p in zip(outcome.winners.slot, outcome.winners.propensity, strict=True)}
        record = auction_record(
            request,
            outcome,
            tuple(winner_of(one, chance[one.slot], by.loaded.slot_factor(one.slot)) for one in served),
            seen=dict(opportunity.seen),  # type: ignore[arg-type]
            bundle=by.loaded.version,
            log_ranked=self.parts.log_ranked,
            live_factor=by.live_factor,
            asked=asked,
            exposure=by.exposure,
        )
        try:
            self.parts.journal.post(record)
        except StoreError:
            return "log-full"
        self._wrote(record)
        self.parts.memory.answered(record)
        self.parts.outlook.watch.answered(record.scenario, len(record.winners), record.time_us)
        return ""

    # ---- events

    async def accept(self, events: Sequence[IncomingEvent], /) -> list[EventReceipt]:
        """Write events; receipts come when they are on disk. StoreError: none of them was taken."""
        checked = [self.intake.check(event) for event in events]
        good = self._good(checked)
        receipts = await self.parts.cashier.accept([c.record for c in good], [c.charge for c in good])
        return self._receipts(checked, receipts)

    def accept_now(self, events: Sequence[IncomingEvent]) -> list[EventReceipt]:
        """As `accept`, waiting for the disk in this thread."""
        checked = [self.intake.check(event) for event in events]
        good = self._good(checked)
        receipts = self.parts.cashier.accept_now([c.record for c in good], [c.charge for c in good])
        return self._receipts(checked, receipts)

    def _good(self, checked: Sequence[Taken]) -> list[Checked | Noted]:
        good = [one for one in checked if not isinstance(one, EventReceipt)]
        for one in good:
            self._wrote(one.record)
        return good

    def _wrote(self, record: Record) -> None:
        if self.parts.follower is not None:
            self.parts.follower.wrote(type(record), record.id)

    def _receipts(self, checked: Sequence[Taken], receipts: Sequence[Receipt]) -> list[EventReceipt]:
        written = iter(receipts)
        answers = []
        for one in checked:
            answer = one if isinstance(one, EventReceipt) else self._learn(one, next(written))
            self.tally.event(answer)
            answers.append(answer)
        return answers

    def _learn(self, checked: Checked | Noted, receipt: Receipt) -> EventReceipt:
        """An event is on disk: settle it, and learn from it the first time."""
        parts, record = self.parts, checked.record
        if receipt.status == "accepted" and isinstance(checked, Checked):
            parts.till.settle(checked, receipt)
            learn(checked, receipt.charged_micros, parts.clock_us(), (parts.memory, parts.budgets, parts.outlook.watch))
        elif parts.follower is not None and receipt.status == "duplicate":
            parts.follower.withdrew(type(record), record.id)
        return EventReceipt(
            id=record.id, status=receipt.status, reason=receipt.reason, charged_micros=receipt.charged_micros
        )

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
        fresh = parts.bundles.take() if parts.bundles is not None else None
        if fresh is not None:
            self.loaded = fresh
        if parts.splits is not None:
            parts.splits.take(self.loaded.version, now_us, wait=parts.till.wait)
        if parts.follower is not None:
            parts.follower.take()
        parts.till.bank.release_expired(now_us, wait=parts.till.wait)
        for late in parts.cashier.drain(now_us):
            if late.receipt.charged_micros:
                parts.budgets.charged(late.charge.campaign, late.receipt.charged_micros, now_us)
        parts.budgets.control(now_us)
        parts.outlook.look(now_us, parts.ladder, parts.budgets.spending)
        parts.budgets.changed((), now_us)  # those for which the ledger had no time; raises while it has none

    def ready(self) -> str | None:
        """None when ready; else a sentence why not."""
        if not self.parts.journal.healthy:
            return f"the event log cannot be written: {self.parts.journal.trouble}"
        if self.parts.snapshot.n == 0:
            return "the catalog holds no ads: import some with `adcascade catalog import`"
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
            "experiment": {} if self.parts.splits is None else self.parts.splits.report(),
            "invalid traffic": {} if self.parts.traffic is None else self.parts.traffic.report(),
            "users remembered": len(self.parts.memory.profiles),
            "promises open": self.parts.till.bank.held,
            **self.parts.cashier.status(),
            "spend error": self.parts.budgets.pacing_error(),
            "spent today": [{"campaign": campaign, "spent": micros / 1e6} for campaign, micros in from_ledger],
        }

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
