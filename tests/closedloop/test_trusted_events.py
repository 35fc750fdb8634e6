"""AdService with frequency caps and the filter of invalid traffic: what is promised, and what nobody pays for."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from adcascade.cascade.answer import Answer, IncomingEvent, IncomingLine, Served
from adcascade.cascade.opening import Surroundings
from adcascade.cascade.service import AdService
from adcascade.catalog.nouns import FrequencyCap
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.installation import SimulatedClock, clock_at, simulated_service
from adcascade.closedloop.world import load_world
from adcascade.contracts import AdRequest
from adcascade.events.records import AuctionRecord, Filtered, Impression, Order
from adcascade.events.traffic.source import Source
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings

SECOND = 1_000_000
HUMAN = Source("browser", "198.51.100.7", "Mozilla/5.0 (X11; Linux x86_64) Chrome/141.0.0.0 Safari/537.36")
ROBOT = replace(HUMAN, agent="Examplebot/1.0")


class Shop:
    """A copy of the lab whose campaigns have money, and time that goes on when told."""

    def __init__(self, directory: Path, caps: tuple[FrequencyCap, ...] = ()) -> None:
        self.directory = directory
        world = load_world(directory)
        self.clock: SimulatedClock = clock_at(world.tick)
        market = world.market()
        self.requests: list[AdRequest] = market.requests(market.views(world.tick))
        with CatalogStore(load_settings(directory).catalog_url) as store:
            store.put(
                campaigns=[msgspec.structs.replace(c, daily_budget_micros=10**10, caps=caps) for c in store.campaigns()]
            )

    def service(self, owner: str = "server") -> AdService:
        """The installation's service on this time."""
        return simulated_service(self.directory, self.clock, Surroundings(owner=owner))

    def ask(self, service: AdService, number: int, user: str | None, seconds: float = 1.0) -> Answer:
        """One page of this user, so many seconds after the last."""
        self.clock.now_us += round(seconds * SECOND)
        request = self.requests[number % len(self.requests)]
        asked = msgspec.structs.replace(
            request, id=f"{user}{number}", user=user, time_us=self.clock(), products=(), timeout_us=10_000_000
        )  # a busy machine shall not matter
        return service.auction(asked)


def report(service: AdService, shop: Shop, served: Served, kind: str, source: Source | None) -> str:
    """One event of a winner, now; its receipt's status."""
    told = IncomingEvent(id="", kind=kind, token=served.token, time_us=shop.clock(), source=source)  # type: ignore[arg-type]
    (receipt,) = service.accept_now([told])
    return receipt.status


@pytest.fixture
def opened(shop: Path) -> Iterator[tuple[Shop, AdService]]:
    """A shop without caps, and its service."""
    place = Shop(shop)
    service = place.service()
    yield place, service
    service.close()


def test_caps_hold_over_pages_and_restarts(shop: Path) -> None:
    """Whatever a user asks for, two views of a campaign an hour; the log, read afterwards, shows no third."""
    place = Shop(shop, (FrequencyCap(impressions=2, window_s=3600),))
    for life in range(2):
        service = place.service(f"life{life}")
        for number in range(30):
            for served in place.ask(service, 100 * life + number, "new-1").winners:
                report(service, place, served, "impression", None)
        service.close()
    service = place.service("reader")
    service.parts.journal.flush()
    views: Counter[str] = Counter()
    campaign_of: dict[str, str] = {}
    for _, record in service.parts.journal.read():
        if isinstance(record, AuctionRecord) and record.user == "new-1":
            campaign_of |= {w.bid_id: service.parts.snapshot.ads[w.ad].campaign for w in record.winners}  # type: ignore[union-attr]
        elif isinstance(record, Impression) and record.bid_id in campaign_of:
            views[campaign_of[record.bid_id]] += 1
    assert len(views) > 3
    assert max(views.values()) == 2
    place.ask(service, 1, "new-1", seconds=3601)
    assert any(place.ask(service, 2 + number, "new-1").winners for number in range(5))  # the window has passed
    service.close()


