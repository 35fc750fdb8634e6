"""A round of looks: this worker's is never lost, the others' are had where the file can be used."""

import asyncio
from pathlib import Path

import pytest
from tests.console.conftest import Clock
from tests.server.shop import OPTIONS, Shop

from adcascade.console.history import EVERY_US, History
from adcascade.console.looks import Looks
from adcascade.console.machine import Machine
from adcascade.console.sampling import Sampler
from adcascade.errors import StoreError
from adcascade.server.admin.app import Admin
from adcascade.server.front import Inside
from adcascade.server.metrics import Metrics


def sampler(name: str, file: Path, shop: Shop, admin: Admin, clock: Clock) -> tuple[Sampler, History]:
    """A worker that looks."""
    history, metrics = History(), Metrics()
    inside = Inside(backend=shop, metrics=metrics, admin=admin, options=OPTIONS, clock=clock)
    one = Sampler(inside=inside, machine=Machine(history), looks=Looks(file), process=name, began_us=clock.now_us)
    return one, history


def test_workers_tell_each_other(tmp_path: Path, shop: Shop, admin: Admin, clock: Clock) -> None:
    """Requests that one answered are in the other's history with the next round; so is what it counted at its end."""
    (one, _), (other, history) = (sampler(name, tmp_path / "looks.db", shop, admin, clock) for name in "ab")
    for told in (0, 3, 7):
        asyncio.run(one.round())
        asyncio.run(other.round())
        assert history.last(2**60, 10)[-1].requests == told
        for _ in range(3 if told == 0 else 4):
            one.inside.metrics.answered("/v2/auctions", 200, 0.01)
        clock.now_us += EVERY_US
    one.end()
    asyncio.run(other.round())
    assert history.last(2**60, 10)[-1].requests == 11
    other.end()


def test_a_worker_alone_goes_on_where_the_file_cannot_be_used(
    tmp_path: Path, shop: Shop, admin: Admin, clock: Clock
) -> None:
    """The round says so, and its own look is in the history all the same."""
    one, history = sampler("a", tmp_path, shop, admin, clock)
    for number in range(2):
        with pytest.raises(StoreError, match="cannot be used"):
            asyncio.run(one.round())
        assert len(history.last(2**60, 10)) == number + 1
        clock.now_us += EVERY_US
    one.end()
