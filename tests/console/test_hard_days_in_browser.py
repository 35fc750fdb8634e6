"""The console on a line that is slow or breaks, by keyboard alone, and twice as large: as people live with it."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import Keys
from tests.console.chromium import Person
from tests.console.test_in_browser import PATHS, WIDTHS

SLOW: dict[str, bool | int] = {
    "offline": False,
    "latency": 400,
    "downloadThroughput": 50_000,
    "uploadThroughput": 50_000,
}
FAST: dict[str, bool | int] = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
PAINTED = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
SCRIPT_CAME = """
const files = performance.getEntriesByType('resource');
return files.find((e) => e.name.includes('/console.') && e.name.endsWith('.js')).responseEnd;
"""
WATCHED = """
const part = document.querySelector('#keys');
window.told = [];
new MutationObserver(() => {
  if (part.ariaBusy === 'true' && 'late' in part.dataset) window.told.push(getComputedStyle(part, '::after').content);
}).observe(part, { attributes: true });
"""
BANNER = "const e = document.querySelector('main [role=status] [data-offline]'); return !e.hidden && e.textContent"
UNSEEN = """
const kinds = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]';
const stops = [...document.querySelectorAll(kinds)];
return stops.filter((e) => e.checkVisibility() && !e.disabled).filter((e) => {
  e.focus();
  const { outlineStyle, outlineWidth } = getComputedStyle(e);
  return document.activeElement === e && (outlineStyle === 'none' || parseFloat(outlineWidth) < 2);
}).map((e) => e.outerHTML.slice(0, 90));
"""
MOVING = """
const still = (s) => s.animationName === 'none' && parseFloat(s.transitionDuration) === 0;
const moving = [...document.querySelectorAll('*')].filter((e) => !still(getComputedStyle(e)));
return moving.map((e) => e.outerHTML.slice(0, 90));
"""


@pytest.fixture(autouse=True)
def _line(person: Person) -> Iterator[None]:
    """Every story begins signed out in a wide window, and ends on a good line."""
    person.go("/sign-in")
    person.driver.delete_all_cookies()
    person.window(*WIDTHS[0])
    person.driver.execute_cdp_cmd("Network.enable", {})
    yield
    person.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})
    line(person, FAST)


def line(person: Person, conditions: dict[str, bool | int]) -> None:
    """The line to the server from now on."""
    person.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)


def tab_until(person: Person, script: str, *, back: bool = False) -> None:
    """Press Tab, or Shift and Tab, until the element with the focus, `e`, is the one."""
    for _ in range(80):
        person.press(Keys.SHIFT + Keys.TAB if back else Keys.TAB)
        if person.ask(f"const e = document.activeElement; return {script}"):
            return
    raise AssertionError(f"no Tab leads to where {script}")


def test_a_slow_line_that_breaks(person: Person, administrator: str) -> None:
    """Content is there before the script; a button pressed twice acts once; what is late says so; a line that breaks
    is spoken of politely, and forgotten when it is back, though nobody did anything."""
    person.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    line(person, SLOW)
    person.go("/")
    assert person.wait(PAINTED) < person.ask(SCRIPT_CAME)
    person.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})
    person.sign_in(administrator)
    person.go("/access")
    person.ask("document.querySelector('#name').focus()")
    person.press("twice")
    person.ask(
        "const f = document.querySelector('#name').form; f.requestSubmit(); setTimeout(() => f.requestSubmit(), 150)"
    )
    person.wait("return document.querySelector('.secret') != null && document.readyState == 'complete'")
    person.go("/access?search=twice")
    person.wait("return document.readyState == 'complete'")
    assert person.ask("return document.querySelectorAll('#keys tbody th').length") == 1
    person.ask(WATCHED)
    person.ask("document.querySelector('#keys-search').focus()")
    person.press("xyz")
    person.wait("const e = document.querySelector('#keys'); return e.querySelector('.empty') && e.ariaBusy != 'true'")
    assert "Loading" in person.ask("return window.told[0]")
    assert not person.ask("return 'late' in document.querySelector('#keys').dataset")
    line(person, SLOW | {"offline": True})
    assert "does not answer" in person.wait(BANNER)
    line(person, FAST)
    person.wait(f"return !(() => {{ {BANNER} }})()")
    assert person.ask("return document.activeElement.id") == "keys-search"


def test_by_keyboard_alone_without_motion_and_twice_as_large(person: Person, administrator: str) -> None:
    """Skip, search, tick by Space, pause; the answer has the focus; every stop is seen; nothing moves or sticks out."""
    person.sign_in(administrator)
    person.go("/campaigns")
    person.press(Keys.TAB)
    assert person.ask("return document.activeElement.textContent") == "Skip to the content"
    person.press(Keys.ENTER)
    assert person.ask("return document.activeElement.id") == "main"
    tab_until(person, "e.type == 'search'")
    person.press(*"k")
    person.wait("return document.querySelectorAll('#campaigns tbody th').length == 1")
    tab_until(person, "e.name == 'tick.k'")
    person.press(Keys.SPACE)
    assert person.ask("return document.querySelector('[data-ticked]').textContent") == "1 ticked"
    tab_until(person, "e.textContent.trim() == 'Pause'", back=True)
    person.press(Keys.ENTER)
    person.wait("return document.activeElement.matches('[data-flash]')")
    assert "1" in person.ask("return document.activeElement.textContent")
    assert person.ask("return document.querySelector('#campaigns .status').className") == "status paused"
    person.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    )
    for path in PATHS:
        person.go(path)
        person.press(Keys.TAB)
        assert person.ask(UNSEEN) == [], path
        assert person.ask(MOVING) == [], path
    person.window(640, 450, scale=2)  # 1280 pixels at 200 %
    for path in PATHS:
        person.go(path)
        assert person.ask("return document.documentElement.scrollWidth") <= 640, path
