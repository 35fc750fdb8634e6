"""Answering: a request becomes an answer.

request -> its arm of a running experiment -> opportunity -> engine -> reservations -> sealed winners, and one
record in the log

Where the ads lie on shards, these are asked between the opportunity and the engine (`ask`), while other requests go on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
import numpy as np

from adcascade.auction.terms import deal_of
from adcascade.cascade.answer import Answer, Marks, Served
from adcascade.cascade.build import COLD, Loaded
from adcascade.cascade.deadline import Pace
from adcascade.cascade.engine import Outcome, Step
from adcascade.cascade.opportunity import as_seen, opportunity_of
from adcascade.cascade.parts import Parts
from adcascade.cascade.record import auction_record, winner_of
from adcascade.cascade.sharding.merge import Sifted, merged
from adcascade.cascade.sharding.messages import question
from adcascade.cascade.tally import Tally
from adcascade.catalog.bitmaps import Bits
from adcascade.contracts import AdRequest, Candidates, Opportunity
from adcascade.errors import StoreError
from adcascade.events.records import Exposure
from adcascade.money.bank import Reservation

FIRST_KNOWN = 2  # number of the first scenario that a bundle has learned
LEAST_REST_NS = 1_000_000  # kept of a request's time for what comes after the shards
RETRIES = 3  # times that an auction is held, while winners turn out to have no money left


@dataclass(frozen=True, slots=True)
class _By:
    """Who answers one request: an engine, the exposure that put it there, and the live calibration it had."""

    loaded: Loaded
    exposure: Exposure | None
    live_factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A request that is known and not sold yet."""

    asked: str  # its id as the caller wrote it
    opportunity: Opportunity
    by: _By
    exploring: bool
    began: int  # by the timer, nanoseconds, and so below
    featured: int
    deadline: int


class _Won(NamedTuple):
    """One winner, in plain numbers."""

    row: int
    slot: int
    creative: int
    ctr: float  # in the first slot
    cvr: float
    reservation: Reservation
    position: int | None


def _lists(winners: Candidates) -> tuple[list[float], ...]:
    """Row, slot, creative, ctr and cvr of the winners."""
    columns = winners.ad, winners.slot, winners.creative, winners.ctr, winners.cvr
    return tuple([column.tolist() for column in columns])


