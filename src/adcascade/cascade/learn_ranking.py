"""Learning the click probability: encoder, ranking model, calibration, and how good they are on held-out rows.

The rows are split in order of time where there is time: the first learn, the last `holdout` share judges. The
calibration is fitted on the first half of the holdout and judged, with the model, on the second; what is shipped is
then fitted on the whole holdout.

This file imports torch: serving never imports it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from adcascade.calibration.learn import CalibrationLearner
from adcascade.calibration.stored import TargetMaps
from adcascade.cascade.evaluate import numbers_of, texts_of
from adcascade.errors import ConfigurationError
from adcascade.events.samples import Samples
from adcascade.features.encoder import Encoder
from adcascade.features.feature import Feature
from adcascade.features.fitting import columns_of
from adcascade.learning.auxiliary_head import AuxiliaryConfig
from adcascade.learning.export import export
from adcascade.learning.external_distillation import EXTRA, fit_with_teacher
from adcascade.learning.labelled import LabelledBlocks, labelled
from adcascade.learning.loop import Progress, Training, fit, predict
from adcascade.learning.model import DeepModel, ScoringModel, Shape
from adcascade.learning.student_adapter import AdapterLearner, StudentAdapter
from adcascade.nn.packed import PackedEmbedding
from adcascade.ranking import METHODS
from adcascade.ranking.recipes import RECIPES, Recipe
from adcascade.settings import SupervisionSettings, TrainSettings

Floats = NDArray[np.float64]
FAITH = 1000.0  # events that a model's own probabilities count for beside those of the held-out rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model with its table, as the loop left them."""

    encoder: Encoder
    model: ScoringModel
    table: PackedEmbedding
    method: str

    def export(self, folder: Path) -> None:
        """Write what the stage's Scorer loads into an existing folder."""
        export(folder, self.model, self.table, self.encoder.fingerprint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """N held-out rows: what the model says and what happened."""

    first: Floats  # [N] P(click) in the first slot, not calibrated
    actual: Floats  # [N] the same in the slot where the ad was
    clicked: Floats  # [N]
    slot: NDArray[np.int64]  # [N]
    scenario: NDArray[np.str_]  # [N] "" where unknown
    user: NDArray[np.str_]  # [N]

    def part(self, index: slice) -> "Judged":
        """Some of the rows."""
        return Judged(
            first=self.first[index],
            actual=self.actual[index],
            clicked=self.clicked[index],
            slot=self.slot[index],
            scenario=self.scenario[index],
            user=self.user[index],
        )


def split(samples: Samples, holdout: float) -> tuple[Samples, Samples]:
    """(learn, judge): by time where the rows have it and are in order, else by place."""
    if samples.ordered and "time_us" in samples.schema.names:
        return samples.split_by_time(1 - holdout)
    cut = round(len(samples) * (1 - holdout))
    return samples.slice(0, cut), samples.slice(cut)


def model_class(name: str) -> Callable[[Shape], ScoringModel]:
    """The model of a short name in ranking.METHODS, or of an import path "package.module:Class"."""
    path = METHODS.get(name, name)
    module, separator, attribute = path.partition(":")
    try:
        found: Any = getattr(import_module(module), attribute) if separator else None
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"train.ranking is {name!r}, which cannot be imported: {error}") from error
    if found is None:
        raise ConfigurationError(
            f"train.ranking is {name!r}; expected one of {', '.join(METHODS)}, or 'package.module:Class'"
        )
    factory: Callable[[Shape], ScoringModel] = found
    return factory


