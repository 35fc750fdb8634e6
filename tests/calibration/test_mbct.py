"""Laws of calibration trees: the fast loops are the slow definitions, and a split has to earn its place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.calibration.maps import EDGE
from adcascade.calibration.mbct import LEAF, Trees
from adcascade.calibration.mbct_fit import Loss, MbctConfig, fit_trees, score_edges
from adcascade.calibration.mbct_nodes import Nodes
from adcascade.calibration.mbct_split import Rows, Split, best_split, count, settle
from adcascade.metrics import auc, log_loss
from adcascade.metrics.logistic import sigmoid

WIDTH = 6  # C
EASY = MbctConfig(leaf_events=1.0, z=0.0, prior_events=1.0, trees=3, depth=3, score_bins=5)


def world(seed: int, n: int, features: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Codes [n, F], scores [n] that know the features but not a pair of them, truth [n] and labels [n]."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 6, (n, features)).astype(np.uint8)
    known = -2.5 + random.normal(0, 0.5, (features, 6))[np.arange(features), codes].sum(axis=1)
    truth = sigmoid(known + random.normal(0, 0.8, (6, 6))[codes[:, 0], codes[:, 1]])
    return codes, sigmoid(known), truth, (random.random(n) < truth).astype(float)


def slowly(trees: Trees, p: float, codes: np.ndarray) -> float:
    """One sample through all trees, from the rules of the docstring."""
    for root in trees.roots:
        node = int(root)
        while trees.feature[node] != LEAF:
            f = trees.feature[node]
            code = int((trees.edges <= p).sum()) if f == len(codes) else int(codes[f])
            node = int(trees.left[node] if trees.goes_left[node, code] else trees.right[node])
        p = min(max(p * trees.k[node], EDGE), 1 - EDGE)
    return p


@given(seed=st.integers(0, 200))
@settings(max_examples=20)
def test_applying_equals_walking_by_hand(seed: int) -> None:
    """The compiled loop and a Python twin agree to the last bit; NaN stays NaN; leaves are leaves."""
    codes, p, _, y = world(seed, 400)
    trees = fit_trees(p, y, codes, EASY, random=np.random.default_rng(seed))
    p[0] = np.nan
    got = trees(p, codes)
    assert np.isnan(got[0])
    np.testing.assert_array_equal(got[1:], [slowly(trees, x, row) for x, row in zip(p[1:], codes[1:], strict=True)])
    leaves = trees.leaves(p, codes)
    assert (leaves[0] == LEAF).all()
    assert (trees.feature[leaves[1:]] == LEAF).all()


def best_by_hand(rows: Rows, config: MbctConfig) -> tuple[int, frozenset[int]]:
    """The best split of the root, straight from samples: feature, codes that go left."""
    k = rows.mass[:, 1].sum() / rows.mass[:, 2].sum()
    r = rows.mass[:, 1] - k * rows.mass[:, 2]
    judged = []
    for g in range(rows.codes.shape[1]):
        codes, everyone = rows.codes[:, g], range(WIDTH)
        first = rows.half == 0
        ratio = {c: _ratio(r, k * rows.mass[:, 2], (codes == c) & first, config.prior_events) for c in everyone}
        order = list(everyone) if g == rows.codes.shape[1] - 1 else sorted(everyone, key=lambda c: (ratio[c], c))
        cuts = [frozenset(order[:j]) for j in range(1, WIDTH)]
        allowed = [cut for cut in cuts if _events(rows, k, np.isin(codes, list(cut))) >= config.leaf_events]
        chosen = [(*_gain(rows, k, np.isin(codes, list(cut)), 0, config.loss), cut) for cut in allowed]
        if chosen:
            _, s, cut = max(chosen, key=lambda found: found[0])
            gain, again = _gain(rows, k, np.isin(codes, list(cut)), 1, config.loss)
            judged.append((gain if s * again > 0 else 0.0, g, cut))
    gain, g, cut = max(judged, key=lambda found: found[0], default=(0.0, LEAF, frozenset()))
    if gain == 0:
        return LEAF, frozenset()
    if g < rows.codes.shape[1] - 1:  # codes that nobody has follow the majority of the second half
        absent = set(range(WIDTH)) - set(rows.codes[:, g].tolist())
        second = rows.half == 1
        cut = cut | absent if np.isin(rows.codes[second, g], list(cut)).mean() > 0.5 else cut - absent
    return g, cut


def _events(rows: Rows, k: float, left: np.ndarray) -> float:
    """Expected events or non-events of the part that has the fewest."""
    w, _, p = rows.mass.T
    return float(min(min(k * p[m].sum(), (w - k * p)[m].sum()) for m in (left, ~left)))


def _gain(rows: Rows, k: float, left: np.ndarray, half: int, loss: str) -> tuple[float, float]:
    """What a cut gains in one half, and its contrast."""
    r = rows.mass[:, 1] - k * rows.mass[:, 2]
    w, _, p = rows.mass.T
    parts = [left & (rows.half == half), ~left & (rows.half == half)]
    n = [w[m].sum() for m in parts]
    if min(n) == 0:
        return 0.0, 0.0
    s = r[parts[0]].sum() - r[rows.half == half].sum() * n[0] / sum(n)
    gain = {
        "mvce": s * s * (1 / n[0] + 1 / n[1]),
        "log_loss": s * s / k * sum(1 / p[m].sum() for m in parts),
        "ece": abs(s),
    }
    return float(gain[loss]), float(s)


def _ratio(r: np.ndarray, expected: np.ndarray, mask: np.ndarray, prior: float) -> float:
    return float(r[mask].sum() / (expected[mask].sum() + prior)) if mask.any() else 0.0


@given(seed=st.integers(0, 300), loss=st.sampled_from(["mvce", "log_loss", "ece"]))
@settings(max_examples=40)
def test_the_search_finds_what_brute_force_finds(seed: int, loss: Loss) -> None:
    """Feature, codes and parts' masses of the best split, from cells and from samples alike."""
    random = np.random.default_rng(seed)
    n = 150
    codes = random.integers(0, WIDTH - seed % 3, (n, 3)).astype(np.uint8)
    y, p = (random.random(n) < 0.3).astype(float), random.uniform(0.1, 0.6, n)
    rows = Rows(codes, np.stack([np.ones(n), y, p], 1), random.integers(0, 2, n, np.uint8), np.zeros(n, np.int32))
    config = MbctConfig(leaf_events=3.0, loss=loss)
    cells = count(rows, np.zeros(1, np.int32), 1, WIDTH)[0]
    split = best_split(cells, loss, config.leaf_events, config.prior_events)
    feature, goes_left = best_by_hand(rows, config)
    assert split.feature == feature
    assert set(np.flatnonzero(split.goes_left)) == goes_left
    if feature != LEAF:
        left = np.isin(codes[:, feature], list(goes_left))
        second = rows.half == 1
        np.testing.assert_allclose(split.left, rows.mass[left & second].sum(axis=0))
        np.testing.assert_allclose(split.right, rows.mass[~left & second].sum(axis=0))


