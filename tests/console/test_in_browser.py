"""The console in a real browser over a real server: as a person uses it, with keyboard, phone, and in the dark."""

from collections.abc import Callable
from pathlib import Path

import pytest
from selenium.webdriver import Keys
from tests.console.chromium import Person, absent

AXE = Path(__file__).parent.parent.parent / "console" / "node_modules" / "axe-core" / "axe.min.js"
PATHS = (
    "/",
    "/campaigns",
    "/campaigns/k",
    "/campaign-new",
    "/campaign-edit/k",
    "/campaign-ad-new/k",
    "/ad-edit/k0",
    "/campaign-forecast-of/k",
    "/reports?grain=hour&compare=before",
    "/reports?days=0",
    "/reports/views",
    "/access",
    "/access?sort=name&search=ann",
    "/access?sort=colour",
    "/sign-in",
    "/cascade",
    "/cascade/ad?ad=k0",
    "/ledger",
    "/ledger/v",
    "/models",
    "/experiments",
    "/experiment-new",
    "/market",
)
WIDTHS = ((1280, 900), (390, 844))
FOCUS = "return document.activeElement"
CELLS = "return document.querySelectorAll('#chart-traffic tbody tr').length"
INK = (
    "const c = document.querySelector('#chart-traffic').closest('figure').querySelector('canvas'); return c && c.width"
)


@pytest.fixture(autouse=True)
def _quiet(person: Person) -> None:
    """Every test begins signed out, in a wide window by day, with nothing complained of."""
    person.go("/sign-in")
    person.driver.delete_all_cookies()
    person.ask("localStorage.clear()")
    person.window(*WIDTHS[0])
    person.complaints()


def test_the_overview_goes_on_by_itself(person: Person) -> None:
    """Figures and charts change without a reload; the charts are drawn; nobody complained, of a policy least of all."""
    person.go("/")
    person.ask("window.kept = true")
    person.wait("return document.querySelectorAll('.tile').length == 6")
    before = person.ask(CELLS)
    person.wait(f"{CELLS} > arguments[0] + 1", before)
    assert person.ask(INK) > 0
    value = "return document.querySelector('.tile .value').textContent"
    assert float(person.ask(value)) > 0
    assert person.ask("return window.kept") is True
    assert person.complaints() == []


