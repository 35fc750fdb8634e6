"""Lesson: what the cascade is taught from, and who hears how far it has got. Imports torch."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from adcascade.cascade.learn_pages import PagePlan
from adcascade.cascade.learn_ranking import Learner
from adcascade.cascade.log_lists import RankingLists
from adcascade.catalog.snapshot import Snapshot
from adcascade.errors import DataMissingError
from adcascade.events.samples import Samples
from adcascade.features.ads import AdFeatures
from adcascade.features.encoder import Encoder
from adcascade.features.feature import Feature
from adcascade.learning.loop import Progress
from adcascade.sections import SupervisionSettings, TrainSettings

Say = Callable[[str, int, int], None]  # stage, rows done, rows in all
NO_LISTS = RankingLists(Path())
LEAST_CLICKS = 50  # in the learning part, below which nothing can be learned


@dataclass(slots=True, kw_only=True)
class Lesson:
    """What is learned from, and how; `seconds` says how long each stage took. pages: None: no page model.

    supervision: how the ranker learns from the teacher's columns of the samples; None: it does not.
    learner: who trains the ranker; None: this process.
    """

    samples: Samples
    snapshot: Snapshot
    features: Sequence[Feature]
    settings: TrainSettings
    lists: RankingLists = NO_LISTS
    pages: PagePlan | None = None
    supervision: SupervisionSettings | None = None
    learner: Learner | None = None
    seed: int = 0
    say: Say | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, rows: int) -> Iterator[Progress]:
        """Time a stage, and pass its progress on."""
        start = time.perf_counter()
        say = self.say or _nothing

        def progress(epoch: int, seen: int, loss: float) -> None:  # noqa: ARG001  the loop's signature
            say(name, seen % (rows + 1), rows)

        say(name, 0, rows)
        yield progress
        self.seconds[name] = time.perf_counter() - start
        say(name, rows, rows)

    def catalog(self, encoder: Encoder) -> AdFeatures:
        """The ads of the catalog, encoded."""
        features = AdFeatures(encoder)
        rows = np.arange(self.snapshot.n, dtype=np.int32)
        features.update(rows, self.snapshot.columns(rows.tolist()))
        return features


def _nothing(stage: str, done: int, total: int) -> None:
    """Who hears nothing."""


def require_clicks(samples: Samples) -> None:
    """DataMissingError where the rows hold too few clicks to learn from."""
    clicks = sum(float(np.nansum(table["click"].to_numpy())) for table in samples.tables(["click"]))
    if clicks < LEAST_CLICKS:
        raise DataMissingError(
            f"the log holds {clicks:.0f} clicks to learn from; at least {LEAST_CLICKS} are needed: serve for longer"
        )