def test_a_parent_is_its_children() -> None:
    """Cells of the two children, counted after samples have moved, add up to the cells of their parent."""
    codes, p, _, y = world(3, 500, features=2)
    half = np.random.default_rng(0).integers(0, 2, 500, np.uint8)
    rows = Rows(codes, np.stack([np.ones(500), y, p], 1), half, np.zeros(500, np.int32))
    whole = count(rows, np.zeros(1, np.int32), 1, 6)[0]
    nodes = Nodes(3, 6, np.empty(0))
    root = nodes.leaf(1.0)
    nodes.split(root, best_split(whole, "mvce", 5.0, 1.0), 1.0, 1.0)
    settle(rows.place, rows.codes, nodes.trees([root]))
    parts = count(rows, np.array([-1, 0, 1], np.int32), 2, 6)
    np.testing.assert_allclose(parts.sum(axis=0), whole, atol=1e-9)


def test_a_split_that_does_not_pay_goes_unless_one_below_it_pays() -> None:
    """Node 0 (z = 1) splits into 1 (z = 5, stays) and 2 (z = 1, goes): 0 stays for the sake of 1."""
    nodes = Nodes(10, 2, np.empty(0))
    root = nodes.leaf(1.0)
    for node, z in ((root, 1.0), (1, 5.0), (2, 1.0)):
        nodes.split(node, Split(0, z, np.array([True, False]), np.ones(3), np.ones(3)), 1.0 + node, 2.0 + node)
    number = nodes.prune(root, 4.0)
    assert number.tolist() == [0, 1, 2, 3, 4, 2, 2]
    assert nodes.feature[:5].tolist() == [0, 0, LEAF, LEAF, LEAF]
    assert nodes.left[:5].tolist() == [1, 3, LEAF, LEAF, LEAF]
    assert nodes.count == 5
    assert nodes.prune(root, 9.0).tolist() == [0] * 5


