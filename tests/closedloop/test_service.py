"""AdService over a trained installation: swaps, restarts, money, consent, tests, explanations."""

import asyncio
from pathlib import Path

import msgspec
import numpy as np
import pytest

from adcascade.cascade.answer import Answer, IncomingEvent
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.service import AdService
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.installation import SimulatedClock, clock_at, simulated_service
from adcascade.closedloop.world import load_world
from adcascade.contracts import AdRequest
from adcascade.errors import SignatureError
from adcascade.events.records import AuctionRecord
from adcascade.market.market import Market
from adcascade.market.views import PageViews
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings


class World:
    """A copy of the lab with its market, at the tick where it stopped."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.world = load_world(directory)
        self.market: Market = self.world.market()
        self.clock: SimulatedClock = clock_at(self.world.tick)
        self.views: PageViews = self.market.views(self.world.tick)
        self.requests: list[AdRequest] = self.market.requests(self.views)
        with CatalogStore(load_settings(directory).catalog_url) as store:  # money is not what most tests are about
            rich = [msgspec.structs.replace(c, daily_budget_micros=10**10) for c in store.campaigns()]
            store.put(campaigns=rich)

    def service(self, around: Surroundings | None = None) -> AdService:
        """The installation's service on simulated time."""
        return simulated_service(self.directory, self.clock, around)


@pytest.fixture
def world(shop: Path) -> World:
    """Fresh for each test."""
    return World(shop)


def click(answer: Answer, time_us: int) -> list[IncomingEvent]:
    """Every winner is seen and clicked."""
    return [
        IncomingEvent(id="", kind=kind, token=served.token, time_us=time_us)
        for served in answer.winners
        for kind in ("impression", "click")
    ]


def test_answers_are_sealed_priced_and_logged(world: World) -> None:
    """A winner pays at most its bid, its token opens to the same price, and the log holds the record."""
    service = world.service()
    answer, outcome = service.decide(world.requests[0])
    assert answer.winners
    for served in answer.winners:
        bid = served.ad.bid_micros if served.ad.bid_micros is not None else served.campaign.bid_micros
        assert 0 <= served.price_micros <= bid
        token = service.parts.till.signer.open(served.token, world.clock())
        assert (token.price_micros, token.ad, token.bid_id) == (served.price_micros, served.row, served.bid_id)
    service.parts.journal.flush()
    record = [r for _, r in service.parts.journal.read(kinds=("auction",))][-1]
    assert isinstance(record, AuctionRecord)
    assert [w.bid_id for w in record.winners] == [s.bid_id for s in answer.winners]
    assert record.ranked is not None
    assert len(record.ranked.ad) // 4 == min(len(outcome.ranked), service.parts.log_ranked)
    assert record.bundle == service.bundle_version
    service.close()


def test_the_same_request_is_answered_alike_by_a_restarted_service(world: World) -> None:
    """Chance is the request's own, memory comes from the log: a restart changes no answer."""
    asked = [msgspec.structs.replace(r, id=f"x{i}") for i, r in enumerate(world.requests[:12])]
    answers = []
    for _ in range(2):
        service = world.service(Surroundings(owner="again"))
        answers.append([[s.ad.id for s in service.decide(r)[0].winners] for r in asked])
        service.close()
    assert answers[0] == answers[1]


def test_a_promoted_bundle_is_swapped_in_and_back_without_losing_a_request(world: World) -> None:
    """Requests before, between and after are answered; each record names the bundle that answered."""
    bundles = Bundles(load_settings(world.directory).bundles_path)
    old, new = bundles.versions()
    service = world.service()
    seen = []
    for request, deed in zip(world.requests, [None, "rollback", None, "promote", None], strict=False):
        if deed == "rollback":
            assert bundles.rollback() == old
        elif deed == "promote":
            bundles.promote(new)
        service.upkeep(world.clock())
        assert service.auction(request).winners
        seen.append(service.bundle_version)
    assert seen == [new, old, old, new, new]
    service.close()


def test_a_damaged_bundle_is_refused_and_the_old_one_goes_on(world: World) -> None:
    """A swap verifies; what cannot be verified never serves, and the trouble is named."""
    bundles = Bundles(load_settings(world.directory).bundles_path)
    service = world.service()
    before = service.bundle_version
    other = next(v for v in bundles.versions() if v != before)
    file = bundles.path(other) / "ranking" / "score.onnx"
    file.chmod(0o644)
    file.write_bytes(b"nonsense")
    (bundles.folder / "current").write_text(other)
    service.upkeep(world.clock())
    assert service.bundle_version == before
    assert service.parts.bundles is not None
    assert "score.onnx" in service.parts.bundles.trouble
    assert service.auction(world.requests[0]).winners
    service.close()


