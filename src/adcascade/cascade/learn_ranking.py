"""Learning the click probability: encoder, ranking model, calibration, and how good they are on held-out rows.

The rows are split in order of time where there is time: the first learn, the last `holdout` share judges. The
calibration is fitted on the first half of the holdout and judged, with the model, on the second; what is shipped is
then fitted on the whole holdout.

This file imports torch: serving never imports it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from adcascade.calibration.learn import WITH_TREES, CalibrationLearner
from adcascade.calibration.mbct_fit import MbctConfig
from adcascade.cascade.evaluate import numbers_by_scenario, numbers_of, texts_of
from adcascade.cascade.named import named
from adcascade.errors import ConfigurationError
from adcascade.events.samples import Samples
from adcascade.features.encoder import Encoder
from adcascade.features.feature import Feature
from adcascade.features.fields import Fields
from adcascade.features.fitting import columns_of
from adcascade.learning.auxiliary_head import AuxiliaryConfig
from adcascade.learning.caching import table_of
from adcascade.learning.export import export, export_pairs
from adcascade.learning.external_distillation import EXTRA, fit_with_teacher
from adcascade.learning.labelled import LabelledBlocks, labelled
from adcascade.learning.loop import Progress, Training, fit, predict
from adcascade.learning.model import DeepModel, ScoringModel, Shape
from adcascade.learning.student_adapter import AdapterLearner, StudentAdapter
from adcascade.metrics.logistic import sigmoid
from adcascade.nn.device import device_named
from adcascade.nn.table import EmbeddingTable
from adcascade.ranking import METHODS
from adcascade.ranking.recipes import RECIPES, Recipe
from adcascade.sections import SupervisionSettings, TrainSettings

Floats = NDArray[np.float64]
FAITH = 1000.0  # events that a model's own probabilities count for beside those of the held-out rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model with its table, as the loop left them."""

    encoder: Encoder
    model: ScoringModel
    table: EmbeddingTable
    method: str

    def export(self, folder: Path) -> None:
        """Write what the stage's Scorer and evaluation load into an existing folder."""
        export(folder, self.model, self.table, self.encoder.fingerprint)
        export_pairs(folder, self.model)


Learner = Callable[[Progress | None], list[Trained]]  # of each of `parts_to_learn`, the model that learned it


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """N held-out rows: what the model says and what happened."""

    first: Floats  # [N] P(click) in the first slot, not calibrated
    actual: Floats  # [N] the same in the slot where the ad was
    clicked: Floats  # [N]
    slot: NDArray[np.int64]  # [N]
    rows: NDArray[np.int64]  # [N, F] values of the features that calibration looks at
    scenario: NDArray[np.str_]  # [N] "" where unknown
    user: NDArray[np.str_]  # [N]

    def part(self, index: slice) -> "Judged":
        """Some of the rows."""
        return Judged(
            first=self.first[index],
            actual=self.actual[index],
            clicked=self.clicked[index],
            slot=self.slot[index],
            rows=self.rows[index],
            scenario=self.scenario[index],
            user=self.user[index],
        )


class Measured(NamedTuple):
    """On held-out rows, as manifests hold it. scenarios: the calibrated click probability by scenario."""

    metrics: dict[str, float]
    scenarios: dict[str, dict[str, float]]


def split(samples: Samples, holdout: float) -> tuple[Samples, Samples]:
    """(learn, judge): by time where the rows have it and are in order, else by place."""
    if samples.ordered and "time_us" in samples.schema.names:
        return samples.split_by_time(1 - holdout)
    cut = round(len(samples) * (1 - holdout))
    return samples.slice(0, cut), samples.slice(cut)


def model_class(name: str) -> Callable[[Shape], ScoringModel]:
    """The model of a short name in ranking.METHODS, or of an import path "package.module:Class"."""
    factory: Callable[[Shape], ScoringModel] = named("train.ranking", name, METHODS, "Class")
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
    model = new_model(encoder, settings, recipe)
    table = table_of(encoder.rows, recipe.table, seed=seed, memory_mb=settings.memory_mb, device=recipe.training.device)
    blocks = LabelledBlocks.of(encoder, learn, label=label, extra=EXTRA if supervision else ())
    if supervision is None:
        fit(model, table, blocks, recipe.training, progress=progress)
    else:
        fit_supervised(model, table, blocks, recipe.training, supervision, progress)
    return Trained(encoder=encoder, model=model, table=table, method=settings.ranking)


def new_model(encoder: Encoder, settings: TrainSettings, recipe: Recipe) -> ScoringModel:
    """The model of the settings, as drawn by the recipe's seed."""
    make = model_class(settings.ranking)
    torch.manual_seed(recipe.training.seed)
    return make(Shape.of(encoder, recipe.table.width))


