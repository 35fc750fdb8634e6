"""A campaign manager's morning: find, tick, search on, pause, look at what became of it; by keyboard and mouse."""

import pytest
from selenium.webdriver import Keys
from tests.console.chromium import Person
from tests.console.installation import key_of
from tests.server.process import Process

BOX = "document.querySelector('[name=\"tick.k\"]')"


@pytest.mark.parametrize("width", [1280, 390])
def test_a_manager_pauses_what_was_ticked(person: Person, server: Process, width: int) -> None:
    """A tick is counted, belongs to its row whatever is searched for, and pauses that campaign alone."""
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
    person.tab_to("Pause" if width > 1000 else "Resume")
    person.press(Keys.ENTER)
    person.wait("return document.querySelector('.says') && document.readyState == 'complete'")
    said = "Paused 1 campaign." if width > 1000 else "Resumed 1 campaign."
    assert person.ask("return document.querySelector('.says').textContent") == said
    person.go("/campaigns/k")
    state = "paused" if width > 1000 else "active"
    assert person.ask("return document.querySelector('.facts-line .status').textContent") == state
    assert "Status" in person.ask("return document.querySelector('.history tbody').textContent")
    assert person.complaints() == []