def test_a_flood_of_clicks_never_overspends(world: World) -> None:
    """Budgets cut to a dollar, every ad clicked twice: charges stay within every budget, bookings balance."""
    service = world.service()
    store = service.parts.feed.store
    tight = [msgspec.structs.replace(c, daily_budget_micros=1_000_000) for c in service.parts.snapshot.campaigns]
    store.put(campaigns=tight)
    service.upkeep(world.clock())
    for number, request in enumerate(world.requests * 2):
        answer = service.auction(msgspec.structs.replace(request, id=f"flood{number}"))
        events = click(answer, request.time_us)
        service.accept_now([*events, *events])
        world.clock.advance(request.time_us)
    ledger = Ledger(service.parts.journal)
    assert ledger.verify() == []
    today = max(row["day"] for row in ledger.report())
    spent = {row["campaign"]: row["charged"] for row in ledger.report() if row["day"] == today}
    assert spent
    before = {row["campaign"]: row["charged"] for row in ledger.report() if row["day"] == today}
    assert all(micros <= 1_000_000 or before[campaign] == micros for campaign, micros in spent.items())
    assert ledger.overspend_micros() == 0
    service.close()


def test_a_repeated_event_is_a_duplicate_and_charges_once(world: World) -> None:
    """The same click reported again, also under another id, costs nothing more."""
    service = world.service()
    answer = next(a for a in map(service.auction, world.requests) if a.winners)
    served = next(s for s in answer.winners if s.campaign.billing == "click")
    first, again, renamed = (
        service.accept_now([IncomingEvent(id=i, kind="click", token=served.token, time_us=world.clock())])[0]
        for i in ("e1", "e1", "e2")
    )
    assert (first.status, first.charged_micros) == ("accepted", served.price_micros)
    assert (again.status, again.charged_micros) == ("duplicate", 0)
    assert (renamed.status, renamed.charged_micros) == ("accepted", 0)
    service.close()


def test_forged_and_impossible_events_are_rejected_with_a_reason(world: World) -> None:
    """Nothing of them is logged."""
    service = world.service()
    answer = next(a for a in map(service.auction, world.requests) if a.winners)
    token = answer.winners[0].token
    service.parts.journal.flush()
    last = service.parts.journal.last_seq
    forged = IncomingEvent(id="a", kind="click", token=token[:-2] + "xx", time_us=world.clock())
    future = IncomingEvent(id="b", kind="click", token=token, time_us=world.clock() + 10**12)
    receipts = service.accept_now([forged, future])
    assert [r.status for r in receipts] == ["rejected", "rejected"]
    assert "not issued here" in receipts[0].reason or "damaged" in receipts[0].reason
    assert "future" in receipts[1].reason
    assert service.parts.journal.last_seq == last
    with pytest.raises(SignatureError):
        service.resolve("nonsense")
    service.close()


def test_without_consent_nothing_about_the_user_is_read_or_kept(world: World) -> None:
    """A request without a user key has no history, and its clicks make no profile."""
    service = world.service()
    request = msgspec.structs.replace(world.requests[0], user=None)
    users = len(service.parts.memory.profiles)
    opportunity = service.opportunity(request)
    assert opportunity.seen["user"] is None
    assert opportunity.seen["history_ad"] == []
    answer = service.auction(request)
    service.accept_now(click(answer, request.time_us))
    assert len(service.parts.memory.profiles) == users
    service.close()


def test_a_click_becomes_history_of_the_next_request_also_after_a_restart(world: World) -> None:
    """The profile learns from the log, live and when it is replayed."""
    service = world.service()
    request = next(r for r in world.requests if r.user is not None)
    answer = service.auction(request)
    service.accept_now(click(answer, request.time_us))
    last = answer.winners[-1].ad.id
    after = service.opportunity(request).seen["history_ad"]
    assert isinstance(after, list)
    assert after[-1] == last
    service.close()
    again = world.service()
    assert again.opportunity(request).seen["history_ad"] == after
    again.close()


