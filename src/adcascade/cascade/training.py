"""Training an installation: its log, or an imported sample set, becomes a bundle. Imports torch."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from adcascade.cascade.bundle import Bundles, Manifest
from adcascade.cascade.features import features_of
from adcascade.cascade.learn import learn_cascade
from adcascade.cascade.learn_pages import PagePlan
from adcascade.cascade.learn_preranking import NEED_LISTS
from adcascade.cascade.learn_ranking import Learner, learn_and_judge
from adcascade.cascade.learned import write_bundle
from adcascade.cascade.lesson import NO_LISTS, Lesson, Say
from adcascade.cascade.log_lists import write_log_lists
from adcascade.cascade.log_samples import write_log_samples
from adcascade.cascade.together import Together
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.errors import ConfigurationError, DataMissingError
from adcascade.events.journal import Journal
from adcascade.events.samples import Samples
from adcascade.features.feature import Feature
from adcascade.learning.supervision import STORE, SupervisionStore
from adcascade.settings import Settings, load_settings

SAMPLES = "samples"  # folder of the joined log, in the working directory
LISTS = "lists"  # folder of the log's ranking lists, where the pre-ranker learns from them


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to train. now_us: stamps the bundle; until_us: the log up to here is used.

    together: who trains the ranker with this process; None: nobody.
    """

    directory: Path
    now_us: int
    until_us: int
    seed: int = 0
    say: Say | None = None
    joined: Callable[[int], None] | None = None  # told of rows that were joined
    together: Together | None = None


def train_from_log(order: Order) -> Manifest:
    """Join the installation's log, train every stage, write a bundle. Does not promote."""
    settings = load_settings(order.directory)
    lesson = lesson_of(order, lists=settings.train.preranking in NEED_LISTS)
    learned = learn_cascade(lesson)
    bundles = Bundles(settings.bundles_path)
    return write_bundle(bundles, learned, lesson, now_us=order.now_us, until_us=order.until_us)


def lesson_of(order: Order, *, lists: bool) -> Lesson:
    """Write the installation's log as samples, and as ranking lists where they are asked for: what is learned from."""
    settings = load_settings(order.directory)
    features = features_of(settings.features)
    with ExitStack() as opened:
        snapshot = Snapshot.from_store(opened.enter_context(CatalogStore(settings.catalog_url)))
        journal = opened.enter_context(Journal(settings.journal_path))
        store = opened.enter_context(supervision_store(settings)) if settings.train.supervision else None
        if order.together is not None and order.together.resume:
            samples = Samples(order.directory / SAMPLES)  # as they were joined when the training began
        else:
            samples, _ = write_log_samples(
                journal,
                snapshot,
                order.directory / SAMPLES,
                features=features,
                settings=settings.train,
                until_us=order.until_us,
                store=store,
                progress=order.joined,
            )
        ranked = NO_LISTS
        if lists:
            folder = order.directory / LISTS
            ranked = write_log_lists(journal, folder, settings=settings.train, until_us=order.until_us)
    return Lesson(
        samples=samples,
        snapshot=snapshot,
        features=features,
        settings=settings.train,
        learner=learner_of(order, samples, features, settings),
        lists=ranked,
        pages=page_plan(settings),
        supervision=settings.supervision if settings.train.supervision else None,
        seed=order.seed,
        say=order.say,
    )


def learner_of(order: Order, samples: Samples, features: Sequence[Feature], settings: Settings) -> Learner | None:
    """Who trains the ranker. ConfigurationError where several processes cannot learn as the settings say."""
    if order.together is None:
        return None
    if settings.train.supervision:
        raise ConfigurationError(
            "train.supervision is on, and a ranker beside a teacher is trained by one process: leave --workers and "
            "--on out, or set it to false"
        )
    return order.together.learner(samples, features, settings.train, seed=order.seed)


def page_plan(settings: Settings) -> PagePlan | None:
    """How pages are laid out; None where they are not sold as a whole, and so no page model is needed."""
    if settings.auction.rule != "vcg":
        return None
    return PagePlan(pattern=settings.blending.positions, organic=settings.blending.organic)


def supervision_store(settings: Settings) -> SupervisionStore:
    """The installation's store; DataMissingError where nobody has asked a teacher yet."""
    path = settings.supervision_path / STORE
    if not path.exists():
        raise DataMissingError(
            f"there is no {path}: run `adcascade supervise` first, or set train.supervision to false"
        )
    return SupervisionStore(path)


def train_from_samples(folder: Path, order: Order) -> Manifest:
    """Train ranking and calibration alone from an imported set, and write a bundle that `evaluate` reads."""
    settings = load_settings(order.directory)
    if settings.train.supervision:
        raise ConfigurationError(
            "train.supervision is on, and an imported set has no impressions that a teacher was asked about; "
            "set it to false, or train from the log"
        )
    samples = Samples(folder)
    features = msgspec.convert(samples.feature_declarations, tuple[Feature, ...])
    lesson = Lesson(
        samples=samples,
        snapshot=Snapshot(),
        features=features,
        settings=settings.train,
        learner=learner_of(order, samples, features, settings),
        seed=order.seed,
        say=order.say,
    )
    with lesson.stage("ranking", len(samples)) as progress:
        trained, calibration, measured = learn_and_judge(
            features, samples, settings.train, seed=order.seed, progress=progress, learner=lesson.learner
        )

    def fill(root: Path) -> None:
        for name, write in (
            ("features", trained.encoder.save),
            ("ranking", trained.export),
            ("calibration", calibration.export),
        ):
            (root / name).mkdir()
            write(root / name)

    return Bundles(settings.bundles_path).write(
        fill,
        created_us=order.now_us,
        schema=trained.encoder.fingerprint,
        methods={"ranking": settings.train.ranking, "calibration": settings.train.calibration},
        metrics=measured.metrics,
        scenarios=measured.scenarios,
        samples=len(samples),
        until_us=order.until_us,
    )
