"""The law of a common log: whichever process took an event, every process knows it, and none counts it twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adcascade.cascade.answer import IncomingEvent
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.service import AdService
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.contracts import AdRequest, Slot
from adcascade.settings import load_settings

NOW_US = 1_750_000_000_000_000


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[AdService, AdService]]:
    """Two services over one working directory, as two processes have them."""
    with CatalogStore(load_settings(tmp_path).catalog_url) as store:
        store.put(
            [Advertiser(id="v")],
            [Campaign(id=f"k{i}", advertiser="v", bid_micros=500_000) for i in range(4)],
            [Ad(id=f"a{i}", campaign=f"k{i}", category="toys") for i in range(4)],
        )
    services = [
        open_service(tmp_path, Surroundings(owner=owner, alone=False, leads=owner == "one", clock_us=lambda: NOW_US))
        for owner in ("one", "two")
    ]
    yield services[0], services[1]
    for service in services:
        service.close()


def meet(*services: AdService) -> list[int]:
    """What a second brings: all is on disk, everybody reads and learns; how many records of others each learned."""
    for service in services:
        service.parts.journal.flush()
    learned = []
    for service in services:
        follower = service.parts.follower
        assert follower is not None
        follower.prepare()
        learned.append(follower.take())
    return learned


def request(user: str, number: int) -> AdRequest:
    """A page with one slot."""
    return AdRequest(id=f"{user}{number}", time_us=NOW_US, slots=(Slot(id="1"),), user=user)


def click(service: AdService, token: str) -> str:
    """Report the impression and the click; the click's fate."""
    events = [IncomingEvent(id="", kind=kind, token=token, time_us=NOW_US) for kind in ("impression", "click")]
    return service.accept_now(events)[1].status


def test_a_click_at_one_process_is_learned_by_the_other(pair: tuple[AdService, AdService]) -> None:
    """Answered here, clicked there: both know the user's click, and each counts the impression once."""
    one, two = pair
    token = one.auction(request("ann", 0)).winners[0].token
    meet(one, two)
    assert click(two, token) == "accepted"
    assert meet(one, two) == [2, 0]
    assert len(one.parts.memory.profiles) == len(two.parts.memory.profiles) == 1
    assert meet(one, two) == [0, 0]


def test_what_a_process_wrote_itself_is_not_learned_again(pair: tuple[AdService, AdService]) -> None:
    """Fifty page views, each clicked at the one or the other: every record is met once, the own ones passed over."""
    views = 50
    for number in range(views):
        answering, reporting = pair[number % 2], pair[number // 2 % 2]
        token = answering.auction(request(f"u{number}", number)).winners[0].token
        meet(*pair)
        assert click(reporting, token) == "accepted"
        assert click(pair[1 - number // 2 % 2], token) == "duplicate"
    meet(*pair)
    for service in pair:
        assert len(service.parts.memory.profiles) == views
        follower = service.parts.follower
        assert follower is not None
        assert not follower._own, "own records that were never met again"
        assert follower.after == service.parts.journal.last_seq


def test_what_was_written_before_the_start_is_learned_once(pair: tuple[AdService, AdService], tmp_path: Path) -> None:
    """A process that starts later knows the log's tail, and follows from its end on."""
    one, two = pair
    assert click(one, one.auction(request("ann", 0)).winners[0].token) == "accepted"
    meet(one, two)
    three = open_service(tmp_path, Surroundings(owner="three", alone=False, leads=False, clock_us=lambda: NOW_US))
    try:
        assert len(three.parts.memory.profiles) == 1
        assert meet(three) == [0]
    finally:
        three.close()
