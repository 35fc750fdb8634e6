"""A publisher's page with the real Prebid.js: our adapter asks, ads are shown and clicked, and the books are right."""

import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from tests.browser.conftest import BILLING, Installation
from tests.browser.site import Site

from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Click, Impression, Record
from adcascade.money.ledger import Ledger

pytestmark = pytest.mark.needs("chromium and node")

UNITS = {"top": (728, 90), "side": (300, 250), "feed": None}  # banners by size, and a native place
USER = "shopper-4711"
CHARGES = (
    "SELECT bid_id, campaign, sum(micros), event FROM bookings"
    " WHERE kind IN ('charge', 'fee') AND campaign IN (?, ?, ?)"
    " GROUP BY bid_id, campaign, event"
)


def until(true: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait for something that a browser or a server does in its own time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def visit(chromium: Chrome, publisher: Site, **told: str) -> dict[str, Any]:
    """Open the page, wait until its auction is over; what the page knows of it."""
    chromium.get(f"{publisher.origin}/?{urlencode(told)}")
    until(lambda: bool(chromium.execute_script("return window.outcome && outcome.done")))
    outcome: dict[str, Any] = chromium.execute_script("return outcome")
    return outcome


def counted(installation: Installation, name: str) -> dict[str, float]:
    """A counter of the server by its labels, as Prometheus reads it."""
    text = installation.process.ask("GET", "/metrics")[1].decode()
    return {labels: float(value) for labels, value in re.findall(rf"^{name}_total{{(.*)}} (\S+)$", text, re.MULTILINE)}


def records(installation: Installation) -> list[Record]:
    """What a stopped server added to its log, after its books were audited."""
    installation.process.kill(signal.SIGTERM)
    with Journal(installation.folder / "journal.db") as journal:
        assert Ledger(journal).verify() == []
        return [record for _, record in journal.read(installation.lived)]


def click(chromium: Chrome, unit: str) -> None:
    """Click the ad in a unit's frame; its page opens beside this one and is closed again."""
    page = chromium.current_window_handle
    chromium.switch_to.frame(unit)
    if UNITS[unit] is not None:  # Prebid.js gives a banner's markup a frame of its own
        chromium.switch_to.frame(chromium.find_element(By.CSS_SELECTOR, "iframe[srcdoc*='/t/i/']"))
    chromium.find_element(By.CSS_SELECTOR, "a[href*='/t/c/']").click()
    until(lambda: len(chromium.window_handles) == 2)
    opened = next(handle for handle in chromium.window_handles if handle != page)
    chromium.switch_to.window(opened)
    until(lambda: chromium.title in BILLING)
    chromium.close()
    chromium.switch_to.window(page)


def test_prebid_fills_a_page_and_the_ledger_knows(
    chromium: Chrome, publisher: Site, advertiser: Site, installation: Installation
) -> None:
    """One request fills three units; each ad is seen and clicked once in the log, and charged once by its terms.

    The pixel and the billing notice both report the impression, and it counts once.
    """
    outcome = visit(chromium, publisher, endpoint=installation.bid_url, user=USER)
    assert outcome["failed"] == []
    assert set(outcome["filled"]) == set(outcome["won"]) == set(UNITS)
    for unit, size in UNITS.items():
        bid = outcome["filled"][unit]
        assert (bid["bidder"], bid["currency"], bid["domains"]) == ("adcascade", "USD", ["shop.example"])
        assert bid["type"] == ("native" if size is None else "banner")
        assert size is None or tuple(bid["size"]) == size
    until(lambda: sum(counted(installation, "adcascade_events").values()) == 2 * len(UNITS))
    until(lambda: sum(counted(installation, "adcascade_notices").values()) == 2 * len(UNITS))
    until(lambda: chromium.execute_script(PICTURES, list(UNITS)) == dict.fromkeys(UNITS, 1))

    for unit in UNITS:
        click(chromium, unit)
    landed = [heard for heard in advertiser.heard if heard.path.endswith("?from=ad")]
    assert sorted(heard.path for heard in landed) == sorted(f"/{name}?from=ad" for name in BILLING)
    assert {heard.referer for heard in landed} == {None}  # the token in our address stays with us

    told = counted(installation, "adcascade_events")
    assert told['kind="impression",status="accepted"'] == told['kind="impression",status="duplicate"'] == len(UNITS)
    check_the_books(installation)


PICTURES = """
const within = (page) => [...page.images, ...[...page.querySelectorAll('iframe')].flatMap(
    (frame) => within(frame.contentDocument))];
return Object.fromEntries(arguments[0].map((unit) => [unit, within(document.getElementById(unit).contentDocument)
    .filter((image) => image.complete && image.naturalWidth > 1).length]));
"""


def check_the_books(installation: Installation) -> None:
    """One auction with a winner a campaign; an impression and a click of each; one charge of each at its price."""
    logged = records(installation)
    auctions = [record for record in logged if isinstance(record, AuctionRecord)]
    assert len(auctions) == 1
    assert (auctions[0].user, auctions[0].scenario) == (USER, "home")
    winners = {winner.bid_id: winner for winner in auctions[0].winners}
    events = Counter((type(each).__name__, each.bid_id) for each in logged if isinstance(each, Impression | Click))
    assert events == {(kind, bid_id): 1 for kind in ("Impression", "Click") for bid_id in winners}
    with Journal(installation.folder / "journal.db") as journal:
        charges = journal.query(CHARGES, list(BILLING))
    assert sorted(bid_id for bid_id, *_ in charges) == sorted(winners)
    for bid_id, campaign, micros, event in charges:
        assert winners[bid_id].billing == BILLING[campaign]
        assert micros == winners[bid_id].price_micros > 0
        assert event == f"{BILLING[campaign]}:{bid_id}"


def test_without_consent_no_user_key_is_written(chromium: Chrome, publisher: Site, installation: Installation) -> None:
    """The GDPR applies and the consent platform stays silent: ads are shown, and no file holds the user's key."""
    outcome = visit(chromium, publisher, endpoint=installation.bid_url, user=USER, cmp="silent")
    assert set(outcome["filled"]) == set(UNITS)
    auctions = [record for record in records(installation) if isinstance(record, AuctionRecord)]
    assert [auction.user for auction in auctions] == [None]
    for file in installation.folder.iterdir():
        assert USER.encode() not in (file.read_bytes() if file.is_file() else b""), file.name


def test_a_page_of_another_origin_gets_nothing(
    chromium: Chrome, prebid: bytes, publisher: Site, installation: Installation
) -> None:
    """The same page at an origin that the settings do not name: no auction is held for it."""
    page = (publisher.pages["/"], publisher.pages["/prebid.js"])
    with Site({"/": page[0], "/prebid.js": page[1]}) as stranger:
        outcome = visit(chromium, stranger, endpoint=installation.bid_url, user=USER)
    assert outcome["filled"] == {}
    assert outcome["failed"] == ["status 0"]
    assert not records(installation)
