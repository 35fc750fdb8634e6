"""The shell over the small shop, spoken to in-process."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.described import check_described
from tests.server.shop import NOW, OPTIONS, Shop

from adcascade.events.journal import Journal
from adcascade.server.app import AdServer, create_app

Call = Callable[..., httpx.Response]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop with a log of its own."""
    with Journal(tmp_path / "journal.db", commit_every_ms=0.1) as journal:
        yield Shop(journal)


@pytest.fixture
def app(shop: Shop) -> AdServer:
    """The application at a fixed time, with counted request ids."""
    numbers = count()
    return create_app(shop, OPTIONS, clock=lambda: NOW, new_id=lambda: f"r{next(numbers)}")


@pytest.fixture
def call(app: AdServer) -> Call:
    """call(method, path, **httpx arguments) -> response; an exception of the application fails the test, and so does
    an answer that the description of the API does not know."""

    async def once(method: str, path: str, **arguments: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://ads.example.com") as client:
            answer = await client.request(method, path, **arguments)
            check_described(answer)
            return answer

    return lambda method, path, **arguments: asyncio.run(once(method, path, **arguments))
