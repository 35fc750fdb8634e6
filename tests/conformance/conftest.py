"""The test bidder, running."""

from collections.abc import Iterator

import pytest
from tests.conformance.bidder import Bidder, serve


@pytest.fixture(scope="module")
def running() -> Iterator[Bidder]:
    """A bidder behind a real server, for all tests of a module."""
    bidder = Bidder()
    server, thread = serve(bidder)
    yield bidder
    server.shutdown()
    thread.join(timeout=20)
    server.server_close()


@pytest.fixture
def bidder(running: Bidder) -> Iterator[Bidder]:
    """The same bidder, correct at the start of each test."""
    running.reset()
    yield running
    running.reset()