def fit_supervised(  # noqa: PLR0917  what `fit` takes, and the settings
    model: ScoringModel,
    table: EmbeddingTable,
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


def parts_to_learn(samples: Samples, settings: TrainSettings) -> list[Samples]:
    """The rows that the model to judge learns from and, with settings.refit, those of the model to serve."""
    learn, _ = split(samples, settings.holdout)
    return [learn, samples] if settings.refit else [learn]


def learn_and_judge(
    features: Sequence[Feature],
    samples: Samples,
    settings: TrainSettings,
    *,
    seed: int = 0,
    supervision: SupervisionSettings | None = None,
    progress: Progress | None = None,
    learner: Learner | None = None,
) -> tuple[Trained, CalibrationLearner, Measured]:
    """The model to serve, its calibration, and the metrics on the held-out rows.

    With settings.refit the model to serve has learned from all rows, and the calibration and the metrics are
    those of its twin that had not seen the held-out ones; the features of calibration are read by the encoder to serve.
    learner: who trains the models; None: this process.
    """

    def learned(rows: Samples) -> Trained:
        return learn_ranking(
            features, rows, settings, seed=seed, label=samples.label, supervision=supervision, progress=progress
        )

    taught = learner(progress) if learner else [learned(part) for part in parts_to_learn(samples, settings)]
    trained, served = taught[0], taught[-1]
    _, held = split(samples, settings.holdout)
    calibration = calibration_learner(settings, served.encoder, seed)
    judged = judge(trained, held, samples.label, calibration.fields)
    measured = measure(judged, calibration)
    learn_calibration(judged, calibration)
    return served, calibration, measured


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
            row_wise=settings.row_wise,
        ),
        training=replace(
            training,
            epochs=settings.epochs or training.epochs,
            batch_size=settings.batch or training.batch_size,
            rate=settings.dense_rate or training.rate,
            precision=settings.precision,
            compiled=settings.compiled,
            device=str(device_named(settings.device)),
            interleave=settings.interleave,
        ),
    )


def judge(trained: Trained, samples: Samples, label: str = "click", fields: Fields | None = None) -> Judged:
    """Predict all rows of `samples`, and read the values of the fields."""
    width = 0 if fields is None else len(fields.names)
    parts = [judge_table(trained, table, label, fields) for table in samples.tables()]
    if not parts:
        none = np.empty(0)
        text = np.empty(0, np.str_)
        whole = none.astype(np.int64)
        rows = np.empty((0, width), np.int64)
        return Judged(first=none, actual=none, clicked=none, slot=whole, rows=rows, scenario=text, user=text)
    return Judged(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in Judged.__slots__})


def judge_table(trained: Trained, table: pa.Table, label: str = "click", fields: Fields | None = None) -> Judged:
    """Predict the labelled rows of a table, and read the values of the fields."""
    fields = Fields(trained.encoder, ()) if fields is None else fields
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
        first=sigmoid(first),
        actual=sigmoid(actual),
        clicked=table[label].to_numpy().astype(np.float64),
        slot=slot,
        rows=fields.of({name: table[name] for name in table.column_names}, len(table)),
        scenario=texts_of(table, "scenario"),
        user=texts_of(table, "user"),
    )


def calibration_learner(settings: TrainSettings, encoder: Encoder, seed: int = 0) -> CalibrationLearner:
    """By the settings, over the fields of the encoder that will serve; over none where the method needs none."""
    names = settings.calibration_features if settings.calibration in WITH_TREES else ()
    return CalibrationLearner(
        method=settings.calibration,
        faith=FAITH,
        fields=Fields(encoder, names),
        mbct=MbctConfig(leaf_events=settings.calibration_leaf_events),
        seed=seed,
    )


def learn_calibration(judged: Judged, learner: CalibrationLearner) -> None:
    """Maps, trees and slot factors from held-out rows.

    They are learned on what the model says for the actual slot, and served on what it says for the first.
    """
    learner.fit_ctr(judged.actual, judged.clicked, scenario=judged.scenario, rows=judged.rows)
    learner.fit_slots(judged.slot, learner.calibrated(judged.first, judged.scenario, judged.rows), judged.clicked)


def measure(judged: Judged, learner: CalibrationLearner) -> Measured:
    """AUC and log-loss of the model, PCOC and ECE before and after a calibration fitted on the first half.

    The rows are taken in order: the first half fits a copy of the learner, the second judges.
    """
    half = len(judged.clicked) // 2
    early, late = judged.part(slice(0, half)), judged.part(slice(half, None))
    before = numbers_of(late.clicked, late.actual, late.user)
    learner = replace(learner)
    learner.fit_ctr(early.actual, early.clicked, scenario=early.scenario, rows=early.rows)
    after = learner.calibrated(late.actual, late.scenario, late.rows)
    served = numbers_of(late.clicked, after, late.user)
    raw = {f"raw_{name}": before[name] for name in ("auc", "pcoc", "ece", "log_loss") if name in before}
    parts = numbers_by_scenario(late.clicked, after, late.scenario)
    return Measured(_named(served | raw), {name: _named(numbers) for name, numbers in parts.items()})


def _named(numbers: Mapping[str, float]) -> dict[str, float]:
    """As metrics of clicks are called in a manifest."""
    return {name if name in {"rows", "rate"} else f"ctr_{name}": value for name, value in numbers.items()}
