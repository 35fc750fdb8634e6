"""A logged request is a request again: what the log keeps is as it was, and what it lacks keeps no ad out."""

from pathlib import Path

import msgspec
import pytest

from adcascade.cascade.logged_request import assumed, request_of, slots_of
from adcascade.cascade.service import AdService
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, Creative, Targeting
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.made_up import WHEN_US
from adcascade.contracts import AdRequest, Slot
from adcascade.events.records import AuctionRecord, Winner

KEPT = ("scenario", "user", "query", "category", "device", "country", "organic", "chain")


def test_what_the_log_keeps_is_as_it_was(service: AdService) -> None:
    """Field by field, under the id that the log gave it."""
    asked = AdRequest(
        id="k1", time_us=WHEN_US, slots=(Slot(id="1"), Slot(id="2")), scenario="search", user="u7", query="word3",
        category="d1/s2", device="phone", country="DE", organic=("p1", "p2"), chain="1.0,1!x", timeout_us=20_000_000,
    )  # fmt: skip
    service.auction(asked)
    service.parts.journal.flush()
    record = [one for _, one in service.parts.journal.read(kinds=("auction",))][-1]
    assert isinstance(record, AuctionRecord)
    assert record.asked == "k1"
    again = request_of(record, service.parts.snapshot, 0, WHEN_US + 5)
    assert {name: getattr(again, name) for name in KEPT} == {name: getattr(asked, name) for name in KEPT}
    assert (again.id, again.time_us, again.test, len(again.slots)) == (record.id, WHEN_US + 5, True, 2)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """A choosy campaign with a banner, and a video that anybody may show."""
    folder: Path = tmp_path_factory.mktemp("choosy")
    choosy = Targeting(
        regions=("US-NY", "US-CA"), cities=("Berlin",), segments=("runners", "cyclists"), products=("p1",),
        negative_segments=("runners",), scenarios=("home",),
    )  # fmt: skip
    with CatalogStore(f"sqlite:///{folder / 'catalog.db'}") as store:
        store.put(
            [Advertiser(id="v")],
            [Campaign(id="choosy", advertiser="v", bid_micros=1, targeting=choosy, deals=("d1",)),
             Campaign(id="plain", advertiser="v", bid_micros=1)],
            ad_groups=[AdGroup(id="g", campaign="choosy", targeting=Targeting(regions=("US-CA",), segments=("swim",)))],
            ads=[
                Ad(id="a", campaign="choosy", ad_group="g", creatives=(Creative(id="c", format="banner"),)),
                Ad(id="b", campaign="plain", creatives=(Creative(id="d", format="video"),)),
            ],
        )  # fmt: skip
        return Snapshot.from_store(store)


def won(row: int, slot: int, deal: str = "") -> Winner:
    """A winner with the ad's first creative."""
    return Winner(
        bid_id=f"b{slot}", ad=row, slot=slot, creative=0, price_micros=1, billing="click", ctr=0.1, slot_ctr=0.1,
        cvr=0.0, deal=deal,
    )  # fmt: skip


def test_what_the_log_lacks_is_taken_as_met(snapshot: Snapshot) -> None:
    """By campaign and group at once, and named; what the log keeps is judged as ever."""
    row, other = snapshot.row_of["a"], snapshot.row_of["b"]
    record = AuctionRecord(
        id="r", time_us=1, user=None, scenario="home", seen={}, winners=(won(row, 0, "d1"), won(other, 2))
    )
    request = request_of(record, snapshot, row, 1)
    assert (request.region, request.city, request.segments) == ("US-CA", "Berlin", ("cyclists", "swim"))
    assert snapshot.why_not(row, request, 1) is None
    elsewhere = request_of(msgspec.structs.replace(record, scenario="search"), snapshot, row, 1)
    assert snapshot.why_not(row, elsewhere, 1) == "scenario not targeted by the campaign"
    assert assumed(snapshot, row) == (
        "region", "city", "audience segments", "excluded audience segments", "products of the page",
    )  # fmt: skip
    assert assumed(snapshot, other) == ()


def test_slots_are_those_that_were_filled_with_what_stood_there(snapshot: Snapshot) -> None:
    """An empty one between them is like the first; nothing shown is one slot for a product."""
    row, other = snapshot.row_of["a"], snapshot.row_of["b"]
    slots = slots_of((won(row, 0, "d1"), won(other, 2)), snapshot)
    assert [(slot.format, [deal.id for deal in slot.deals]) for slot in slots] == [
        ("banner", ["d1"]), ("banner", []), ("video", []),
    ]  # fmt: skip
    assert [slot.format for slot in slots_of((), snapshot)] == ["product"]
    assert [slot.format for slot in slots_of((won(99, 0),), snapshot)] == ["product"]


def test_declared_context_comes_back(snapshot: Snapshot) -> None:
    """The keys of the installation alone, with what was told of them."""
    seen: dict[str, str | float | int | list[str] | None] = {"shade": "red", "depth": 3, "user": "u", "none": None}
    record = AuctionRecord(id="r", time_us=1, user="u", scenario="", seen=seen, winners=())
    again = request_of(record, snapshot, 0, 1, ("shade", "depth", "none", "absent"))
    assert again.context == {"shade": "red", "depth": 3}
