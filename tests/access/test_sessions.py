"""A session of a browser that was ended is over at every server, and soon forgotten."""

import pytest
from sqlalchemy import select
from tests.catalog.conftest import postgres_server as postgres_server  # noqa: PLC0414  a fixture
from tests.catalog.conftest import url as url  # noqa: PLC0414  a fixture

from adcascade.access.store import KeyStore, Sitting
from adcascade.access.tables import ended
from adcascade.catalog.database import reading
from adcascade.errors import InputError

NOW_US = 1_750_000_000_000_000
DAY_US = 86_400_000_000
SITTING = Sitting("nonce", NOW_US, NOW_US + DAY_US)


def test_an_ended_session_is_over_for_every_server(url: str) -> None:
    """From the next question on, asked of another connection; ending it twice is allowed, and others go on."""
    with KeyStore(url) as one, KeyStore(url) as other:
        key, _ = one.create("ann", "viewer", now_us=NOW_US, by="test")
        assert other.in_force(key.id, NOW_US, SITTING) is not None
        one.end_session(SITTING, NOW_US)
        one.end_session(SITTING, NOW_US)
        assert other.in_force(key.id, NOW_US, SITTING) is None
        assert other.in_force(key.id, NOW_US, SITTING._replace(id="another")) is not None
        other.end_sessions(key.id, NOW_US + 5)
        for began, open_ in ((NOW_US + 5, False), (NOW_US + 6, True)):
            found = one.in_force(key.id, NOW_US + 9, SITTING._replace(id="another", began_us=began))
            assert (found is not None) == open_
        assert one.in_force(key.id, NOW_US + 9) is not None, "the key itself opens on"
        with pytest.raises(InputError, match="ID"):
            one.end_sessions("0", NOW_US)


def test_ended_sessions_are_forgotten_when_they_would_be_over(url: str) -> None:
    """The table holds no more than what can still be shown to a server."""
    with KeyStore(url) as store:
        for number in range(5):
            store.end_session(Sitting(str(number), NOW_US + number, NOW_US + number + 2), NOW_US + number)
        with reading(store._engine) as connection:
            assert [line.id for line in connection.execute(select(ended))] == ["3", "4"]
