"""A list is searched, filtered and sorted in place; its address says what is shown, and "back" leads to what was."""

from selenium.webdriver import Keys
from selenium.webdriver.support.ui import Select
from tests.console.chromium import Person

SEARCH = "return new URLSearchParams(location.search).get('search')"
SHOWN = "return document.querySelector('#campaigns caption').textContent"
FIELD = "return document.querySelector('#campaigns-search').value"
SORTED = "return document.querySelector('#campaigns th[aria-sort=descending]')?.textContent.trim()"


def test_the_address_follows_the_list(person: Person, administrator: str) -> None:
    """Type, filter, sort: the address asks for the list that is shown, one step back is the list before, whole words
    are one step, and a copied address opens the same."""
    person.sign_in(administrator)
    person.go("/campaigns")
    whole = person.ask(SHOWN)
    person.ask("window.kept = true; document.querySelector('#campaigns-search').focus()")
    for letters in ("zz", "zz"):
        person.press(*letters)
        person.wait(f"{SEARCH} == document.querySelector('#campaigns-search').value")
    assert "“zzzz”" in person.ask(SHOWN)
    assert person.ask("return window.kept") is True
    person.driver.back()
    person.wait(f"{SHOWN} == arguments[0] && {FIELD.removeprefix('return ')} == ''", whole)
    person.driver.forward()
    person.wait(f"{SEARCH} == 'zzzz' && {FIELD.removeprefix('return ')} == 'zzzz'")
    person.go("/campaigns")
    person.tab_to("Campaign")
    person.press(Keys.ENTER)
    person.wait(f"{SORTED} == 'Campaign'")
    Select(person.driver.find_element("id", "by-status")).select_by_value("active")
    person.wait("return new URLSearchParams(location.search).get('status') == 'active'")
    assert person.ask("return new URLSearchParams(location.search).get('sort')") == "-name"
    assert person.ask(SORTED) == "Campaign"
    address, shown = person.ask("return location.pathname + location.search"), person.ask(SHOWN)
    person.go(address)
    assert (person.ask(SHOWN), person.ask(SORTED)) == (shown, "Campaign")
    assert person.complaints() == []
