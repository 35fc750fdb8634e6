"""ExFM on Criteo's display log: a committee that knows the past teaches a small DCN-V2 that sees the present.

The teacher learns from the first 48,000 rows; the student makes one pass over the 16,000 that follow, with what the
teacher says of them; both are judged on the 8,000 rows after those. No row is scored by who has learned from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import torch

from adcascade.events.importers.base import Options
from adcascade.events.importers.criteo import CRITEO, FEATURES
from adcascade.features import Encoder, Feature
from adcascade.learning.external_distillation import EXTRA
from adcascade.learning.labelled import labelled
from adcascade.learning.loop import fit, predict
from adcascade.learning.model import Shape
from adcascade.learning.supervision import AGE, TEACHER
from adcascade.metrics.logistic import sigmoid
from adcascade.nn.packed import PackedEmbedding
from adcascade.ranking.committee import Committee
from adcascade.ranking.recipes import RECIPES
from adcascade.studies.exfm_students import Plan, Way, judged, student
from adcascade.studies.exfm_world import Floats

NAME = "criteo_display"
SOURCE = "https://www.kaggle.com/c/criteo-display-ad-challenge"
PAST, PRESENT = 48_000, 16_000


@dataclass(frozen=True, slots=True)
class Log:
    """The three stretches of the log."""

    past: pa.Table
    present: pa.Table
    future: pa.Table
    features: tuple[Feature, ...]


def read_log(folder: Path) -> Log:
    """The folder's train.parquet and valid.parquet."""
    train, future = (pa.concat_tables(_tables(folder / name)) for name in ("train.parquet", "valid.parquet"))
    end, features = len(train), msgspec.convert(FEATURES, tuple[Feature, ...])
    return Log(
        train.slice(end - PAST - PRESENT, PAST),
        train.slice(end - PRESENT),
        future,
        features,
    )


def _tables(file: Path) -> Iterator[pa.Table]:
    log = CRITEO.read([file], Options())
    return iter(log.tables)


def criteo(log: Log, seed: int, ways: dict[str, Way]) -> dict[str, dict[str, float]]:
    """A student of each way, and the teacher."""
    said = taught(log, seed)
    present = log.present.append_column(TEACHER, pa.array(said[: len(log.present)], pa.float32()))
    present = present.append_column(AGE, pa.array(np.zeros(len(present)), pa.float32()))
    encoder = Encoder.fit(log.features, [present])
    recipe = RECIPES["dcn_v2"]
    plan = Plan(
        shape=Shape.of(encoder, recipe.table.width),
        rows=encoder.rows,
        batch=recipe.training.batch_size,
        rate=recipe.training.rate,
        table_rate=recipe.table.rate,
        falling=True,
    )
    blocks = [labelled(encoder, present, extra=EXTRA)]
    held = labelled(encoder, log.future)
    clicks = held.label.astype(np.float64)
    found = {name: judged(clicks, student(plan, way, blocks, seed)(held.batch)) for name, way in ways.items()}
    return {"teacher": judged(clicks, said[len(log.present) :]), **found}


def taught(log: Log, seed: int) -> Floats:
    """What the committee says of the present and of the future, end to end."""
    encoder = Encoder.fit(log.features, [log.past])
    recipe = RECIPES["committee"].of(rows=len(log.past), seed=seed)
    torch.manual_seed(seed)
    model = Committee(Shape.of(encoder, recipe.table.width))
    table = PackedEmbedding(encoder.rows, recipe.table, seed=seed)
    fit(model, table, [labelled(encoder, log.past)], recipe.training)
    later = (labelled(encoder, part).batch for part in (log.present, log.future))
    return sigmoid(np.concatenate([predict(model, table, batch) for batch in later]).astype(np.float64))
