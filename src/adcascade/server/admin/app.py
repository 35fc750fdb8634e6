"""The admin API as one mount: everything below /admin/v1 asks for a key."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import Mount

from adcascade.access.store import KeyStore
from adcascade.catalog.store import CatalogStore
from adcascade.experiments.store import ExperimentStore
from adcascade.money.books import Books
from adcascade.server.admin.catalog import CatalogApi
from adcascade.server.admin.guard import RATES, Guard, Rates
from adcascade.server.admin.keys import KeysApi
from adcascade.server.admin.money import MoneyApi
from adcascade.server.methods import by_path

BASE = "/admin/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """What the admin API and the console work on."""

    catalog: CatalogStore
    keys: KeyStore
    books: Books  # the engine's own; it closes them
    experiments: ExperimentStore  # in the engine's log
    rates: Rates = RATES

    def close(self) -> None:
        """Let the connections go."""
        self.catalog.close()
        self.keys.close()


def admin_mount(admin: Admin, guard: Guard, clock: Callable[[], int]) -> Mount:
    """The routes; what names a path of its own stands before what takes any kind."""
    routes = [
        *KeysApi(admin.keys, guard, clock).routes(),
        *MoneyApi(admin.books, admin.catalog, guard, clock).routes(),
        *CatalogApi(admin.catalog, guard).routes(),
    ]
    return Mount(BASE, routes=by_path(routes))