def test_one_signs_in_and_finds_ones_way_by_keyboard_alone(person: Person, administrator: str) -> None:
    """Type the key, Enter; Tab shows the way past the navigation; Tab and Enter go on; focus is always seen."""
    person.go("/access")
    assert person.ask("return location.pathname") == "/sign-in"
    person.press(administrator, Keys.ENTER)
    person.wait("return location.pathname == '/access'")
    person.press(Keys.TAB)
    assert person.ask(f"{FOCUS}.textContent") == "Skip to the content"
    person.press(Keys.ENTER)
    assert person.ask(f"{FOCUS}.id") == "main"
    person.go("/access")
    person.tab_to("Overview")
    assert person.ask("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    person.press(Keys.ENTER)
    person.wait("return location.pathname == '/'")
    assert person.ask("return document.querySelector('.pages [aria-current=page]').textContent") == "Overview"
    person.tab_to("Sign out")
    person.press(Keys.ENTER)
    person.wait("return location.pathname == '/sign-in'")
    assert "signed out" in person.ask("return document.querySelector('main [role=status]').textContent")


def test_a_link_fills_the_key_in_and_signs_nobody_in(person: Person, administrator: str) -> None:
    """What stands behind # is in the field and no longer in the address; the button is still to be pressed."""
    person.go("/health")
    person.go(f"/sign-in#{administrator}")
    assert person.ask("return document.querySelector('#key').value") == administrator
    assert person.ask("return location.hash") == ""
    assert person.ask(f"{FOCUS}.textContent.trim()") == "Sign in"
    person.press(Keys.ENTER)
    person.wait("return location.pathname == '/'")


def test_words_stand_beside_a_field_as_one_types(person: Person, administrator: str) -> None:
    """What is wrong appears, is bound to the field, and goes when it is mended; the focus stays where it was."""
    person.sign_in(administrator)
    person.go("/access")
    person.ask("document.querySelector('#days').focus()")
    person.press("x")
    words = "return document.querySelector('#days-trouble').textContent"
    person.wait(f"{words}.includes('a number')")
    assert person.ask("return document.querySelector('#days').getAttribute('aria-invalid')") == "true"
    person.press(Keys.BACKSPACE, "7")
    person.wait(f"{words} == ''")
    assert person.ask("return document.querySelector('#days').getAttribute('aria-invalid')") is None
    assert person.ask(f"{FOCUS}.id") == "days"
    assert person.complaints() == []


def test_a_table_is_searched_and_sorted_in_place(person: Person, administrator: str) -> None:
    """Typing narrows the rows without a reload; a head sorts them, and the address follows."""
    person.sign_in(administrator)
    person.go("/access")
    person.ask("window.kept = true; document.querySelector('#keys-search').focus()")
    person.press(*"nobody at all")
    person.wait("return document.querySelector('#keys .empty') != null")
    person.press(*[Keys.BACKSPACE] * len("nobody at all"))
    person.wait("return document.querySelector('#keys .empty') == null")
    person.tab_to("Name")
    person.press(Keys.ENTER)
    person.wait("return document.querySelector('#keys th').getAttribute('aria-sort') == 'ascending'")
    assert "sort=name" in person.ask("return location.search")
    assert person.ask("return window.kept") is True
    assert person.complaints() == []


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_sticks_out_of_a_small_window(person: Person, administrator: str, width: int) -> None:
    """No page scrolls sideways, on the smallest phone too."""
    person.sign_in(administrator)
    person.window(width, 700)
    for path in PATHS:
        person.go(path)
        assert person.ask("return document.documentElement.scrollWidth") <= width, path


def test_the_scheme_follows_the_system_until_one_chooses(person: Person) -> None:
    """Dark where the system is; the button chooses, the choice is remembered, and charts are drawn in it."""
    paper = "return getComputedStyle(document.body).backgroundColor"
    person.go("/")
    light = person.ask(paper)
    person.window(*WIDTHS[0], dark=True)
    dark = person.ask(paper)
    assert light != dark
    person.tab_to("Theme: automatic")
    person.press(Keys.ENTER)
    assert person.ask(paper) == light
    person.go("/sign-in")
    assert person.ask(paper) == light
    assert person.complaints() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", WIDTHS, ids=["laptop", "phone"])
def test_the_checker_finds_nothing_serious(
    person: Person, administrator: str, size: tuple[int, int], dark: bool
) -> None:
    """axe-core on every page: no finding that is serious or critical."""
    if not AXE.is_file():
        absent("axe-core is absent: run `npm ci` in console")
    person.sign_in(administrator)
    person.window(*size, dark=dark)
    for path in PATHS:
        person.go(path)
        found = checked(person)
        assert not found, (path, found)


def checked(person: Person) -> list[str]:
    """What axe-core says of the page with all that is folded open, where it is serious."""
    person.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    person.ask(AXE.read_text("utf-8"))
    ask: Callable[..., list[dict[str, object]]] = person.driver.execute_async_script
    found = ask("const done = arguments[0]; axe.run(document).then((told) => done(told.violations))")
    return [f"{one['id']}: {one['nodes']}" for one in found if one["impact"] in {"serious", "critical"}]


def test_a_double_click_tops_up_once(person: Person, administrator: str) -> None:
    """From the list to an account by keyboard; the form is sent twice at once, one booking stands there."""
    person.sign_in(administrator)
    person.go("/ledger")
    person.tab_to("v")
    person.press(Keys.ENTER)
    person.wait("return location.pathname == '/ledger/v' && document.querySelector('#top_up_amount') != null")
    person.ask("document.querySelector('#top_up_amount').focus()")
    person.press(*"12.50")
    person.ask("const f = document.querySelector('#top_up_amount').form; f.requestSubmit(); f.requestSubmit()")
    person.wait("return document.querySelector('.says.good') != null")
    told = "return [...document.querySelectorAll('#bookings tbody th')].filter((e) => e.textContent == 'Top-up').length"
    person.go("/ledger/v")
    assert person.ask(told) == 1
    assert person.complaints() == []


def test_a_server_that_goes_away_is_spoken_of(person: Person) -> None:
    """Where nothing answers the page says so, and takes it back when something does."""
    person.go("/")
    banner = "return !document.querySelector('[data-offline]').hidden"
    person.driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    person.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    person.wait(banner)
    person.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline | {"offline": False})
    person.wait(f"return !({banner.removeprefix('return ')})")