def test_features_mend_what_the_score_does_not_know() -> None:
    """On rows not fitted: a quarter less distance to the truth, higher AUC; every leaf has its events."""
    codes, p, truth, y = world(5, 120_000)
    fit, new = slice(0, 60_000), slice(60_000, None)
    trees = fit_trees(p[fit], y[fit], codes[fit], MbctConfig(), random=np.random.default_rng(0))
    q = trees(p[new], codes[new])
    assert np.abs(q - truth[new]).mean() < 0.75 * np.abs(p[new] - truth[new]).mean()
    assert auc(y[new], q) > auc(y[new], p[new]) + 0.01
    first = trees.leaves(p[fit], codes[fit])[:, 0]
    assert min(p[fit][first == leaf].sum() for leaf in np.unique(first)) > 0.5 * MbctConfig().leaf_events


def test_noise_corrects_next_to_nothing() -> None:
    """A perfect score, ten features of 60 values that mean nothing, 20,000 rows: p moves by 2 % at most."""
    moved = 0.0
    for seed in range(10):
        random = np.random.default_rng(seed)
        p = sigmoid(random.normal(-2.5, 0.8, 20_000))
        codes = random.integers(0, 60, (20_000, 10)).astype(np.uint8)
        y = (random.random(20_000) < p).astype(float)
        moved += np.abs(fit_trees(p, y, codes, MbctConfig(), random=random)(p, codes) / p - 1).mean() / 10
    assert moved < 0.02


def test_ordering_and_measuring_on_the_same_rows_would_learn_noise() -> None:
    """The halves matter: with both halves the same samples, a feature of noise looks like a gain of many z."""
    random = np.random.default_rng(7)
    n = 20_000
    p = np.full(n, 0.1)
    y = (random.random(n) < p).astype(float)
    codes = np.stack([random.integers(0, 60, n), np.zeros(n, int)], axis=1).astype(np.uint8)
    mass = np.stack([np.ones(n), y, p], 1)
    honest = Rows(codes, mass, random.integers(0, 2, n, np.uint8), np.zeros(n, np.int32))
    cells = count(honest, np.zeros(1, np.int32), 1, 60)[0]
    leaking = np.repeat(cells.sum(axis=2, keepdims=True), 2, axis=2)
    assert best_split(cells, "mvce", 50.0, 50.0).z < 4
    assert best_split(leaking, "mvce", 50.0, 50.0).z > 6


def test_scores_of_one_leaf_keep_their_order() -> None:
    """With one tree, two samples of the same leaf are never turned around."""
    codes, p, _, y = world(6, 20_000)
    trees = fit_trees(p, y, codes, MbctConfig(trees=1, z=0.0), random=np.random.default_rng(0))
    q, leaf = trees(p, codes), trees.leaves(p, codes)[:, 0]
    for node in np.unique(leaf):
        order = np.argsort(p[leaf == node])
        assert (np.diff(q[leaf == node][order]) >= 0).all()


