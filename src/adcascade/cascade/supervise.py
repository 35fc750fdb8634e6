"""Supervising an installation: teachers learn from its log, period by period, and score what came after. Imports torch.

    the log --> samples --> periods (learning/streaming.py) --> teacher of each --> its impressions --> store.db

Every period's teacher learns from the whole log up to the click window before it, so that all its labels were known
when the period began. While one teacher scores in the service's worker, the next one learns. Whoever runs it again
trains and scores only what is new.
"""

import hashlib
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass

import msgspec
import numpy as np

from adcascade.cascade.features import features_of
from adcascade.cascade.learn_ranking import learn_ranking
from adcascade.cascade.lesson import require_clicks
from adcascade.cascade.log_samples import write_log_samples
from adcascade.cascade.teacher import MANIFEST, TeacherSnapshot
from adcascade.cascade.training import Order
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.errors import DataMissingError
from adcascade.events.journal import Journal
from adcascade.events.samples import Samples
from adcascade.learning.augmentation import AugmentationService
from adcascade.learning.streaming import Period, predict_then_update
from adcascade.learning.supervision import STORE, SupervisionStore
from adcascade.settings import Settings, load_settings

SAMPLES, TEACHERS = "samples", "teachers"  # in the folder of supervision


class SupervisionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of `supervise` did. asked counts an impression once a student; scored is what the teachers cost."""

    impressions: int  # of the log
    periods: int
    trained: int  # teachers that were new
    asked: int
    scored: int
    union: int  # different impressions that these students ever asked for


@dataclass(frozen=True, slots=True)
class _Run:
    """One call of `supervise`."""

    settings: Settings
    order: Order
    samples: Samples

    def teacher(self, period: Period) -> tuple[TeacherSnapshot, bool]:
        """The teacher of a period, and whether it is new."""
        folder = self.settings.supervision_path / TEACHERS / self._version(period)
        if (folder / MANIFEST).exists():
            return TeacherSnapshot.load(folder), False
        past = self.samples.between(0, period.train_until)
        require_clicks(past)
        chosen = self.settings.supervision
        own = {"ranking": chosen.teacher, "width": chosen.width}
        recipe = dict.fromkeys(("epochs", "batch", "learning_rate", "dense_rate"))
        trained = learn_ranking(
            features_of(self.settings.features),
            past,
            self.settings.train.model_copy(update=own | recipe),
            seed=self.order.seed,
        )
        teacher = TeacherSnapshot(trained, version=folder.name, trained_until_us=period.train_until)
        teacher.save(folder)
        return teacher, True

    def _version(self, period: Period) -> str:
        """End of the data, and a digest of all that makes two teachers of one period differ."""
        chosen = self.settings.supervision
        what = (chosen.teacher, chosen.width, self.order.seed, self.settings.features.model_dump(mode="json"))
        return f"{period.train_until}-{hashlib.sha256(msgspec.json.encode(what)).hexdigest()[:8]}"


def supervise(order: Order, students: tuple[str, ...] = ("ranking",)) -> SupervisionReport:
    """Let teachers score the log up to `order.until_us` for these students.

    DataMissingError where the log is no longer than the warm-up, or holds too few clicks.
    """
    settings = load_settings(order.directory)
    samples = _joined(settings, order)
    periods = _periods(settings, samples)
    run, futures, new = _Run(settings, order, samples), list[Future[int]](), 0
    with ExitStack() as opened:
        store = opened.enter_context(SupervisionStore(settings.supervision_path / STORE))
        service: AugmentationService | None = None
        for done, period in enumerate(periods):
            teacher, fresh = run.teacher(period)
            new += fresh
            if service is None:
                service = opened.enter_context(AugmentationService(store, teacher, clock_us=lambda: order.now_us))
            else:
                service.swap(teacher)
            rows = samples.between(period.score_from, period.score_until)
            futures += [service.ask(student, table) for table in rows.tables() for student in students]
            if order.say is not None:
                order.say("supervision", done + 1, len(periods))
        scored = sum(future.result() for future in futures)
        return SupervisionReport(
            impressions=len(samples),
            periods=len(periods),
            trained=new,
            asked=len(students) * len(samples.between(periods[0].score_from, periods[-1].score_until)),
            scored=scored,
            union=store.union(*students),
        )


def _joined(settings: Settings, order: Order) -> Samples:
    with ExitStack() as opened:
        snapshot = Snapshot.from_store(opened.enter_context(CatalogStore(settings.catalog_url)))
        samples, _ = write_log_samples(
            opened.enter_context(Journal(settings.journal_path)),
            snapshot,
            settings.supervision_path / SAMPLES,
            features=features_of(settings.features),
            settings=settings.train,
            until_us=order.until_us,
            progress=order.joined,
        )
    return samples


def _periods(settings: Settings, samples: Samples) -> list[Period]:
    """The periods of a log; teachers know of clicks only what was known when they began to score."""
    times = samples.table(["time_us"])["time_us"].to_numpy()
    periods = predict_then_update(
        int(times[0]),
        int(times[-1]) + 1,
        warm_up=_us(settings.supervision.warm_up_s),
        refresh=_us(settings.supervision.refresh_s),
        delay=_us(settings.train.click_window_s),
    )
    if not periods:
        raise DataMissingError(
            f"the log covers {np.ptp(times) / 3.6e9:.1f} hours, too few for a first teacher and what it could score: "
            "serve for longer, or lower supervision.warm_up_s and supervision.refresh_s"
        )
    return periods


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