def test_without_a_user_key_nothing_with_a_cap_is_shown(shop: Path) -> None:
    """Every campaign promises a cap: somebody without a key sees none of them, and a user does."""
    place = Shop(shop, (FrequencyCap(impressions=2, window_s=3600),))
    service = place.service()
    remembered = len(service.parts.memory.frequency)  # of the log
    assert all(not place.ask(service, number, None).winners for number in range(20))
    assert len(service.parts.memory.frequency) == remembered
    assert any(place.ask(service, 21 + number, "new-2").winners for number in range(5))
    assert len(service.parts.memory.frequency) == remembered + 1
    service.close()


def test_nobody_pays_for_a_robot_and_a_robot_is_told_nothing(opened: tuple[Shop, AdService]) -> None:
    """The same receipts as a person's; a `filtered` record instead of the event, no charge, no profile, no click."""
    shop, service = opened
    answer = next(a for n in range(30) if (a := shop.ask(service, n, "new-3")).winners)
    shop.clock.now_us += 5 * SECOND
    ledger = Ledger(service.parts.journal)
    before = len(ledger.charges())
    for served in answer.winners:
        for kind in ("impression", "click"):
            assert report(service, shop, served, kind, ROBOT) == "accepted"
            assert report(service, shop, served, kind, ROBOT) == "duplicate"
    assert len(ledger.charges()) == before
    assert service.parts.memory.profiles.history("new-3") == ([], [])
    filtered = [record for _, record in service.parts.journal.read(kinds=("filtered",))]
    assert len(filtered) == 2 * len(answer.winners)
    first = filtered[0]
    assert isinstance(first, Filtered)
    assert (first.reason, first.network, first.kind) == ("robot_agent", "198.51.100.0/24", "impression")
    assert sum(r.unbilled_micros for r in filtered if isinstance(r, Filtered)) == sum(
        served.price_micros for served in answer.winners
    )
    assert "198.51.100.7" not in repr(filtered)
    for served in answer.winners:  # the person behind it counts as ever
        assert report(service, shop, served, served.campaign.billing, HUMAN) == "accepted"
    assert len(ledger.charges()) == before + len(answer.winners)
    assert ledger.overspend_micros() == 0


def test_a_click_at_once_is_not_a_persons(opened: tuple[Shop, AdService]) -> None:
    """Faster than a hand: filtered; the same bid later, by a person: charged."""
    shop, service = opened
    answer = next(a for n in range(30) if (a := shop.ask(service, n, "new-4")).winners)
    shop.clock.now_us += SECOND // 10
    report(service, shop, answer.winners[0], "click", HUMAN)
    (found,) = [record for _, record in service.parts.journal.read(kinds=("filtered",))]
    assert isinstance(found, Filtered)
    assert found.reason == "early_click"
    assert service.status()["invalid traffic"] == {"judged": 1, "from own networks": 0, "early_click": 1}


def test_an_order_is_logged_with_the_bids_that_are_genuine(opened: tuple[Shop, AdService]) -> None:
    """A line's token becomes its bid id; a forged one credits nobody and spoils nothing."""
    shop, service = opened
    answer = next(a for n in range(30) if (a := shop.ask(service, n, "new-5")).winners)
    token = answer.winners[0].token
    lines = (IncomingLine(product="p", token=token), IncomingLine(product="q", token=token[:-2] + "xx"))
    told = IncomingEvent(id="o", kind="order", token="", time_us=shop.clock(), user="new-5", lines=lines)
    assert [receipt.status for receipt in service.accept_now([told, told])] == ["accepted", "duplicate"]
    (order,) = [record for _, record in service.parts.journal.read(kinds=("order",)) if isinstance(record, Order)]
    assert [line.bid_id for line in order.lines] == [answer.winners[0].bid_id, ""]
