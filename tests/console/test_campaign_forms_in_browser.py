"""A campaign manager makes a campaign with an ad, which wins an auction within seconds, and edits it; by keyboard."""

import time

from selenium.webdriver import Keys
from tests.console.chromium import PATIENCE_S, Person
from tests.console.installation import key_of
from tests.console.test_in_browser import AXE, checked
from tests.server.process import Process

FOCUSED = "return document.activeElement.id || document.activeElement.textContent.trim()"
TROUBLE = "return document.querySelector('#{}-trouble').textContent"
FRAME = "return document.querySelector('[data-preview]').parentElement.querySelector('iframe')"
UNLABELLED = (
    "return [...document.querySelectorAll('form.wide :is(input, select, textarea):not([type=hidden])')]"
    ".filter((e) => !e.labels.length).map((e) => e.name)"
)


def test_a_campaign_is_made_serves_and_is_edited_by_keyboard(person: Person, server: Process) -> None:
    """Every field has a label and is reached by Tab; words stand beside it as one types; what is wrong is told at the
    top with the focus on it; saved, the new ad wins within seconds; an edited budget is in the history."""
    person.window(390, 844)
    person.go("/sign-in")
    person.driver.delete_all_cookies()
    person.sign_in(key_of(server.folder, "manager"))
    person.go("/campaigns")
    person.complaints()
    person.tab_to("New campaign")
    person.press(Keys.ENTER)
    person.wait("return document.querySelector('#name') != null")
    assert person.ask(UNLABELLED) == []
    filled(person)
    wins(server, "Fresh")
    person.tab_to("Edit")
    person.press(Keys.ENTER)
    person.wait("return document.querySelector('#daily') != null && document.readyState == 'complete'")
    to(person, "daily")
    person.press(*"250", Keys.ENTER)
    person.wait("return document.querySelector('.says.good') != null")
    history = person.ask("return document.querySelector('.history tbody').textContent")
    assert "Daily budget" in history
    assert "250.00 USD" in history
    quiet(person)


def quiet(person: Person) -> None:
    """The browser complains of nothing but of the form that was refused, with its status."""
    assert [one for one in person.complaints() if "status of 422" not in one] == []


def to(person: Person, field: str) -> None:
    """Tab until a field has the focus; what it holds is chosen then, so that typing replaces it."""
    for _ in range(80):
        person.press(Keys.TAB)
        if person.ask(FOCUSED) == field:
            return
    raise AssertionError(f"no Tab leads to {field}")


def filled(person: Person) -> None:
    """Fill the form in, first with a budget that is below the bid and without a name."""
    to(person, "advertiser")
    person.press(*"v")
    to(person, "bid")
    person.press(*"90")
    to(person, "daily")
    person.press(*"20")
    person.wait(f"{TROUBLE.format('bid')}.includes('at most the daily budget, 20.00')")
    assert person.ask("return document.querySelector('#bid').getAttribute('aria-invalid')") == "true"
    person.press(Keys.ENTER)
    person.wait("return document.activeElement.matches('[data-wrong]')")
    assert "Name" in person.ask("return document.activeElement.textContent")
    quiet(person)
    if AXE.is_file():
        assert checked(person) == []
        person.complaints()  # of the checker, which may not look into sandboxed frames
    assert person.ask("return document.querySelector('#daily').value") == "20"
    to(person, "Name")
    person.press(Keys.ENTER)
    person.wait("return document.activeElement.id == 'name'")
    person.press(*"Fresh shoes")
    to(person, "daily")
    person.press(*"200")
    person.wait(f"{TROUBLE.format('bid')} == ''")
    to(person, "ad_title")
    person.press(*"fresh")
    to(person, "ad_url")
    person.press(*"https://v.example/fresh")
    to(person, "look0_title")
    person.press(*"Fresh", Keys.TAB)
    previewed(person, "Fresh")
    to(person, "Save the campaign")
    person.press(Keys.ENTER)
    person.wait("return location.pathname.startsWith('/campaigns/c-')")
    assert "serves within seconds" in person.ask("return document.querySelector('.says').textContent")


def previewed(person: Person, words: str) -> None:
    """The frame shows the creative as it is typed."""
    person.driver.switch_to.frame(person.ask(FRAME))
    try:
        person.wait("return document.body.textContent.includes(arguments[0])", words)
    finally:
        person.driver.switch_to.default_content()


def wins(server: Process, title: str) -> None:
    """An auction over HTTP is won by a creative of this title, in time."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        body = {"auctions": [{"type": "listings", "slots": 8}]}
        _, told = server.ask("POST", "/v2/auctions", body)
        if title in {winner["title"] for winner in told["results"][0]["winners"]}:
            return
        time.sleep(0.2)
    raise AssertionError(f"{title} never won: {told}")
