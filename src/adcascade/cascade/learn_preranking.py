"""Learning the pre-ranker by the method that the settings name. Imports torch: serving never imports it.

A method that learns from ranking lists needs a log in which a trained cascade has served. Before that, and as long as
there are fewer than LEAST_LISTS, the pre-ranker is distilled instead: the log of the process says so, and the bundle's
manifest names the method that was really used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from adcascade.cascade.named import named
from adcascade.preranking import METHODS
from adcascade.preranking.student import Pupil, Source

log = structlog.get_logger()

LEAST_LISTS = 100
FALLBACK = "mlp"
NEED_LISTS = ("copr",)


@dataclass(frozen=True, slots=True)
class Preranking:
    """A pre-ranker that has learned, and how."""

    method: str
    pupil: Pupil

    def export(self, folder: Path) -> None:
        """Write what the stage's Scorer loads into an existing folder."""
        self.pupil.export(folder)


def learn_preranking(method: str, source: Source, *, lists: int) -> Preranking:
    """Teach by a method of preranking.METHODS, or of an import path "package.module:function".

    lists: how many `source.lists` holds. ConfigurationError where there is no such method.
    """
    teach = _method(method)
    if method in NEED_LISTS and lists < LEAST_LISTS:
        log.warning("preranking_fell_back", wanted=method, used=FALLBACK, lists=lists, least=LEAST_LISTS)
        method, teach = FALLBACK, _method(FALLBACK)
    return Preranking(method, teach(source))


def _method(name: str) -> Callable[[Source], Pupil]:
    teach: Callable[[Source], Pupil] = named("train.preranking", name, METHODS, "function")
    return teach
