"""Open the catalog's database: SQLite or PostgreSQL by URL, its pragmas, its transactions, its migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from adcascade.errors import ConfigurationError, StoreError

NEWEST = "0005"  # of the migrations
WAIT_MS = 30_000  # for another writer of the same SQLite file
LOCK = 0x61646361  # PostgreSQL's advisory lock while migrating


def open_engine(url: str) -> Engine:
    """An engine whose transactions see one state and whose commits are on disk when they return.

    Raises ConfigurationError for a URL of no known database, StoreError when it cannot be opened.
    """
    try:
        parsed = make_url(url)
        name = parsed.get_backend_name()
        if name == "sqlite" and parsed.database in {None, "", ":memory:"}:
            raise ConfigurationError(f"catalog URL {url!r} names no file; give sqlite:///PATH")
        engine = create_engine(url, isolation_level="REPEATABLE READ") if name == "postgresql" else create_engine(url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(
            f"catalog URL {url!r} cannot be used ({error}); give sqlite:///PATH, or "
            "postgresql+psycopg://USER:PASSWORD@HOST/NAME with adcascade[postgres] installed"
        ) from error
    if name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin, not guessed by the driver
    connection.execute(f"PRAGMA busy_timeout={WAIT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the database; a failure is a StoreError."""
    with _translated(engine), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is on disk when this returns, or left no trace; a failure is a StoreError.

    On PostgreSQL it reads what is committed, because a writer waits for the one before it.
    """
    options: dict[str, Any] = {"writes": True}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "READ COMMITTED"
    with _translated(engine), engine.execution_options(**options).begin() as connection:
        yield connection


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(
            f"the catalog's database {engine.url.render_as_string(hide_password=True)} refuses: {error}; "
            "nothing of this call was kept"
        ) from error


class InDatabase:
    """What lies in the catalog's database: opened with its tables at this version, closed at the end of a `with`.

    Raises ConfigurationError for a URL that names no database, StoreError when it refuses.
    """

    def __init__(self, url: str) -> None:
        """Open the database and bring its tables to this version."""
        self.url = url
        self._engine = open_engine(url)
        try:
            migrate(self._engine)
        except BaseException:
            self._engine.dispose()
            raise

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()


def migrate(engine: Engine) -> None:
    """Bring the tables to this version of adcascade; several processes may do so at once."""
    if _revision(engine) == NEWEST:
        return
    from adcascade.catalog.migrating import upgrade  # noqa: PLC0415  Alembic is slow to import, and rarely needed

    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        upgrade(connection)


def _revision(engine: Engine) -> str | None:
    """The migration that the tables are at; None where there are none yet."""
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
