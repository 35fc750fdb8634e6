"""The admin API over a real catalog, spoken to in-process."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.described import check_described
from tests.server.shop import NOW, OPTIONS, Shop

from adcascade.access.keys import Role
from adcascade.access.store import KeyStore
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign
from adcascade.catalog.store import CatalogStore
from adcascade.events.journal import Journal
from adcascade.experiments.store import ExperimentStore
from adcascade.money.ledger import Ledger
from adcascade.server.admin.app import Admin
from adcascade.server.admin.guard import Rates
from adcascade.server.app import create_app

Ask = Callable[..., httpx.Response]


class Clock:
    """A time that tests move."""

    now_us = NOW

    def __call__(self) -> int:
        """Now."""
        return self.now_us


@pytest.fixture
def clock() -> Clock:
    """Stands still."""
    return Clock()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A log of its own."""
    with Journal(tmp_path / "journal.db", commit_every_ms=0.1) as opened:
        yield opened


@pytest.fixture
def admin(tmp_path: Path, journal: Journal) -> Iterator[Admin]:
    """Two advertisers with a campaign, a group and two ads each."""
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    opened = Admin(
        catalog=CatalogStore(url),
        keys=KeyStore(url),
        books=Ledger(journal),
        experiments=ExperimentStore(journal),
        rates=Rates(calls=1000, calls_at_once=5000, failures_at_once=5),
    )
    opened.catalog.put(
        [Advertiser(id="v", name="Veloce"), Advertiser(id="w", name="Wolle")],
        [Campaign(id=f"{one}-k", advertiser=one, name="spring", bid_micros=500_000) for one in "vw"],
        [Ad(id=f"{one}-a{i}", campaign=f"{one}-k", title=f"shoe {i}", stock=5) for one in "vw" for i in range(2)],
        ad_groups=[AdGroup(id=f"{one}-g", campaign=f"{one}-k") for one in "vw"],
    )
    yield opened
    opened.close()


@pytest.fixture
def ask(admin: Admin, journal: Journal, clock: Clock) -> Ask:
    """ask(method, path, role="administrator" | None, key=..., **httpx arguments) -> response, as it is described."""
    app = create_app(Shop(journal), OPTIONS, admin=admin, clock=clock)
    keys: dict[Role, str] = {}

    def key_of(role: Role) -> str:
        if role not in keys:
            keys[role] = admin.keys.create(role, role, now_us=NOW, by="test")[1]
        return keys[role]

    async def once(method: str, path: str, headers: dict[str, str], **arguments: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://ads.example.com") as client:
            answer = await client.request(method, path, headers=headers, **arguments)
            check_described(answer)
            return answer

    def asked(
        method: str, path: str, role: Role | None = "administrator", key: str = "", **arguments: Any
    ) -> httpx.Response:
        headers = arguments.pop("headers", {})
        text = key or (key_of(role) if role else "")
        if text:
            headers = headers | {"authorization": f"Bearer {text}"}
        return asyncio.run(once(method, f"/admin/v1{path}", headers, **arguments))

    return asked
