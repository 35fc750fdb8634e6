"""An unlearned installation: a made-up shop, and a bundle whose models have learned nothing.

What serving costs hangs on sizes, not on what models know; and what shards find together can be compared with what one
engine finds, whatever the models say. So the encoder is fitted on rows drawn by chance and every model is exported as
it was initialised: made within seconds, where a market would have to be lived through first. Imports torch.
"""

import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import torch

from adcascade.calibration.slots import write_slot_factors
from adcascade.calibration.stored import StoredCalibration, write_calibration
from adcascade.cascade.bundle import Bundles, Manifest
from adcascade.cascade.features import features_of
from adcascade.cascade.named import named
from adcascade.closedloop.made_up import WHEN_US, Sizes, make_shop, samples
from adcascade.conversion.stage import RATE_FILE, Rate
from adcascade.creative.counts import VariantCounts, write_counts
from adcascade.features.encoder import Encoder
from adcascade.learning.export import export
from adcascade.learning.labelled import LabelledBlocks
from adcascade.learning.loop import fit
from adcascade.learning.model import Shape
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.preranking.export import export_student
from adcascade.preranking.mlp import PrerankingMLP
from adcascade.ranking import METHODS
from adcascade.ranking.recipes import RECIPES
from adcascade.retrieval.two_tower import TwoTowerLearner
from adcascade.settings import FeatureSettings, load_settings


def make_unlearned(directory: Path, sizes: Sizes) -> Manifest:
    """Catalog, settings and a promoted bundle, in an absent or empty folder."""
    make_shop(directory, sizes)
    return write_unlearned(directory, sizes)


def write_unlearned(directory: Path, sizes: Sizes) -> Manifest:
    """Export models as they are initialised, and promote the bundle."""
    settings, seed = load_settings(directory), sizes.seed
    encoder = Encoder.fit(features_of(settings.features), [samples(sizes)])
    bundles = Bundles(settings.bundles_path)
    manifest = bundles.write(
        lambda folder: _fill(folder, encoder, sizes, seed),
        created_us=WHEN_US + seed * 1_000_000,
        schema=encoder.fingerprint,
        methods={"retrieval": "two_tower", "preranking": "mlp", "ranking": sizes.ranking},
        metrics={},
    )
    bundles.promote(manifest.version)
    return manifest


def _fill(folder: Path, encoder: Encoder, sizes: Sizes, seed: int) -> None:
    """Every stage's folder."""
    for name in ("features", "retrieval", "preranking", "ranking", "conversion", "calibration", "creative"):
        (folder / name).mkdir()
    encoder.save(folder / "features")
    torch.manual_seed(seed)
    TwoTowerLearner(encoder).export(folder / "retrieval")
    shape, config = Shape.of(encoder, sizes.width), TableConfig(width=sizes.width, init_std=0.5)
    table = PackedEmbedding(encoder.rows, config, seed=seed)
    export_student(folder / "preranking", PrerankingMLP(shape), table, encoder.fingerprint)
    make: Any = named("ranking", sizes.ranking, METHODS, "Class")
    export(folder / "ranking", make(shape), PackedEmbedding(encoder.rows, config, seed=seed + 1), encoder.fingerprint)
    (folder / "conversion" / RATE_FILE).write_bytes(msgspec.json.encode(Rate(cvr=0.03)))
    write_calibration(folder / "calibration", StoredCalibration())
    write_slot_factors(folder / "calibration", np.array([1.0, 0.7, 0.5]))
    write_counts(folder / "creative", VariantCounts())


def training_rate(sizes: Sizes, rows: int) -> float:
    """Rows a second of CPU that the ranker is trained on, encoding included, on rows and clicks by chance."""
    features = features_of(FeatureSettings(context=tuple(sizes.context), ad_attributes=tuple(sizes.attributes)))
    drawn = samples(sizes)
    encoder = Encoder.fit(features, [drawn])
    random = np.random.default_rng(sizes.seed)
    table = drawn.take(random.integers(0, len(drawn), rows))
    table = table.append_column("click", pa.array(random.random(rows) < 0.1, pa.int8()))
    recipe = RECIPES[sizes.ranking].of(rows=rows, seed=sizes.seed)
    make: Any = named("ranking", sizes.ranking, METHODS, "Class")
    model, weights = make(Shape.of(encoder, recipe.table.width)), PackedEmbedding(encoder.rows, recipe.table)
    began = time.process_time()
    fit(model, weights, LabelledBlocks(encoder, lambda: [table]), recipe.training)
    return rows / (time.process_time() - began)
