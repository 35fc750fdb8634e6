"""Opening the books where the setting `money.books` says that they lie, and the cashier that fits."""

from collections.abc import Mapping

from adcascade.errors import ConfigurationError
from adcascade.events.journal import Journal
from adcascade.money.books import Books
from adcascade.money.cashier import Cashier, Charging, JournalCashier
from adcascade.money.ledger import Ledger
from adcascade.money.outbox import Outbox


def open_books(
    url: str, journal: Journal, *, advertiser_of: Mapping[str, str] | None = None, weak: bool = False
) -> Books:
    """ "": in the journal's file; `postgresql+psycopg://...`; `redis://...`. StoreError where nobody answers.

    advertiser_of: see `Ledger`; weak: see `RedisBooks`.
    """
    scheme = url.partition(":")[0]
    try:
        if not url:
            return Ledger(journal, advertiser_of)
        if scheme in ("postgresql", "postgresql+psycopg"):
            from adcascade.money.postgres import PostgresBooks  # noqa: PLC0415  an optional extra

            return PostgresBooks(url, journal)
        if scheme in ("redis", "rediss", "unix"):
            from adcascade.money.redis.books import RedisBooks  # noqa: PLC0415  an optional extra

            return RedisBooks(url, journal, weak=weak)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"money.books names {scheme}, whose client is not installed: pip install 'adcascade[{_extra(scheme)}]'"
        ) from error
    raise ConfigurationError(
        f"money.books begins with {scheme!r}; leave it empty, or give postgresql+psycopg://user@host/database or redis://host:6379/0"
    )


def open_cashier(url: str, journal: Journal, books: Charging, *, wait_s: float = 1.0) -> Cashier:
    """With shared books events go through an outbox."""
    return Outbox(journal, books, wait_s=wait_s) if url else JournalCashier(journal)


def _extra(scheme: str) -> str:
    return "postgres" if scheme.startswith("postgres") else "redis"
