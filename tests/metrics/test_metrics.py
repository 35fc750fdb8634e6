"""Laws of the metrics, beside brute force and scikit-learn."""

import doctest
import importlib
import math
import pkgutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

import adcascade.metrics
from adcascade.metrics import (
    auc,
    ece,
    gauc,
    log_loss,
    ndcg,
    normalised_entropy,
    pair_agreement,
    pcoc,
    recall_at_k,
    winner_recall,
)

samples = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20), st.integers(0, 3)), min_size=1, max_size=60)


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(adcascade.metrics.__path__)])
def test_examples_in_docstrings_are_true(name: str) -> None:
    """Each example that a docstring shows gives what it shows."""
    module = importlib.import_module(f"adcascade.metrics.{name}")
    assert doctest.testmod(module).failed == 0


@given(samples)
def test_auc_counts_pairs(rows: list[tuple[int, int, int]]) -> None:
    """AUC is the share of (click, no click) pairs in the right order, ties one half."""
    y, s, _ = np.array(rows).T
    pairs = [(a > b) + 0.5 * (a == b) for a in s[y == 1] for b in s[y == 0]]
    expected = np.mean(pairs) if pairs else math.nan
    assert auc(y, s) == pytest.approx(expected, nan_ok=True)


@given(samples)
def test_auc_with_weights_equals_repeated_rows(rows: list[tuple[int, int, int]]) -> None:
    """A row of weight w counts as w rows."""
    y, s, w = np.array(rows).T
    assert auc(y, s, w) == pytest.approx(auc(np.repeat(y, w), np.repeat(s, w)), nan_ok=True)


@given(samples)
def test_auc_agrees_with_scikit_learn(rows: list[tuple[int, int, int]]) -> None:
    """The same number as roc_auc_score where both classes are present."""
    y, s, _ = np.array(rows).T
    if 0 < y.sum() < len(y):
        assert auc(y, s) == pytest.approx(sk.roc_auc_score(y, s))


@given(samples)
def test_gauc_is_the_mean_of_the_groups_own_aucs(rows: list[tuple[int, int, int]]) -> None:
    """GAUC averages the AUC of each group that has both classes, weighted by its size."""
    y, s, g = np.array(rows).T
    groups = [g == one for one in np.unique(g) if 0 < y[g == one].mean() < 1]
    expected = np.average([auc(y[m], s[m]) for m in groups], weights=[m.sum() for m in groups]) if groups else math.nan
    assert gauc(y, s, g) == pytest.approx(expected, nan_ok=True)


@given(samples)
def test_log_loss_agrees_with_scikit_learn(rows: list[tuple[int, int, int]]) -> None:
    """The same number as sklearn.metrics.log_loss on probabilities inside (0, 1)."""
    y, s, _ = np.array(rows).T
    p = (s + 0.5) / 21
    assert log_loss(y, p) == pytest.approx(sk.log_loss(y, p, labels=[0, 1]))


@given(samples)
def test_the_mean_has_normalised_entropy_one(rows: list[tuple[int, int, int]]) -> None:
    """Predicting the mean label everywhere is worth exactly nothing; NaN where all labels agree."""
    y, _, _ = np.array(rows).T
    expected = 1.0 if 0 < y.mean() < 1 else math.nan
    assert normalised_entropy(y, np.full(len(y), y.mean())) == pytest.approx(expected, nan_ok=True)


@given(samples, st.floats(0.5, 2))
def test_pcoc_is_proportional_to_the_predictions(rows: list[tuple[int, int, int]], factor: float) -> None:
    """Predictions times a factor give PCOC times that factor; NaN without a click."""
    y, s, w = np.array(rows).T
    p = s / 40
    expected = factor * pcoc(y, p, w)
    assert pcoc(y, factor * p, w) == pytest.approx(expected, nan_ok=True)
    assert math.isnan(pcoc(np.zeros(3), np.ones(3)))


@given(samples, st.integers(1, 10), st.sampled_from(["mass", "width"]))
def test_ece_is_the_weighted_gap_of_the_bins(rows: list[tuple[int, int, int]], bins: int, kind: str) -> None:
    """Bin by bin, the gap between mean prediction and mean label, weighted by the bin's size."""
    y, s, _ = np.array(rows).T
    p = s / 20
    if kind == "width":
        place = [min(int(x * bins), bins - 1) for x in p]
    else:
        place = [int((p < x).sum()) * bins // len(p) for x in p]
    gaps = [
        abs(np.mean(p[np.array(place) == b]) - np.mean(y[np.array(place) == b])) * place.count(b) for b in set(place)
    ]
    assert ece(y, p, bins=bins, kind=kind) == pytest.approx(sum(gaps) / len(y))  # type: ignore[arg-type]


def test_ece_of_the_truth_is_zero_and_of_nothing_unknown() -> None:
    """Probabilities that are the labels have no gap; no sample at all gives NaN."""
    assert ece([0, 1, 1], [0.0, 1.0, 1.0]) == 0
    assert math.isnan(ece([], []))


@given(st.sets(st.integers(0, 30), min_size=1), st.lists(st.integers(0, 30), unique=True), st.integers(0, 35))
def test_recall_counts_what_was_found(wanted: set[int], found: list[int], k: int) -> None:
    """The share of the wanted ids among the first k, and never less for a larger k."""
    assert recall_at_k(list(wanted), found, k) == len(wanted & set(found[:k])) / len(wanted)
    assert recall_at_k(list(wanted), found, k) <= recall_at_k(list(wanted), found, k + 1)


def test_recall_of_nothing_is_unknown() -> None:
    """With nothing wanted there is no share."""
    assert math.isnan(recall_at_k([], [1, 2]))


@given(st.lists(st.integers(0, 5), min_size=2, max_size=20), st.integers(1, 25))
def test_ndcg_agrees_with_scikit_learn(gain: list[int], k: int) -> None:
    """The same number as sklearn.metrics.ndcg_score where no scores tie."""
    score = np.random.default_rng(len(gain) + k).permutation(len(gain)).astype(float)
    expected = sk.ndcg_score([gain], [score], k=k) if any(gain) else math.nan
    assert ndcg(gain, score, k) == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=15))
def test_pair_agreement_counts_pairs(rows: list[tuple[int, int]]) -> None:
    """Over pairs that the late stage orders: 1 for the same order, one half for a tie, 0 for the opposite."""
    pairs = [(a, b) for i, a in enumerate(rows) for b in rows[:i] if a[1] != b[1]]
    votes = [0.5 if a[0] == b[0] else float((a[0] > b[0]) == (a[1] > b[1])) for a, b in pairs]
    expected = np.mean(votes) if votes else math.nan
    early, late = [row[0] for row in rows], [row[1] for row in rows]
    assert pair_agreement(early, late) == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.integers(0, 20), min_size=1, unique=True), st.integers(1, 5))
def test_winner_recall_never_rises_down_the_funnel(ads: list[int], winners: int) -> None:
    """What a stage lost, no later stage finds again."""
    recall = winner_recall(ads[:winners], [ads, ads[: len(ads) // 2], ads[: len(ads) // 4]])
    assert recall[0] == 1
    assert recall == sorted(recall, reverse=True)
