"""What tests of money share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adcascade.events.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal."""
    with Journal(tmp_path / "log.db", commit_every_ms=0) as journal:
        yield journal
