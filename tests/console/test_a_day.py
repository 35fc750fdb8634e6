"""A campaign manager's day in a market full of shoppers: make a campaign, ask what it would bring, see it serve and
spend, ask why it lost, and pause it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from selenium.webdriver import Keys
from tests.closedloop.conftest import Lab, lab, shop
from tests.console.chromium import PATIENCE_S, Person, chromium
from tests.console.installation import key_of
from tests.console.test_in_browser import AXE, checked
from tests.server.process import SERVE, Process

from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.live import Shoppers
from adcascade.closedloop.world import load_world
from adcascade.settings import load_settings

__all__ = ["Lab", "lab", "shop"]  # fixtures of a market that was lived through and trained

ID = "hand-made"
TYPED = {
    "name": "Made by hand", "id": ID, "advertiser": "v0", "bid": "3.50", "daily": "400",
    "ad_title": "Trail shoes by hand", "ad_url": "https://hand.example/shoes", "ad_category": "sports/shoes",
    "ad_price": "60", "look0_title": "Trail shoes by hand",
}  # fmt: skip
FILL = """
for (const [name, text] of Object.entries(arguments[0])) {
  const field = document.querySelector(`form.wide [name="${name}"]`);
  if (!field) throw new Error(`the form has no field ${name}`);
  field.value = text;
  field.dispatchEvent(new Event("change", {bubbles: true}));
}
"""
SPENT = """
const tile = [...document.querySelectorAll('.tile')].find((one) => one.textContent.includes('Spent ever'));
return parseFloat(tile.querySelector('.value').textContent) > 0;
"""
SAVE = (
    "[...document.querySelectorAll('form.wide button')].find((one) => one.textContent == 'Save the campaign').click()"
)
WHY = "document.querySelector('a[href^=\"/cascade/ad?ad=\"]')"
SENTENCE = "return document.querySelector('.says strong').textContent"
TAKEN_IN_S = 3.0  # a change of the catalog serves within a second or two


class Desk(NamedTuple):
    """A manager at a browser, before a server that shoppers visit."""

    person: Person
    server: Process


@pytest.fixture
def desk(shop: Path, tmp_path: Path) -> Iterator[Desk]:
    """The lab's market goes on where it stopped."""
    server = Process(shop, SERVE)
    server.start()
    with CatalogStore(load_settings(shop).catalog_url) as catalog, chromium(tmp_path / "profile") as driver:
        shoppers = Shoppers(load_world(shop), "127.0.0.1", server.port, catalog.find_ad, per_second=30.0)
        thread = shoppers.start()
        person = Person(driver, f"http://127.0.0.1:{server.port}")
        person.window(1280, 900)
        person.sign_in(key_of(shop, "manager"))
        try:
            yield Desk(person, server)
        finally:
            shoppers.stop.set()
            thread.join()
            server.kill()


def test_a_campaign_is_made_serves_spends_loses_and_is_paused(desk: Desk) -> None:
    """What the pages tell of it agrees: it is charged while it serves, and once paused it is offered no more."""
    person = desk.person
    made(person)
    foretold(person)
    person.ask(SAVE)
    person.wait(f"return location.pathname == '/campaigns/{ID}' && document.readyState == 'complete'")
    again(person, SPENT)
    why = str(person.ask(f"return {WHY}.getAttribute('href')"))
    person.go(why)
    assert "shown in" in person.ask(SENTENCE)
    assert person.ask("return document.querySelectorAll('table.reasons').length") == 2
    person.go(f"/campaigns/{ID}")
    person.tab_to("Pause")
    person.press(Keys.ENTER)
    person.wait("return document.querySelector('.says.good') != null")
    time.sleep(TAKEN_IN_S)
    seen = [ID in winning(desk.server) for _ in range(20)]
    assert not any(seen)
    person.go(why.replace("period=day", "period=hour"))
    assert "paused" in person.ask("return document.querySelector('main').textContent")
    assert [one for one in person.complaints() if "status of 422" not in one] == []
    walked(person)


def walked(person: Person) -> None:
    """Pages full of figures and charts have no serious finding of the checker either."""
    person.go("/models")
    bundle = person.ask("return document.querySelector('#bundles th a').getAttribute('href')")
    for path in (f"/campaigns/{ID}", f"/campaign-forecast-of/{ID}", "/reports?by=scenario", "/cascade", bundle):
        person.go(path)
        assert not AXE.is_file() or checked(person) == [], path


def made(person: Person) -> None:
    """From the list to a form that is filled in."""
    person.go("/campaigns")
    person.tab_to("New campaign")
    person.press(Keys.ENTER)
    person.wait("return document.querySelector('#name') != null && document.readyState == 'complete'")
    person.ask(FILL, TYPED)


def foretold(person: Person) -> None:
    """The log says what it would bring, before it is saved."""
    person.ask("document.querySelector('#campaign-forecast button').click()")
    words = person.wait("return document.querySelector('#campaign-forecast dl')?.textContent")
    assert "impressions" in words.lower()


def again(person: Person, script: str) -> None:
    """Load the page anew until a script returns what is true."""
    end = time.monotonic() + 2 * PATIENCE_S
    while not person.ask(script):
        assert time.monotonic() < end, person.ask("return document.querySelector('main').textContent")
        time.sleep(0.5)
        person.driver.refresh()


def winning(server: Process) -> set[str]:
    """Campaigns that win a page of many slots of the ad's category."""
    body = {"auctions": [{"type": "listings", "slots": 8, "category": {"id": "sports/shoes"}}]}
    status, told = server.ask("POST", "/v2/auctions", body)
    assert status == 200, told
    return {winner["campaignId"] for winner in told["results"][0]["winners"]}