def learn_ranking(
    features: Sequence[Feature],
    learn: Samples,
    settings: TrainSettings,
    *,
    seed: int = 0,
    label: str = "click",
    supervision: SupervisionSettings | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Fit the encoder, then the model named by the settings, on all rows of `learn`.

    supervision: how to learn beside the teacher's columns that the rows carry; None: from the labels alone.
    """
    encoder = Encoder.fit(features, learn.tables(columns_of(features)))
    recipe = recipe_of(settings, rows=len(learn), seed=seed)
    make = model_class(settings.ranking)
    torch.manual_seed(seed)
    model = make(Shape.of(encoder, recipe.table.width))
    table = PackedEmbedding(encoder.rows, recipe.table, seed=seed)
    blocks = LabelledBlocks(encoder, learn.tables, label=label, extra=EXTRA if supervision else ())
    if supervision is None:
        fit(model, table, blocks, recipe.training, progress=progress)
    else:
        fit_supervised(model, table, blocks, recipe.training, supervision, progress)
    return Trained(encoder=encoder, model=model, table=table, method=settings.ranking)


def fit_supervised(  # noqa: PLR0917  what `fit` takes, and the settings
    model: ScoringModel,
    table: PackedEmbedding,
    blocks: LabelledBlocks,
    training: Training,
    settings: SupervisionSettings,
    progress: Progress | None,
) -> None:
    """Train beside a teacher by the settings. ConfigurationError for a model without a hidden vector."""
    if not isinstance(model, DeepModel):
        raise ConfigurationError(
            f"train.supervision is on, and {type(model).__name__} has no hidden vector that a second head could read; "
            "set train.ranking to dcn_v2, din or another DeepModel, or train.supervision to false"
        )
    config = AuxiliaryConfig(alpha=settings.alpha, weight=settings.weight, beta=settings.beta, adapted=settings.adapted)
    adapter = AdapterLearner(StudentAdapter(blocks.encoder.scenarios)) if settings.adapter else None
    fit_with_teacher(model, table, blocks, training, config, adapter=adapter, progress=progress)


def learn_and_judge(
    features: Sequence[Feature],
    samples: Samples,
    settings: TrainSettings,
    *,
    seed: int = 0,
    supervision: SupervisionSettings | None = None,
    progress: Progress | None = None,
) -> tuple[Trained, CalibrationLearner, dict[str, float]]:
    """The model to serve, its calibration, and the metrics on the held-out rows.

    With settings.refit the model to serve has learned from all rows, and the calibration and the metrics are
    those of its twin that had not seen the held-out ones.
    """

    def learned(rows: Samples) -> Trained:
        return learn_ranking(
            features, rows, settings, seed=seed, label=samples.label, supervision=supervision, progress=progress
        )

    learn, held = split(samples, settings.holdout)
    trained = learned(learn)
    judged = judge(trained, held, samples.label)
    calibration = learn_calibration(judged, settings.calibration)
    metrics = measure(judged, settings.calibration)
    if settings.refit:
        trained = learned(samples)
    return trained, calibration, metrics


def recipe_of(settings: TrainSettings, *, rows: int, seed: int) -> Recipe:
    """The recipe of the settings' model, for a log of so many rows, with what the settings say otherwise."""
    recipe = RECIPES.get(settings.ranking, RECIPES["dcn_v2"]).of(rows=rows, seed=seed)
    table, training = recipe.table, recipe.training
    return replace(
        recipe,
        table=replace(
            table,
            width=settings.width or table.width,
            rate=settings.learning_rate or table.rate,
        ),
        training=replace(
            training,
            epochs=settings.epochs or training.epochs,
            batch_size=settings.batch or training.batch_size,
            rate=settings.dense_rate or training.rate,
        ),
    )


def judge(trained: Trained, samples: Samples, label: str = "click") -> Judged:
    """Predict all rows of `samples`."""
    parts = [judge_table(trained, table, label) for table in samples.tables()]
    if not parts:
        none = np.empty(0)
        text = np.empty(0, np.str_)
        return Judged(first=none, actual=none, clicked=none, slot=none.astype(np.int64), scenario=text, user=text)
    return Judged(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in Judged.__slots__})


def judge_table(trained: Trained, table: pa.Table, label: str = "click") -> Judged:
    """Predict the labelled rows of a table."""
    table = table.filter(table[label].is_valid())
    actual = predict(trained.model, trained.table, labelled(trained.encoder, table, label=label).batch)
    first = actual
    slot = np.zeros(len(table), np.int64)
    if "position" in table.column_names:
        slot = table["position"].fill_null(0).to_numpy().astype(np.int64)
        served = table.set_column(
            table.column_names.index("position"), "position", pa.array(np.zeros(len(table), np.int32))
        )
        first = predict(trained.model, trained.table, labelled(trained.encoder, served, label=label).batch)
    return Judged(
        first=_sigmoid(first),
        actual=_sigmoid(actual),
        clicked=table[label].to_numpy().astype(np.float64),
        slot=slot,
        scenario=texts_of(table, "scenario"),
        user=texts_of(table, "user"),
    )


def _sigmoid(logit: NDArray[np.float32]) -> Floats:
    return 0.5 * (1.0 + np.tanh(0.5 * logit.astype(np.float64)))


def learn_calibration(judged: Judged, method: str) -> CalibrationLearner:
    """Maps and slot factors from held-out rows.

    A map is learned on what the model says for the actual slot, and served on what it says for the first.
    """
    learner = CalibrationLearner(method=method, faith=FAITH)
    learner.fit_ctr(judged.actual, judged.clicked, scenario=judged.scenario)
    learner.fit_slots(judged.slot, calibrated(learner, judged.scenario, judged.first), judged.clicked)
    return learner


def calibrated(learner: CalibrationLearner, scenario: NDArray[np.str_], predicted: Floats) -> Floats:
    """The learner's maps applied to N predictions."""
    maps = TargetMaps.of(learner.ctr)
    out = np.empty(len(predicted))
    for name in np.unique(scenario):
        rows = scenario == name
        out[rows] = maps.for_scenario(str(name))(predicted[rows])
    return out


def measure(judged: Judged, method: str) -> dict[str, float]:
    """AUC and log-loss of the model, PCOC and ECE before and after a calibration fitted on the first half.

    The rows are taken in order: the first half fits, the second judges.
    """
    half = len(judged.clicked) // 2
    early, late = judged.part(slice(0, half)), judged.part(slice(half, None))
    before = numbers_of(late.clicked, late.actual, late.user)
    learner = CalibrationLearner(method=method, faith=FAITH)
    learner.fit_ctr(early.actual, early.clicked, scenario=early.scenario)
    after = calibrated(learner, late.scenario, late.actual)
    served = numbers_of(late.clicked, after, late.user)
    raw = {f"raw_{name}": before[name] for name in ("auc", "pcoc", "ece", "log_loss") if name in before}
    return {f"ctr_{name}" if name not in ("rows", "rate") else name: value for name, value in (served | raw).items()}
