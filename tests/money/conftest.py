"""What tests of money share: journals, and real servers for the books of several machines."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from adcascade.chaos.servers import PostgresServer, RedisServer
from adcascade.errors import DataMissingError
from adcascade.events.journal import Journal
from adcascade.money.books import Books
from adcascade.money.opening import open_books

STORES = (
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.needs("postgresql")),
    pytest.param("redis", marks=pytest.mark.needs("redis")),
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal."""
    with Journal(tmp_path / "log.db", commit_every_ms=0) as journal:
        yield journal


def absent(error: DataMissingError) -> None:
    """A service that is not there: a failure where all must be, else a skip with a sentence."""
    if os.environ.get("ADCASCADE_REQUIRE_SERVICES"):
        pytest.fail(str(error))
    pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgres_books_server() -> Iterator[PostgresServer]:
    """A PostgreSQL that lives as long as the tests."""
    try:
        server = PostgresServer(durable=False)
    except DataMissingError as error:
        absent(error)
        raise
    with server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis that lives as long as the tests."""
    try:
        server = RedisServer()
    except DataMissingError as error:
        absent(error)
        raise
    with server:
        yield server


def empty(url: str) -> str:
    """The same store without anything in it."""
    if url.startswith("redis"):
        import redis

        with redis.Redis.from_url(url) as client:
            client.flushall()
    else:
        import psycopg

        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    return url


@pytest.fixture(params=STORES)
def books_url(request: pytest.FixtureRequest) -> str:
    """URL of empty books, "" for those in the journal."""
    if request.param == "sqlite":
        return ""
    server = request.getfixturevalue("postgres_books_server" if request.param == "postgresql" else "redis_server")
    return empty(server.url)


@pytest.fixture
def books(books_url: str, journal: Journal) -> Iterator[Books]:
    """Empty books."""
    opened = open_books(books_url, journal)
    yield opened
    opened.close()
