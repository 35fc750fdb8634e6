"""MBCT, learning: growing calibration trees by the loss that they lower (arXiv 2202.04348, WWW 2022).

A node is a set of samples with current probabilities p. Its own correction is a factor, k = Σy / Σp. It is split
where its two parts, under the node's k, are off in opposite directions:

    gain = Σ_c |c| / n · [ MVCE(c; k_node p) - MVCE(c; k_c p) ]  ~  Σ_c (Σ_{i in c} r_i)² / |c|,    r = y - k_node p

which is what MVCE with root mean squares and large bins comes to (mbct_split.py finds the best split). Trees are
boosted: the next one starts from the probabilities of the one before.

Overfitting is what makes such trees harmful, so a split has to earn its place:
- one half of the samples chooses a cut for each feature, and the other measures its gain and the factors of its parts,
  halves being drawn anew for each tree: what was fitted to noise gains nothing and corrects nothing;
- a split is kept if its gain is z² times what pure noise would gain on average, ȳ(1 - ȳ), or if one below it is: two
  features may mean nothing alone and much together, so a tree is grown whole and then pruned;
- both parts hold at least `leaf_events` expected events, so that k is known to about sqrt(2 / leaf_events);
- k is drawn towards 1 by `prior_events` events, and kept within `bounds`.
Boosting ends when `tries` trees in a row kept no split (the paper: when held-out MVCE stops falling, which its noise
floor hides).

Left of the paper: the score's bins hold equally many samples, since click rates crowd near zero, and are split in
their natural order; pruning; and the authors' merging of equal rows is not needed where histograms are counted.

Letters in shapes: N samples, F features, G = F + 1 with the score, C codes, S nodes of one level that are counted.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from adcascade.calibration.mbct import LEAF, Codes, Floats, Trees
from adcascade.calibration.mbct_nodes import Nodes
from adcascade.calibration.mbct_split import Rows, best_split, bin_scores, correct, count, settle

Loss = Literal["mvce", "log_loss", "ece"]
SAMPLED = 100_000  # scores that edges are taken from


@dataclass(frozen=True, slots=True, kw_only=True)
class MbctConfig:
    """How many trees, how deep, and what a split has to show."""

    trees: int = 20  # at most
    depth: int = 4
    leaf_events: float = 50.0  # expected events (or non-events, where these are rarer) in a leaf
    z: float = 4.0  # standard deviations of noise
    prior_events: float = 20.0
    bounds: tuple[float, float] = (0.3, 3.0)  # of k
    score_bins: int = 100
    tries: int = 5  # trees without a split, before boosting ends
    loss: Loss = "mvce"

    def __post_init__(self) -> None:
        if not (self.trees >= 0 and 1 <= self.depth <= 12 and 1 <= self.score_bins <= 256):
            raise ValueError(f"{self}: expected trees >= 0, depth in 1..12 and score_bins in 1..256")
        if not (0 < self.bounds[0] <= 1 <= self.bounds[1] and min(self.leaf_events, self.prior_events, self.z) >= 0):
            raise ValueError(f"{self}: expected bounds around 1, and leaf_events, prior_events and z not below 0")


def fit_trees(
    predicted: Floats,
    happened: Floats,
    codes: Codes,
    config: MbctConfig,
    *,
    random: np.random.Generator,
    weight: Floats | None = None,
) -> Trees:
    """Trees for predictions in (0, 1), labels in [0, 1], codes [N, F] and weights of mean about 1 (1, if None)."""
    p = np.array(predicted, np.float64)
    w = np.ones(len(p)) if weight is None else np.asarray(weight, np.float64)
    edges = score_edges(p, config.score_bins)
    width = 1 + max(len(edges), int(codes.max(initial=0)))  # C
    nodes = Nodes((config.trees + 1) * (2 ** (config.depth + 1) - 1), width, edges)
    with_score = np.concatenate([codes, np.zeros((len(p), 1), np.uint8)], axis=1)  # [N, G]
    mass = np.stack([w, w * happened, w * p], axis=1)
    roots: list[int] = []
    failed = 0
    while len(roots) < config.trees and failed < config.tries:
        bin_scores(p, edges, with_score)
        half = random.integers(0, 2, len(p), np.uint8)
        root = nodes.count
        rows = Rows(with_score, mass, half, np.full(len(p), root, np.int32))
        _grow(nodes, rows, config)
        leaf = nodes.prune(root, config.z)[rows.place]
        if nodes.feature[root] == LEAF:
            nodes.count = root
            failed += 1
            continue
        roots.append(root)
        failed = 0
        correct(p, mass, leaf, nodes.k)
    return nodes.trees(roots)


def score_edges(p: Floats, bins: int) -> Floats:
    """Edges [E <= bins - 1], rising, that cut the scores [N] into bins of about equally many."""
    if not len(p):
        return np.empty(0)
    some = p[:: max(1, len(p) // SAMPLED)]
    return np.unique(np.quantile(some, np.arange(1, bins) / bins, method="higher"))


def _grow(nodes: Nodes, rows: Rows, config: MbctConfig) -> None:
    """Grow one tree level by level, the samples moving down with it.

    Of two children the smaller is counted; the larger one is their parent less the smaller.
    """
    root = nodes.leaf(1.0)
    level = {root: _cells(rows, [root], nodes)[0]}  # node -> its cells [G, C, 2, 3]
    for depth in range(config.depth):
        children: dict[int, tuple[int, int]] = {}
        for node, cells in level.items():
            split = best_split(cells, config.loss, config.leaf_events, config.prior_events)
            if split.feature != LEAF:
                children[node] = nodes.split(node, split, _factor(split.left, config), _factor(split.right, config))
        if not children:
            return
        settle(rows.place, rows.codes, nodes.trees([root]))
        if depth + 1 < config.depth:
            counted = _cells(rows, [small for small, _ in children.values()], nodes)
            parents, level = level, {}
            for (node, (small, large)), cells in zip(children.items(), counted, strict=True):
                level[small], level[large] = cells, parents[node] - cells


def _cells(rows: Rows, counted: list[int], nodes: Nodes) -> Floats:
    """The cells [S, G, C, 2, 3] of S nodes."""
    slot = np.full(nodes.count, LEAF, np.int32)
    slot[counted] = np.arange(len(counted))
    cells: Floats = count(rows, slot, len(counted), nodes.goes_left.shape[1])
    return cells


def _factor(mass: Floats, config: MbctConfig) -> float:
    """k of the samples with (Σw, Σw y, Σw p)."""
    k = (mass[1] + config.prior_events) / (mass[2] + config.prior_events)
    return float(np.clip(k, *config.bounds))
