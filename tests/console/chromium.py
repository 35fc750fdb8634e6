"""A headless Chromium for the console: it keeps what pages complain of, and presses keys as a person does."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService, Keys
from selenium.webdriver.support.wait import WebDriverWait

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--force-color-profile=srgb", "--hide-scrollbars",
)  # fmt: skip
PATIENCE_S = 20.0


def needed(program: str) -> str:
    """Path of a program; absent, the test is skipped with a sentence, or fails where CI demands it."""
    found = shutil.which(program)
    if found is None:
        absent(f"{program} is absent: install the packages chromium, chromium-driver, nodejs and npm")
    return str(found)


def absent(sentence: str) -> None:
    """Skip, or fail where CI demands everything."""
    if os.environ.get("ADCASCADE_REQUIRE_SERVICES"):
        pytest.fail(sentence)
    pytest.skip(sentence)


class Person:
    """Somebody at a browser."""

    def __init__(self, driver: Chrome, origin: str) -> None:
        self.driver, self.origin = driver, origin

    def go(self, path: str) -> None:
        """Open a page."""
        self.driver.get(self.origin + path)

    def window(self, width: int, height: int, *, dark: bool = False, scale: float = 1.0) -> None:
        """A window of this size, in a system of this scheme."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        wanted = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    def ask(self, script: str, *arguments: object) -> Any:
        """What a script of the test's own returns."""
        return self.driver.execute_script(script, *arguments)

    def press(self, *keys: str) -> None:
        """Keys, one after the other, to whatever has the focus."""
        chain = ActionChains(self.driver)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def tab_to(self, words: str) -> None:
        """Press Tab until what has the focus says these words."""
        script = "const e = document.activeElement; return (e.getAttribute('aria-label') || e.textContent || '').trim()"
        for _ in range(60):
            self.press(Keys.TAB)
            if self.ask(script) == words:
                return
        raise AssertionError(f"no Tab leads to {words!r}")

    def wait(self, script: str, *arguments: object) -> Any:
        """Until a script returns what is true."""
        return WebDriverWait(self.driver, PATIENCE_S, 0.1).until(lambda _: self.ask(script, *arguments))

    def sign_in(self, key: str) -> None:
        """By the form, with a mouse."""
        self.go("/sign-in")
        self.ask("document.querySelector('#key').value = arguments[0]", key)
        self.ask("document.querySelector('.door form').requestSubmit()")
        self.wait("return location.pathname != '/sign-in' && document.readyState == 'complete'")

    def complaints(self) -> list[str]:
        """What the browser said on its console since it was asked last: errors and warnings, broken policies too."""
        log: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [str(line["message"]) for line in log if line["level"] in {"SEVERE", "WARNING"}]

    def picture(self, file: Path) -> None:
        """What the window shows."""
        self.driver.save_screenshot(str(file))


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """A browser with a profile of its own."""
    options = ChromeOptions()
    options.binary_location = needed("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = Chrome(options, ChromeService(needed("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()
