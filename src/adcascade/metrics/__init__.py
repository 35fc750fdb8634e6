"""Metrics: pure functions over arrays; labels in [0, 1], probabilities, scores, weights."""

from adcascade.metrics.auc import auc
from adcascade.metrics.ece import ece
from adcascade.metrics.field_error import field_error
from adcascade.metrics.funnel import pair_agreement, winner_recall
from adcascade.metrics.gauc import gauc
from adcascade.metrics.log_loss import log_loss, normalised_entropy
from adcascade.metrics.mvce import mvce
from adcascade.metrics.ndcg import ndcg
from adcascade.metrics.pcoc import pcoc
from adcascade.metrics.recall import recall_at_k

__all__ = [
    "auc",
    "ece",
    "field_error",
    "gauc",
    "log_loss",
    "mvce",
    "ndcg",
    "normalised_entropy",
    "pair_agreement",
    "pcoc",
    "recall_at_k",
    "winner_recall",
]
