"""An administrator asks the traffic: which of two auction rules; from the empty form to the stop."""

from tests.console.chromium import Person
from tests.console.installation import key_of
from tests.console.test_in_browser import AXE, checked
from tests.server.process import Process

REQUESTS = "return [...document.querySelectorAll('#experiments-live b')].map((e) => e.nextSibling.textContent)"
FORM = "document.querySelector('main form').requestSubmit()"
READY = "return document.readyState == 'complete' && location.pathname == arguments[0]"


def test_a_split_of_two_auction_rules_is_made_watched_and_stopped(person: Person, server: Process) -> None:
    """What cannot be used is said beside its field as one types; nothing runs before the second look; then both arms
    get traffic within seconds, the verdict is that it is too early for one, and the stop ends it."""
    person.sign_in(key_of(server.folder, "administrator"))
    person.complaints()
    person.go("/experiments")
    person.ask("document.querySelector('.acts a').click()")
    person.wait(READY, "/experiment-new")
    written(person, "name", "rules")
    written(person, "arm2_name", "first-price")
    written(person, "arm2_settings", "auction.rule=none")
    person.wait("return document.querySelector('#arm2_settings-trouble').textContent.includes('first_price')")
    person.ask("document.querySelector('#arm2_settings').value = ''")
    written(person, "arm2_settings", "auction.rule=first_price")
    person.wait("return document.querySelector('#arm2_settings-trouble').textContent == ''")
    person.ask(FORM)
    person.wait(READY, "/experiments/rules/start")
    assert "first_price instead of gsp" in person.ask("return document.querySelector('main table').textContent")
    person.ask(FORM)
    person.wait(READY, "/experiments/rules")
    person.wait(f"const told = ({REQUESTS.removeprefix('return ')}); return told.length == 2 && "
                "told.every((one) => parseInt(one.trim()) > 2)")  # fmt: skip
    person.go("/experiments/rules")
    assert not AXE.is_file() or checked(person) == []
    assert "Not enough yet" in person.ask("return document.querySelector('main').textContent")
    person.go("/experiments")
    person.wait("return document.querySelector('.experiments-verdict') != null")
    person.go("/experiments/rules/stop")
    person.ask(FORM)
    person.wait(READY, "/experiments/rules")
    assert person.ask("return document.querySelector('#experiments-live .state').textContent") == "stopped"
    assert person.ask("return document.querySelector('#experiments-live').hasAttribute('hx-get')") is False
    assert person.complaints() == []


def written(person: Person, field: str, text: str) -> None:
    """With the keyboard, into a field."""
    person.ask("document.querySelector(`#${arguments[0]}`).focus()", field)
    person.press(*text)
