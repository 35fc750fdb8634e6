"""A small unlearned shop, as the tests of shards have it, for whoever asks one service about single requests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.service import AdService
from adcascade.closedloop.made_up import WHEN_US, Sizes
from adcascade.closedloop.unlearned import make_unlearned

SIZES = Sizes(ads=300, campaigns=30, retrieve=100, prerank=30, timeout_ms=20_000.0)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdService]:
    """Of 300 ads, at one time."""
    directory: Path = tmp_path_factory.mktemp("explained") / "shop"
    make_unlearned(directory, SIZES)
    opened = open_service(directory, Surroundings(clock_us=lambda: WHEN_US, wait=True, owner="explained"))
    yield opened
    opened.close()
