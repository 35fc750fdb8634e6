"""Learning the whole cascade from a sample set of the installation's own log, into a new bundle.

    encoder -> ranking -> calibration, slot factors -> conversion -> retrieval -> pre-ranking (distilled) -> creative,
    and of explored pages the page model, where whole pages are sold

Every stage learns from the same rows; the last `holdout` share, in order of time, calibrates and judges. This file
imports torch: serving never imports it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.page_learn import PageModelLearner
from adcascade.auction.products import Products
from adcascade.calibration.learn import CalibrationLearner
from adcascade.cascade.bundle import Bundles, Manifest
from adcascade.cascade.learn_pages import Known, PagePlan, learn_pages
from adcascade.cascade.learn_ranking import Trained, learn_and_judge, split
from adcascade.catalog.snapshot import Snapshot
from adcascade.conversion.defuse import DefuseLearner
from adcascade.conversion.learn import ConversionLearner
from adcascade.creative.learn import CreativeLearner
from adcascade.errors import DataMissingError
from adcascade.events.samples import Samples
from adcascade.features.ads import AdFeatures
from adcascade.features.encoder import Encoder
from adcascade.features.feature import Feature
from adcascade.learning.loop import Progress, Training
from adcascade.learning.supervision import TEACHER, supervised_share
from adcascade.preranking.distillation import DistillationConfig
from adcascade.preranking.learn import PrerankingLearner
from adcascade.retrieval.two_tower import TwoTowerLearner
from adcascade.settings import SupervisionSettings, TrainSettings

Say = Callable[[str, int, int], None]  # stage, rows done, rows in all
LEAST_CLICKS = 50  # in the learning part, below which nothing can be learned


@dataclass(slots=True, kw_only=True)
class Lesson:
    """What is learned from, and how; `seconds` says how long each stage took. pages: None: no page model.

    supervision: how the ranker learns from the teacher's columns of the samples; None: it does not.
    """

    samples: Samples
    snapshot: Snapshot
    features: Sequence[Feature]
    settings: TrainSettings
    pages: PagePlan | None = None
    supervision: SupervisionSettings | None = None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """Every stage's learner, ready to be exported."""

    ranking: Trained
    calibration: CalibrationLearner
    conversion: ConversionLearner | DefuseLearner
    retrieval: TwoTowerLearner
    preranking: PrerankingLearner
    creative: CreativeLearner
    pages: PageModelLearner | None
    metrics: dict[str, float]
    rows: int

    def fill(self, folder: Path) -> None:
        """Write every stage's folder."""
        parts: dict[str, Any] = {
            "features": self.ranking.encoder.save,
            "ranking": self.ranking.export,
            "calibration": self.calibration.export,
            "conversion": self.conversion.export,
            "retrieval": self.retrieval.export,
            "preranking": self.preranking.export,
            "creative": self.creative.export,
        }
        for name, write in parts.items():
            (folder / name).mkdir()
            write(folder / name)
        if self.pages is not None and self.pages.model is not None:
            (folder / "page").mkdir()
            self.pages.export(folder / "page", self.ranking.encoder.fingerprint)

    @property
    def page_method(self) -> dict[str, str]:
        """What the manifest says of the page model; nothing where there is none."""
        return {"page": "neighbours"} if self.pages is not None and self.pages.model is not None else {}


def _nothing(stage: str, done: int, total: int) -> None:
    """Who hears nothing."""


