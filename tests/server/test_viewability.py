"""The script /adcascade.js in a real browser: exactly what was seen long enough is reported, and once."""

import os
import shutil
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from tests.server.process import Process

from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.events.read import read_records
from adcascade.server.backend import Served
from adcascade.server.links import Links
from adcascade.server.openrtb.markup import banner_html

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=900,900")
CALM = ("--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-sync")
PAGE = """<!doctype html><title>page</title>
<meta http-equiv="content-security-policy" content="script-src {origin}; img-src {origin}; style-src 'unsafe-inline'">
<body style="margin:0;height:5000px">{body}<script src="{origin}/adcascade.js"></script>"""
PLACE = "position:absolute;left:0;top:calc(100vh - {shown}px);width:{width}px;height:{height}px;background:#c33"
SETTLED_S = 0.7  # after which a report that was due is in the log


def needed(program: str) -> str:
    """Path of a program; absent, the test is skipped with a sentence, or fails where CI demands it."""
    found = shutil.which(program)
    if found is None:
        sentence = f"{program} is absent: install the packages chromium and chromium-driver"
        if os.environ.get("ADCASCADE_REQUIRE_SERVICES"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A headless Chromium with a fresh profile."""
    options = ChromeOptions()
    options.binary_location = needed("chromium")
    for flag in (*FLAGS, *CALM, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    driver = Chrome(options, ChromeService(needed("chromedriver")))
    yield driver
    driver.quit()


class Publisher:
    """A page that is filled by a running server, and looked at."""

    def __init__(self, browser: Chrome, process: Process, folder: Path) -> None:
        self.browser, self.process, self.folder = browser, process, folder
        self.origin = f"http://127.0.0.1:{process.port}"

    def won(self) -> dict[str, Any]:
        """An ad of a fresh auction."""
        body = {"auctions": [{"type": "listings", "slots": 1}]}
        winner: dict[str, Any] = self.process.ask("POST", "/v2/auctions", body)[1]["results"][0]["winners"][0]
        return winner

    def open(self, body: str) -> None:
        """Show the page."""
        file = self.folder / "page.html"
        file.write_text(PAGE.format(origin=self.origin, body=body))
        self.browser.get(file.as_uri())

    def element(self, shown: float, size: tuple[int, int] = (200, 100), more: str = "") -> str:
        """An ad of which so many pixels of height stand above the lower edge of the window."""
        style = PLACE.format(shown=shown, width=size[0], height=size[1])
        return f'<div style="{style}" data-adcascade-view="{self.won()["viewableUrl"]}" {more}></div>'

    def scroll(self, to: int) -> None:
        """Move the page."""
        self.browser.execute_script("window.scrollTo(0, arguments[0])", to)

    def counted(self) -> list[str]:
        """The viewable impressions in the server's log, by bid."""
        log = read_records(self.process.folder / "journal.db", kinds=("viewable",))
        return [record.id for _, record in log]


@pytest.fixture
def publisher(browser: Chrome, tmp_path: Path) -> Iterator[Publisher]:
    """A publisher over a server with an empty log."""
    process = Process(tmp_path)
    process.start()
    yield Publisher(browser, process, tmp_path)
    process.kill()


def test_half_of_the_pixels_for_a_second_count_once(publisher: Publisher) -> None:
    """At 50 % nothing is told before a second is over, then one impression, and no second however often it is seen."""
    publisher.open(publisher.element(50))
    time.sleep(0.6)
    assert publisher.counted() == []
    time.sleep(0.4 + SETTLED_S)
    assert len(publisher.counted()) == 1
    for to in (1000, 0, 1000, 0):
        publisher.scroll(to)
        time.sleep(0.1)
    time.sleep(1 + SETTLED_S)
    assert len(publisher.counted()) == 1


def test_less_than_half_or_less_than_a_second_counts_nothing(publisher: Publisher) -> None:
    """40 % for as long as you like; the whole ad for half a second, several times; neither is a viewable impression."""
    publisher.open(publisher.element(40))
    time.sleep(1 + SETTLED_S)
    assert publisher.counted() == []
    publisher.open(publisher.element(100))
    for _ in range(3):  # together more than a second: it must be one
        time.sleep(0.5)
        publisher.scroll(1000)
        time.sleep(0.2)
        publisher.scroll(0)
    publisher.scroll(1000)
    time.sleep(1 + SETTLED_S)
    assert publisher.counted() == []


def test_scrolling_into_view_starts_the_second(publisher: Publisher) -> None:
    """An ad below the fold counts a second after it was scrolled up, not before."""
    publisher.open(publisher.element(-500))
    time.sleep(1.2)
    publisher.scroll(700)
    time.sleep(0.5)
    assert publisher.counted() == []
    time.sleep(0.5 + SETTLED_S)
    assert len(publisher.counted()) == 1


def test_large_ads_need_three_tenths_and_video_two_seconds(publisher: Publisher) -> None:
    """35 % of 242,500 pixels and more count; a video of half its pixels counts after two seconds, not after one."""
    large, video = publisher.element(105, (850, 300)), publisher.element(50, more='data-adcascade-seconds="2"')
    publisher.open(large + video)
    time.sleep(1 + SETTLED_S)
    assert len(publisher.counted()) == 1
    time.sleep(1)
    assert len(publisher.counted()) == 2


def test_a_banner_in_a_sandboxed_frame_measures_itself(publisher: Publisher) -> None:
    """The very markup that exchanges get, in a frame of another origin: outside the window nothing, inside one."""
    markup = banner_html(served(publisher.won()["resolvedBidId"]), Links(publisher.origin), (300, 250), secure=False)
    frame = '<iframe sandbox="allow-scripts" width=300 height=250 style="position:absolute;top:150vh" srcdoc="{}">'
    publisher.open(frame.format(escape(markup)) + "</iframe>")
    time.sleep(1 + SETTLED_S)
    assert publisher.counted() == []
    publisher.scroll(800)
    time.sleep(1.1 + SETTLED_S)
    assert len(publisher.counted()) == 1


def served(token: str) -> Served:
    """A winner with a picture of its own."""
    return Served(
        token=token, bid_id="b", slot=0, row=0, ad=Ad(id="ad", campaign="c", title="Shoe", url="https://a.example"),
        creative_index=0, creative=Creative(id="c", format="banner", width=300, height=250),
        campaign=Campaign(id="c", advertiser="v"), advertiser=Advertiser(id="v"), price_micros=1,
        ecpm_micros=1, ctr=0.1,
    )  # fmt: skip