class Answering:
    """Sells the slots of requests."""

    def __init__(self, parts: Parts, tally: Tally) -> None:
        self.parts, self.tally = parts, tally
        self._rest = Pace()  # of what comes after the shards

    def decide(self, request: AdRequest, serving: Loaded) -> tuple[Answer, Outcome]:
        """Fill a request, and show how: the outcome holds every stage's step. serving: the bundle that answers."""
        return self.finish(self.begin(request, serving))

    def begin(self, request: AdRequest, serving: Loaded, *, rehearsed: bool = False) -> Begun:
        """Give the request its id, its arm and its features. rehearsed: it keeps its id, and so how ties fall."""
        parts = self.parts
        began = parts.timer()
        asked = request.id
        if not rehearsed:
            request = msgspec.structs.replace(request, id=parts.new_id(request))
        by = self._arm(request, serving)
        opportunity = opportunity_of(request, parts.memory, by.loaded.encoder, parts.context)
        return Begun(
            asked=asked,
            opportunity=opportunity,
            by=by,
            exploring=by.loaded.engine.explores(opportunity),
            began=began,
            featured=parts.timer(),
            deadline=began + request.timeout_us * 1000,
        )

    async def ask(self, begun: Begun) -> tuple[Step, ...]:
        """What the shards found, as steps before the engine's; none where chance answers, which has all ads at hand."""
        parts, version = self.parts, begun.by.loaded.version
        if parts.shards is None or begun.exploring or version == COLD:
            return ()
        start = parts.timer()
        asking = question(begun.opportunity, version, parts.ladder.rung)
        bits = self._admitted(begun.opportunity)
        left = begun.deadline - parts.timer() - max(round(self._rest.expected_ns(1)), LEAST_REST_NS)
        gathered = await parts.shards.ask(asking, left)
        sifted = Sifted.join(gathered.parts)
        return merged(sifted, parts.prerank, bits, waited_ns=parts.timer() - start, cut=gathered.cut)

    def _admitted(self, opportunity: Opportunity) -> Bits:
        """The rows that may answer as far as this process knows, packed."""
        request = opportunity.request
        bits = self.parts.snapshot.eligible(request, request.time_us, opportunity.capped)
        return bits if opportunity.uncapped is None else bits & opportunity.uncapped

    async def rehearse(
        self, request: AdRequest, serving: Loaded, *, seen: Mapping[str, object] | None = None
    ) -> tuple[Opportunity, Outcome]:
        """How the cascade would fill a request now, with nothing charged, promised, logged or counted.

        seen: raw features of another time, instead of those of now.
        """
        begun = self.begin(msgspec.structs.replace(request, test=True), serving, rehearsed=True)
        begun = replace(begun, exploring=False)
        if seen is not None:
            begun = replace(begun, opportunity=as_seen(begun.opportunity, seen, begun.by.loaded.encoder))
        before = await self.ask(begun)
        opportunity, rung = begun.opportunity, self.parts.ladder.rung
        engine = begun.by.loaded.engine
        outcome = engine.run(opportunity, begun.deadline, rung=rung, exploring=False, before=before)
        return opportunity, self._within_caps(outcome, opportunity.request)

    def finish(self, begun: Begun, before: tuple[Step, ...] = ()) -> tuple[Answer, Outcome]:
        """Sell the slots. before: what the shards found."""
        parts, by, opportunity = self.parts, begun.by, begun.opportunity
        request, resumed = opportunity.request, parts.timer()
        outcome, reservations = self._sell(begun, before)
        positions = by.loaded.positions(request, len(reservations))
        won = map(_Won._make, zip(*_lists(outcome.winners), reservations, positions, strict=True))
        served = tuple([self._served(one, by.loaded, request) for one in won])
        sold = parts.timer()
        problem = "" if request.test else self._log(opportunity, outcome, served, by, begun.asked)
        if opportunity.features.scenario[0] >= FIRST_KNOWN:
            parts.outlook.watch.learned(request.scenario)
        if problem:
            parts.till.release(list(reservations))
            served = ()
        elif not request.test and outcome.policy == "cascade":
            parts.budgets.tally.answered(outcome.ranked, outcome.winners.ad)
        if parts.shadow is not None and served and not request.test:
            parts.shadow.offer(opportunity, outcome, served, by.loaded)
        reason = problem or ("" if served else outcome.why_empty)
        self.tally.answered(outcome, len(served), reason)
        marks = Marks(begun.began, begun.featured, sold, parts.timer())
        self._rest.observe(marks.logged - resumed, 1)
        parts.ladder.need.observe(marks.logged - resumed + marks.featured - marks.began, 1)
        took = {step.name: step.elapsed_ns // 1000 for step in outcome.steps}
        answer = Answer(
            request_id=begun.asked,
            winners=served,
            no_bid_reason=reason,
            stage_us=took,
            steps=outcome.steps,
            marks=marks,
        )
        return answer, outcome

    def _arm(self, request: AdRequest, serving: Loaded) -> _By:
        """The serving bundle, or the engine of the request's arm. A test request takes no part in an experiment."""
        split = None if self.parts.splits is None or request.test else self.parts.splits.split
        loaded, exposure = (serving, None) if split is None else split.arm(request, serving)
        return _By(loaded, exposure, self.parts.memory.live_of(loaded.version).factor)

    def _sell(self, begun: Begun, before: tuple[Step, ...]) -> tuple[Outcome, list[Reservation]]:
        """Reserve every winner's price; while one has no money left, hold the auction again without its campaign."""
        parts, opportunity, engine, deadline = self.parts, begun.opportunity, begun.by.loaded.engine, begun.deadline
        request = opportunity.request
        outcome = engine.run(opportunity, deadline, rung=parts.ladder.rung, exploring=begun.exploring, before=before)
        outcome = self._within_caps(outcome, request)
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
        paid = [one for one in held if one is not None]
        if len(paid) < len(held):
            kept = np.array([one is not None for one in held], np.bool_)
            outcome = replace(outcome, winners=outcome.winners.take(kept))
        return outcome, paid

    def _within_caps(self, outcome: Outcome, request: AdRequest) -> Outcome:
        """Without the winners that together would pass a frequency cap: their slots stay empty."""
        admitted = self.parts.memory.frequency.admits(request.user, outcome.winners, request.time_us)
        return outcome if admitted.all() else replace(outcome, winners=outcome.winners.take(admitted))

    def _served(self, won: "_Won", loaded: Loaded, request: AdRequest) -> Served:
        snapshot, reservation = self.parts.snapshot, won.reservation
        row, slot, creative = won.row, won.slot, won.creative
        ad = snapshot.ads[row]
        if ad is None:
            raise IndexError(f"row {row} won but is not in the catalog")
        ctr = won.ctr * loaded.slot_factor(slot)
        price = reservation.price_micros
        events = ctr if snapshot.billing_click[row] else 1.0
        deal = deal_of(row, request.slots[slot], snapshot)
        name = "" if deal is None else deal.id
        return Served(
            token=self.parts.till.seal(row, slot, creative, reservation, deal=name, test=request.test),
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
            cvr=won.cvr,
            deal=name,
            expires_us=reservation.expires_us,
            position=won.position,
        )

    def _log(self, opportunity: Opportunity, outcome: Outcome, served: tuple[Served, ...], by: _By, asked: str) -> str:
        """Hand the record to the log; a short word where the log cannot take it: then nothing may be served."""
        request = opportunity.request
        if not self.parts.journal.healthy:
            return "log-unhealthy"
        winners = outcome.winners
        chance = dict(zip(winners.slot.tolist(), winners.propensity.tolist(), strict=True))
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
        self.parts.wrote(record)
        self.parts.memory.answered(record)
        self.parts.outlook.watch.answered(record.scenario, len(record.winners), record.time_us)
        return ""