@given(low=st.floats(0.3, 1), high=st.floats(1, 3), seed=st.integers(0, 20))
@settings(max_examples=15)
def test_a_tree_never_corrects_by_more_than_its_bounds(low: float, high: float, seed: int) -> None:
    """k_low <= p^(1) / p <= k_high, and probabilities stay probabilities."""
    codes, p, _, y = world(seed, 2000)
    config = MbctConfig(trees=1, z=0.0, leaf_events=1.0, prior_events=0.0, bounds=(low, high))
    q = fit_trees(p, y, codes, config, random=np.random.default_rng(seed))(p, codes)
    assert (q >= low * p - 1e-12).all()
    assert (q <= np.minimum(high * p, 1) + 1e-12).all()


def test_a_weight_of_two_is_the_row_twice() -> None:
    """Trees over weighted rows are those over repeated ones, halves being the same."""
    codes, p, _, y = world(8, 3000)

    class Alternating(np.random.Generator):
        """Halves by the parity of the row, and equal for both copies of one."""

        def integers(self, low, high, size, dtype):  # type: ignore[no-untyped-def,override]
            return (np.arange(size) % 3000 % 2).astype(dtype)

    random = Alternating(np.random.PCG64(0))
    config = MbctConfig(trees=2, z=0.0, leaf_events=10.0)
    weighted = fit_trees(p, y, codes, config, random=random, weight=np.full(3000, 2.0))
    twice = fit_trees(np.tile(p, 2), np.tile(y, 2), np.tile(codes, (2, 1)), config, random=random)
    np.testing.assert_array_equal(weighted.feature, twice.feature)
    np.testing.assert_allclose(weighted.k, twice.k)


def test_the_same_seed_grows_the_same_trees_and_none_from_nothing() -> None:
    """Chance is an argument; without rows or without events there is nothing to correct."""
    codes, p, _, y = world(9, 5000)
    one, two = (fit_trees(p, y, codes, EASY, random=np.random.default_rng(1)) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    for rows in (slice(0, 0), slice(0, 50)):
        nothing = fit_trees(p[rows], 0 * y[rows], codes[rows], MbctConfig(), random=np.random.default_rng(1))
        np.testing.assert_array_equal(nothing(p, codes), p)


@given(p=st.lists(st.floats(0.001, 0.999), max_size=300), bins=st.integers(1, 20))
def test_edges_rise_and_are_no_more_than_asked_for(p: list[float], bins: int) -> None:
    """At most bins - 1 of them, whatever the ties."""
    edges = score_edges(np.array(p), bins)
    assert (np.diff(edges) > 0).all()
    assert len(edges) < bins


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"bounds": (2.0, 3.0)}, {"z": -1.0}, {"score_bins": 300}])
def test_a_configuration_that_means_nothing_is_refused(wrong: dict[str, float]) -> None:
    """ValueError names what is expected."""
    with pytest.raises(ValueError, match="expected"):
        MbctConfig(**wrong)  # type: ignore[arg-type]


def test_a_constant_factor_is_found_from_the_score_alone() -> None:
    """Scores above 0.2 are twice too high: without any feature the trees halve them, and log loss falls."""
    random = np.random.default_rng(10)
    truth = random.uniform(0.02, 0.4, 60_000)
    y = (random.random(len(truth)) < truth).astype(float)
    p = np.where(truth > 0.2, np.minimum(2 * truth, 0.99), truth)
    codes = np.zeros((len(p), 0), np.uint8)
    q = fit_trees(p, y, codes, MbctConfig(), random=random)(p, codes)
    assert q[truth > 0.2].sum() == pytest.approx(y[truth > 0.2].sum(), rel=0.05)
    assert log_loss(y, q) < log_loss(y, p)
