"""Stores to test: SQLite always, PostgreSQL where its programs are installed."""

import getpass
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from adcascade.catalog.store import CatalogStore

PROGRAMS = (*map(Path, os.environ.get("PATH", "").split(os.pathsep)), *Path("/usr/lib/postgresql").glob("*/bin"))


def program(name: str) -> str | None:
    """Where a program of PostgreSQL lies."""
    return next((str(folder / name) for folder in PROGRAMS if (folder / name).exists()), None)


def as_postgres(*command: str) -> None:
    """Run a program of PostgreSQL, which refuses to run as root."""
    if getpass.getuser() == "root":
        command = ("runuser", "-u", "postgres", "--", *command)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL that lives as long as the tests, in a folder of its own, reached by a socket there."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if initdb is None or pg_ctl is None or importlib.util.find_spec("psycopg") is None:
        absent = "PostgreSQL is absent: install the package postgresql and adcascade[postgres]"
        if os.environ.get("ADCASCADE_REQUIRE_SERVICES"):
            pytest.fail(absent)
        pytest.skip(absent)
    folder = Path(tempfile.mkdtemp(prefix="adcascade-pg-"))
    folder.chmod(0o777)
    data = str(folder / "data")
    as_postgres(initdb, "-D", data, "-U", "tester", "--auth=trust", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    as_postgres(pg_ctl, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql+psycopg://tester@/postgres?host={folder}"
    as_postgres(pg_ctl, "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty catalog."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.db'}"
    server: str = request.getfixturevalue("postgres_server")
    _empty(server)
    return server


def _empty(server: str) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


@pytest.fixture
def store(url: str) -> Iterator[CatalogStore]:
    """An empty catalog, open."""
    with CatalogStore(url) as opened:
        yield opened