def test_a_test_request_is_answered_and_forgotten(world: World) -> None:
    """It has winners whose events charge nobody; nothing of it is in the log."""
    service = world.service()
    service.parts.journal.flush()
    last, held = service.parts.journal.last_seq, service.parts.till.bank.held
    request = msgspec.structs.replace(world.requests[0], test=True)
    answer = service.auction(request)
    assert answer.winners
    receipts = service.accept_now(click(answer, request.time_us))
    assert {(r.status, r.charged_micros) for r in receipts} == {("accepted", 0)}
    service.parts.journal.flush()
    assert (service.parts.journal.last_seq, service.parts.till.bank.held) == (last, held)
    service.close()


def test_a_paused_campaign_is_gone_after_the_next_upkeep(world: World) -> None:
    """The catalog's changes reach the engine without a restart, and a new ad can win."""
    service = world.service()
    service.loaded.engine.share = 0.0
    request = world.requests[0]
    winner = service.auction(request).winners[0]
    service.parts.feed.store.set_status("paused", campaigns=[winner.campaign.id])
    service.upkeep(world.clock())
    again = msgspec.structs.replace(request, id="again")
    assert winner.campaign.id not in [s.campaign.id for s in service.auction(again).winners]
    clone = msgspec.structs.replace(winner.ad, id="brand-new", campaign="c-new", bid_micros=4_000_000)
    campaign = msgspec.structs.replace(winner.campaign, id="c-new", status="active", daily_budget_micros=None)
    service.parts.feed.store.put(campaigns=[campaign], ads=[clone])
    service.upkeep(world.clock())
    assert fate(service, request, "brand-new") == "won"
    service.close()


def test_late_stages_are_cut_and_the_answer_is_still_good(world: World) -> None:
    """With almost no time, what can be cut is cut, the cuts are logged, and nothing breaks."""
    service = world.service()
    for request in world.requests[:30]:
        service.auction(msgspec.structs.replace(request, timeout_us=10_000_000))
    answer, outcome = service.decide(msgspec.structs.replace(world.requests[31], timeout_us=1))
    assert outcome.cuts
    assert all(served.price_micros >= 0 for served in answer.winners)
    service.close()


def test_explored_answers_have_the_propensity_they_say(world: World) -> None:
    """Each of n ads that were eligible when the request came had the chance 1 / n."""
    service = world.service()
    service.loaded.engine.share = 1.0
    for request in world.requests[:10]:
        _, outcome = service.decide(request)
        bits = service.parts.snapshot.eligible(request, request.time_us)
        eligible = int(np.unpackbits(bits).sum())
        creatives = outcome.steps[-1].entered
        assert np.allclose(creatives.propensity, 1.0 / eligible)
    service.close()


def fate(service: AdService, request: AdRequest, ad: str) -> str:
    """What becomes of the ad."""
    told = asyncio.run(service.explain(request, ad=ad))
    assert told.ad is not None
    return told.ad.fate


def test_an_explanation_says_where_an_ad_was_lost(world: World) -> None:
    """Every ad has a fate; winners won, paused ads may not answer, others lost somewhere."""
    service = world.service()
    request = world.requests[3]
    told = asyncio.run(service.explain(request))
    assert fate(service, request, told.winners[0].ad) == "won"
    fates = {
        fate(service, request, f"a{n}").split(":")[0]
        for n in range(0, 200, 10)
        if f"a{n}" in service.parts.snapshot.row_of
    }
    assert any(one.startswith(("was not among", "lost the auction", "may not answer")) for one in fates)
    assert told.excluded.ads + told.stages[0].ads_out <= service.parts.snapshot.n
    service.close()


def test_a_directory_without_a_bundle_explores(tmp_path: Path, world: World) -> None:
    """The cold start: answers by chance with propensities, so that there is something to learn from."""
    for file in ("current", "history"):
        (load_settings(world.directory).bundles_path / file).unlink(missing_ok=True)
    service = open_service(world.directory, Surroundings(clock_us=world.clock, wait=True, owner="cold"))
    assert service.bundle_version == "none"
    answer, outcome = service.decide(world.requests[0])
    assert answer.winners
    assert outcome.policy == "exploration"
    assert not np.isnan(outcome.winners.propensity).any()
    service.close()


def test_driving_tells_the_truth_about_charges(world: World) -> None:
    """What the drive says was charged is what the ledger booked."""
    service = world.service()
    ledger = Ledger(service.parts.journal)
    before = sum(row["charged"] for row in ledger.report())
    drive = Drive(world.market, service, service.parts.feed.store, watch=world.clock.watch)
    shown = drive.run([world.world.tick, world.world.tick + 1])
    after = sum(row["charged"] for row in ledger.report())
    assert after - before == int(shown.charged.sum())
    service.close()
