"""One run of the AdaSparse study: a model learned by the one recipe, its AUC by scene, what it cuts and saves."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from adcascade.learning.export import example_ads, example_user, export
from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import Training, fit, predict
from adcascade.learning.model import ScoringModel, Shape
from adcascade.learning.scorer import open_session
from adcascade.metrics import auc
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.pruner import pruned_share
from adcascade.ranking.adasparse import AdaSparse, Folded

TABLE = TableConfig(width=8, rate=0.2, start=1e-3, init_std=0.05)
TRAINING = Training(batch_size=512, rate=2e-2)
ADS = 200  # of a request, where time is measured

Make = Callable[[Shape], ScoringModel]
Numbers = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A model that has learned, with its table."""

    model: ScoringModel
    table: PackedEmbedding

    def masks(self) -> list[torch.Tensor]:
        """π of each layer for each known scene, [C, N_l]; none where they are no matter of the scene alone."""
        if not isinstance(self.model, AdaSparse) or self.model.config.pruner.sees != "domain":
            return []
        with torch.no_grad():
            return list(self.model.masks(torch.from_numpy(self.table.weight[list(self.model.shape.scenarios)])))


def train(make: Make, shape: Shape, rows: int, learn: Labelled, seed: int, *, passes: int = 1) -> Trained:
    """One model by the one recipe, in so many passes over what it learns from."""
    torch.manual_seed(seed)
    model, table = make(shape), PackedEmbedding(rows, TABLE, seed=seed)
    fit(model, table, [learn], replace(TRAINING, epochs=passes, rows=len(learn), seed=seed))
    return Trained(model=model, table=table)


def aucs(trained: Trained, judge: Labelled, scenes: int) -> NDArray[np.float64]:
    """AUC within each scene, [C]."""
    score = predict(trained.model, trained.table, judge.batch)
    scene = judge.batch.scenario - 2
    return np.array([auc(judge.label[scene == c], score[scene == c]) for c in range(scenes)])


def sparsity(trained: Trained) -> Numbers:
    """Means over scenes: neurons cut, the share that the regulariser sees, and weights left on the ad's side."""
    model, masks = trained.model, trained.masks()
    if not masks or not isinstance(model, AdaSparse):
        return {}
    cut = np.mean([float((one <= 0).float().mean()) for one in masks])
    seen = np.mean([float(pruned_share(one).mean()) for one in masks])
    whole = matrices(model.first, model.layers, model.last)
    folded = [model.folded(torch.from_numpy(trained.table.weight[place])) for place in model.shape.scenarios]
    kept = [matrices(one.ad, one.layers) for one in folded if isinstance(one, Folded)]
    return {"sparsity": float(cut), "pruned share": float(seen), "weights": float(np.mean(kept)) / whole}


def matrices(*parts: torch.nn.Module) -> int:
    """Numbers in the matrices that meet an ad: the multiply-adds of an ad."""
    named = [one for part in parts for one in part.named_parameters()]
    return sum(one.numel() for name, one in named if one.ndim == 2 and name != "request_weight")


def timed(trained: Trained, rounds: int = 300) -> Numbers:
    """Microseconds a request of ADS ads by the folded graph of the largest scene and by the whole one, in turns."""
    model = trained.model
    known = model.shape.scenarios
    model.shape = replace(model.shape, scenarios=known[:1])
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        export(Path(folder), model, trained.table, "study")
        sessions = [open_session(Path(folder) / f"{name}.onnx") for name in ("score_2", "score")]
        model.shape = replace(model.shape, scenarios=known)
        ads = example_ads(model.shape, ADS)
        parts = model.user_state(example_user(model.shape))
    state = {f"state_{place}": part.numpy() for place, part in enumerate(parts)}
    given = {**state, "embedded": ads.embedded.numpy(), "dense": ads.dense.numpy()}
    spent = np.empty((rounds, 2))
    for turn in range(rounds):
        for place, (session, inputs) in enumerate(sessions):
            feed = {name: given[name] for name in inputs}
            start = time.thread_time()
            session.run(None, feed)
            spent[turn, place] = (time.thread_time() - start) * 1e6
    folded, whole = np.median(spent, axis=0)
    return {"us": float(folded), "us whole": float(whole)}
