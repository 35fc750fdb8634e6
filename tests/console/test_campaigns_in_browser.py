"""A campaign manager's morning: find, tick, search on, pause, look at what became of it; by keyboard and mouse."""

from selenium.webdriver import Keys
from tests.console.chromium import Person
from tests.console.installation import key_of
from tests.server.process import Process

BOX = "document.querySelector('[name=\"tick.k\"]')"


def test_a_manager_pauses_what_was_ticked(person: Person, server: Process) -> None:
    """A tick is counted, belongs to its row whatever is searched for, and switches that campaign alone: off at a desk,
    and on again on a phone."""
    switched(person, server, 1280, "Pause", "paused")
    switched(person, server, 390, "Resume", "active")


def switched(person: Person, server: Process, width: int, button: str, state: str) -> None:
    """Find the campaign k, tick it, press the button, and look at it."""
    person.window(width, 900)
    person.go("/sign-in")
    person.driver.delete_all_cookies()
    person.sign_in(key_of(server.folder, "manager"))
    person.go("/campaigns")
    person.complaints()
    person.ask(f"{BOX}.click()")
    person.wait("return document.querySelector('[data-ticked]').textContent == '1 ticked'")
    person.ask("document.querySelector('#campaigns-search').focus()")
    person.press("l")
    person.wait(f"return {BOX} == null")
    assert person.ask("return document.querySelectorAll('#campaigns tbody :checked').length") == 0
    person.press(Keys.BACKSPACE, "k")
    person.wait(f"return {BOX} != null && document.querySelectorAll('#campaigns tbody tr').length == 1")
    person.ask("document.querySelector('[data-tick-all]').click()")
    person.wait("return document.querySelector('[data-ticked]').textContent == '1 ticked'")
    person.tab_to(button)
    person.press(Keys.ENTER)
    person.wait("return document.querySelector('.says') && document.readyState == 'complete'")
    assert person.ask("return document.querySelector('.says').textContent") == f"{button}d 1 campaign."
    person.go("/campaigns/k")
    assert person.ask("return document.querySelector('.facts-line .status').textContent") == state
    assert "Status" in person.ask("return document.querySelector('.history tbody').textContent")
    assert person.complaints() == []
