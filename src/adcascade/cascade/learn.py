"""Learning the whole cascade from a sample set of the installation's own log, into a new bundle.

    encoder -> ranking -> calibration, slot factors -> conversion -> retrieval -> pre-ranking -> creative,
    and of explored pages the page model, where whole pages are sold

Every stage learns from the same rows, and a pre-ranker perhaps from the ranking lists of the same log; the last
`holdout` share, in order of time, calibrates and judges. This file imports torch: serving never imports it.
"""

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.page_learn import PageModelLearner
from adcascade.auction.products import Products
from adcascade.calibration.learn import CalibrationLearner
from adcascade.cascade.learn_pages import Known, learn_pages
from adcascade.cascade.learn_preranking import Preranking, learn_preranking
from adcascade.cascade.learn_ranking import Trained, learn_and_judge, split
from adcascade.cascade.learned import Learned
from adcascade.cascade.lesson import Lesson, require_clicks
from adcascade.cascade.named import named
from adcascade.catalog.snapshot import Snapshot
from adcascade.conversion.defuse import DefuseLearner
from adcascade.conversion.learn import ConversionLearner
from adcascade.creative.learn import CreativeLearner
from adcascade.features.encoder import Encoder
from adcascade.learning.supervision import TEACHER, supervised_share
from adcascade.preranking.student import Source
from adcascade.retrieval import METHODS as RETRIEVALS
from adcascade.retrieval.learner import AdIndexer, RetrievalLearner
from adcascade.sections import TrainSettings


def learn_cascade(lesson: Lesson) -> Learned:
    """Train every stage. DataMissingError where the log holds too few clicks to learn from."""
    settings = lesson.settings
    learn, _ = split(lesson.samples, settings.holdout)
    require_clicks(learn)
    with lesson.stage("ranking", len(learn)) as progress:
        ranking, calibration, measured = learn_and_judge(
            lesson.features,
            lesson.samples,
            settings,
            seed=lesson.seed,
            supervision=lesson.supervision,
            progress=progress,
            learner=lesson.learner,
        )
    metrics = measured.metrics
    if lesson.supervision is not None:
        metrics["supervised"] = supervised_share(lesson.samples.tables([TEACHER]))
    encoder = ranking.encoder
    with lesson.stage("conversion", len(learn)) as progress:
        conversion = conversion_learner(settings, encoder)
        conversion.fit(lesson.samples.tables, progress=progress)
    retrieval = teach_retrieval(lesson, encoder)
    preranking = teach_preranking(lesson, ranking, settings.preranking)
    with lesson.stage("creative", len(learn)):
        creative = CreativeLearner(lesson.snapshot.ads)
        creative.add_tables(lesson.samples.tables(["logged_ad", "logged_creative", "click"]))
    pages = teach_pages(lesson, ranking, calibration)
    return Learned(
        ranking=ranking,
        calibration=calibration,
        conversion=conversion,
        retrieval=retrieval,
        preranking=preranking,
        creative=creative,
        pages=pages,
        metrics=metrics if pages is None else metrics | pages.metrics,
        scenarios=measured.scenarios,
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


def teach_retrieval(lesson: Lesson, encoder: Encoder) -> RetrievalLearner:
    """Retrieval by the settings; a learner that keeps something per ad is shown the catalog afterwards."""
    learn, _ = split(lesson.samples, lesson.settings.holdout)
    with lesson.stage("retrieval", len(learn)) as progress:
        learner: RetrievalLearner = named("train.retrieval", lesson.settings.retrieval, RETRIEVALS, "Class")(encoder)
        learner.fit(learn.tables, progress)
        if isinstance(learner, AdIndexer):
            there = [row for row, ad in enumerate(lesson.snapshot.ads) if ad is not None]
            learner.index(lesson.catalog(encoder), np.array(there, np.int32))
    return learner


def teach_pages(lesson: Lesson, ranking: Trained, calibration: CalibrationLearner) -> PageModelLearner | None:
    """The page model; None where pages are not sold as a whole."""
    if lesson.pages is None:
        return None
    with lesson.stage("pages", len(lesson.samples)):
        known = Known(
            ranking=ranking,
            calibration=calibration,
            ads=lesson.catalog(ranking.encoder),
            products=Products(lesson.snapshot.product_rows),
        )
        return learn_pages(lesson.samples, known, lesson.pages, seed=lesson.seed)


def teach_preranking(lesson: Lesson, ranking: Trained, method: str) -> Preranking:
    """The pre-ranker alone, beside a ranker that has learned.

    To compare methods under one ranker give `dataclasses.replace(learned, preranking=...)` to write_bundle.
    """
    learn, _ = split(lesson.samples, lesson.settings.holdout)
    with lesson.stage("preranking", len(learn)) as progress:
        source = Source(
            teacher=ranking.model,
            teacher_table=ranking.table,
            ads=lesson.catalog(ranking.encoder),
            live=_living(lesson.snapshot),
            tables=learn.tables,
            lists=lesson.lists.tables,
            seed=lesson.seed,
            progress=progress,
        )
        return learn_preranking(method, source, lists=len(lesson.lists))


def _living(snapshot: Snapshot) -> NDArray[np.int32]:
    """Rows of the ads that could be served today."""
    return np.array([row for row, ad in enumerate(snapshot.ads) if ad is not None and ad.status == "active"], np.int32)