def learn_cascade(lesson: Lesson) -> Learned:
    """Train every stage. DataMissingError where the log holds too few clicks to learn from."""
    settings = lesson.settings
    learn, _ = split(lesson.samples, settings.holdout)
    require_clicks(learn)
    with lesson.stage("ranking", len(learn)) as progress:
        ranking, calibration, metrics = learn_and_judge(
            lesson.features,
            lesson.samples,
            settings,
            seed=lesson.seed,
            supervision=lesson.supervision,
            progress=progress,
        )
    if lesson.supervision is not None:
        metrics["supervised"] = supervised_share(lesson.samples.tables([TEACHER]))
    encoder = ranking.encoder
    features = AdFeatures(encoder)
    rows = np.arange(lesson.snapshot.n, dtype=np.int32)
    features.update(rows, lesson.snapshot.columns(rows.tolist()))
    with lesson.stage("conversion", len(learn)) as progress:
        conversion = conversion_learner(settings, encoder)
        conversion.fit(lesson.samples.tables, progress=progress)
    with lesson.stage("retrieval", len(learn)) as progress:
        retrieval = TwoTowerLearner(encoder)
        retrieval.fit(learn.tables, progress)
    with lesson.stage("preranking", len(learn)) as progress:
        preranking = PrerankingLearner(
            teacher=ranking.model,
            teacher_table=ranking.table,
            ads=features,
            distillation=DistillationConfig(ads_per_request=4, seed=lesson.seed),
            training=Training(epochs=1, batch_size=1024, rate=3e-3, seed=lesson.seed),
        )
        preranking.fit(learn.tables, _living(lesson.snapshot), progress=progress)
    with lesson.stage("creative", len(learn)):
        creative = CreativeLearner(lesson.snapshot.ads)
        creative.add_tables(lesson.samples.tables(["logged_ad", "logged_creative", "click"]))
    products = Products(lesson.snapshot.ads)
    known = Known(ranking=ranking, calibration=calibration, ads=features, products=products)
    pages = _learn_pages(lesson, known)
    return Learned(
        ranking=ranking,
        calibration=calibration,
        conversion=conversion,
        retrieval=retrieval,
        preranking=preranking,
        creative=creative,
        pages=pages,
        metrics=metrics if pages is None else metrics | pages.metrics,
        rows=len(lesson.samples),
    )


def conversion_learner(settings: TrainSettings, encoder: Encoder) -> ConversionLearner | DefuseLearner:
    """The learner that the settings name, with their windows."""
    if settings.conversion == "cvr":
        return ConversionLearner(encoder=encoder)
    return DefuseLearner(
        encoder=encoder,
        observation_us=round(settings.observation_window_s * 1e6),
        attribution_us=round(settings.conversion_window_s * 1e6),
    )


def _learn_pages(lesson: Lesson, known: Known) -> PageModelLearner | None:
    if lesson.pages is None:
        return None
    with lesson.stage("pages", len(lesson.samples)):
        return learn_pages(lesson.samples, known, lesson.pages, seed=lesson.seed)


def require_clicks(samples: Samples) -> None:
    """DataMissingError where the rows hold too few clicks to learn from."""
    clicks = sum(float(np.nansum(table["click"].to_numpy())) for table in samples.tables(["click"]))
    if clicks < LEAST_CLICKS:
        raise DataMissingError(
            f"the log holds {clicks:.0f} clicks to learn from; at least {LEAST_CLICKS} are needed: serve for longer"
        )


def write_bundle(bundles: Bundles, learned: Learned, lesson: Lesson, *, now_us: int, until_us: int) -> Manifest:
    """Export into a new bundle; the one that serves becomes its parent. Does not promote."""
    current = bundles.current()
    return bundles.write(
        learned.fill,
        created_us=now_us,
        schema=learned.ranking.encoder.fingerprint,
        methods={
            "retrieval": "two_tower",
            "preranking": "mlp",
            "ranking": learned.ranking.method,
            "conversion": lesson.settings.conversion,
            "calibration": lesson.settings.calibration,
            "creative": "smoothed",
            **learned.page_method,
            **supervision_of(lesson.supervision),
        },
        metrics={**learned.metrics, **{f"seconds_{name}": value for name, value in lesson.seconds.items()}},
        parents=(current,) if current else (),
        samples=learned.rows,
        until_us=until_us,
    )


def supervision_of(settings: SupervisionSettings | None) -> dict[str, str]:
    """The manifest's line on how the ranker was supervised; none where it was not."""
    if settings is None:
        return {}
    return {"supervision": f"{settings.teacher}, auxiliary head" + (", student adapter" if settings.adapter else "")}


def _living(snapshot: Snapshot) -> NDArray[np.int32]:
    """Rows of the ads that could be served today."""
    return np.array([row for row, ad in enumerate(snapshot.ads) if ad is not None and ad.status == "active"], np.int32)
