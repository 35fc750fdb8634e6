"""The console over the small shop, spoken to in-process; and over a real server, in a real browser."""

import asyncio
import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.console.chromium import Person, chromium
from tests.console.installation import key_of, visited
from tests.console.shelf import stored
from tests.server.process import SERVE, Process
from tests.server.shop import NOW, OPTIONS, Shop
from tests.server.test_money_survives import stocked

from adcascade.access.keys import Role
from adcascade.access.store import KeyStore
from adcascade.cascade.bundle import Bundles
from adcascade.catalog.nouns import Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.console.console import console_fronts
from adcascade.events.journal import Journal
from adcascade.experiments.store import ExperimentStore
from adcascade.money.ledger import Ledger
from adcascade.server.admin.app import Admin
from adcascade.server.admin.guard import Rates
from adcascade.server.app import create_app
from adcascade.server.options import ServerOptions
from adcascade.settings import Settings, load_settings

URL = OPTIONS.public_url
COOKIE = "__Host-adcascade"


class Clock:
    """A time that tests move."""

    now_us = NOW

    def __call__(self) -> int:
        """Now."""
        return self.now_us


class Browser:
    """What a browser does, without one: keeps cookies, sends the origin, fills forms in."""

    def __init__(self, app: Any, url: str = URL) -> None:
        self._app, self._url = app, url
        self.cookies = httpx.Cookies()

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **arguments: Any) -> httpx.Response:
        """One request; redirects are not followed."""

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url=self._url, cookies=self.cookies) as client:
                answer = await client.request(method, path, headers=headers, **arguments)
                self.cookies = client.cookies
                return answer

        return asyncio.run(once())

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        return self.ask("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})

    def token(self, path: str = "/sign-in") -> str:
        """What the forms of a page carry."""
        found = re.search(r'name="csrf-token" content="([^"]+)"', self.get(path).text)
        assert found is not None
        return found[1]

    def send(self, path: str, fields: dict[str, str], token: str | None = None, **headers: str) -> httpx.Response:
        """Send a form, with the token of this session unless another is given."""
        told = {"origin": self._url} | {name.replace("_", "-"): value for name, value in headers.items()}
        token = self.token("/sign-in" if COOKIE not in self.cookies else "/") if token is None else token
        return self.ask("POST", path, told, data=fields | {"csrf": token})

    def sign_in(self, key: str, to: str = "/") -> httpx.Response:
        """With a key."""
        return self.send("/sign-in", {"key": key, "next": to}, self.token())


@pytest.fixture
def clock() -> Clock:
    """Stands still."""
    return Clock()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop with a log of its own."""
    with Journal(tmp_path / "journal.db", commit_every_ms=0.1) as journal:
        yield Shop(journal)


@pytest.fixture
def admin(tmp_path: Path, shop: Shop) -> Iterator[Admin]:
    """Two advertisers with a campaign each, and no key."""
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    opened = Admin(
        catalog=CatalogStore(url),
        keys=KeyStore(url),
        books=Ledger(shop.journal),
        experiments=ExperimentStore(shop.journal),
        rates=Rates(failures_at_once=5),
    )
    opened.catalog.put(
        [Advertiser(id="v", name="Veloce"), Advertiser(id="w", name="Wolle")],
        [Campaign(id=f"{one}-k", advertiser=one, name="spring", bid_micros=500_000) for one in "vw"],
    )
    yield opened
    opened.close()


Open = Callable[..., Browser]
AtShelf = Callable[[str], Browser]  # of a key's text
Key = Callable[..., tuple[str, str]]


@pytest.fixture
def opened(admin: Admin, shop: Shop, clock: Clock, tmp_path: Path) -> Open:
    """opened(guarded=True) -> a new browser before the console."""

    def browser(*, guarded: bool = True, url: str = URL) -> Browser:
        options = ServerOptions(public_url=URL, guard_status=guarded)
        fronts = console_fronts(Settings(directory=tmp_path), b"a secret of tests")
        return Browser(create_app(shop, options, admin=admin, clock=clock, fronts=fronts), url)

    return browser


@pytest.fixture
def key(admin: Admin) -> Callable[..., tuple[str, str]]:
    """key(role, **more) -> id and text of a new key."""
    numbers = count()

    def made(role: Role = "administrator", **more: Any) -> tuple[str, str]:
        created, text = admin.keys.create(f"{role} {next(numbers)}", role, now_us=NOW, by="test", **more)
        return created.id, text

    return made


@pytest.fixture
def bundles(tmp_path: Path) -> Bundles:
    """Three, one from the other; the second serves, the first did."""
    found = Bundles(tmp_path / "shop" / "bundles")
    first = stored(found, 0)
    second = stored(found, 1, (first.version,))
    stored(found, 2, (second.version,))
    found.promote(first.version)
    found.promote(second.version)
    return found


@pytest.fixture
def at_shelf(admin: Admin, shop: Shop, clock: Clock, bundles: Bundles) -> AtShelf:
    """at_shelf(key) -> somebody signed in before a console of that shop."""
    settings: Settings = load_settings(bundles.folder.parent)

    def opened(key: str) -> Browser:
        fronts = console_fronts(settings, b"a secret of tests")
        made = Browser(create_app(shop, OPTIONS, admin=admin, clock=clock, fronts=fronts))
        made.sign_in(key)
        return made

    return opened


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """The real server, with visitors."""
    folder = tmp_path_factory.mktemp("shop")
    stocked(folder)
    process = Process(folder, SERVE)
    process.start()
    with visited(process):
        yield process


@pytest.fixture(scope="module")
def person(server: Process, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody with a fresh browser at this server."""
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield Person(driver, f"http://127.0.0.1:{server.port}")


@pytest.fixture(scope="module")
def administrator(server: Process) -> str:
    """The text of a key that may everything."""
    return key_of(server.folder, "administrator")
