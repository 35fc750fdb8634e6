"""Front: pages for people that stand before the server's own routes; the console is one, and an application may have
none.

The server knows nothing of what lies on the floors above it: who starts it passes a function from `Inside` to a
`Front`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.routing import BaseRoute

from adcascade.server.admin.app import Admin
from adcascade.server.backend import Backend
from adcascade.server.metrics import Metrics
from adcascade.server.options import ServerOptions
from adcascade.server.upkeep import Lifespan


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What a front may show and change. clock: now in UTC microseconds."""

    backend: Backend
    metrics: Metrics
    admin: Admin
    options: ServerOptions
    clock: Callable[[], int]


class Front(Protocol):
    """Routes, what they are counted as, and what runs beside them."""

    label: str  # the route in metrics and logs: paths of pages hold ids, which are no labels

    def routes(self) -> Sequence[BaseRoute]:
        """They win over the server's own."""
        ...

    def owns(self, path: str) -> bool:
        """Whether a path is one of these routes'."""
        ...

    def around(self, lifespan: Lifespan) -> Lifespan:
        """The server's lifespan with what the front keeps up."""
        ...


Fronts = Callable[[Inside], Front]
