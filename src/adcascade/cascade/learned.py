"""Learned: every stage's learner after its lesson, and from there to a bundle. Imports torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adcascade.auction.page_learn import PageModelLearner
from adcascade.calibration.learn import CalibrationLearner
from adcascade.cascade.bundle import Bundles, Manifest
from adcascade.cascade.learn_preranking import Preranking
from adcascade.cascade.learn_ranking import Trained
from adcascade.cascade.lesson import Lesson
from adcascade.conversion.defuse import DefuseLearner
from adcascade.conversion.learn import ConversionLearner
from adcascade.creative.learn import CreativeLearner
from adcascade.retrieval.learner import RetrievalLearner
from adcascade.sections import SupervisionSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """Every stage's learner, ready to be exported."""

    ranking: Trained
    calibration: CalibrationLearner
    conversion: ConversionLearner | DefuseLearner
    retrieval: RetrievalLearner
    preranking: Preranking
    creative: CreativeLearner
    pages: PageModelLearner | None
    metrics: dict[str, float]
    scenarios: dict[str, dict[str, float]]  # metrics of clicks by scenario
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


def write_bundle(bundles: Bundles, learned: Learned, lesson: Lesson, *, now_us: int, until_us: int) -> Manifest:
    """Export into a new bundle; the one that serves becomes its parent. Does not promote."""
    current = bundles.current()
    return bundles.write(
        learned.fill,
        created_us=now_us,
        schema=learned.ranking.encoder.fingerprint,
        methods={
            "retrieval": lesson.settings.retrieval,
            "preranking": learned.preranking.method,
            "ranking": learned.ranking.method,
            "conversion": lesson.settings.conversion,
            "calibration": lesson.settings.calibration,
            "creative": "smoothed",
            **learned.page_method,
            **supervision_of(lesson.supervision),
        },
        metrics={**learned.metrics, **{f"seconds_{name}": value for name, value in lesson.seconds.items()}},
        scenarios=learned.scenarios,
        parents=(current,) if current else (),
        samples=learned.rows,
        until_us=until_us,
    )


def supervision_of(settings: SupervisionSettings | None) -> dict[str, str]:
    """The manifest's line on how the ranker was supervised; none where it was not."""
    if settings is None:
        return {}
    return {"supervision": f"{settings.teacher}, auxiliary head" + (", student adapter" if settings.adapter else "")}
