"""Report: the numbers of a run, from what was shown."""

import numpy as np
from numpy.typing import NDArray

from adcascade.closedloop.shown import Shown
from adcascade.metrics import auc, ece, pcoc

MICROS = 1e6
Numbers = dict[str, float]


def outcome_of(shown: Shown, requests: int) -> Numbers:
    """What a policy brought. RPM, welfare and surplus are per thousand requests, in units of the currency.

    welfare: what the clicks are worth to the advertisers, by the true click probabilities of what was shown (so
    the luck of single clicks does not blur the comparison); surplus: welfare less what was charged for real.
    """
    welfare = float((shown.truth * shown.value).sum())
    charged = float(shown.charged.sum())
    expected = float((np.where(shown.per_click, shown.truth, 1.0) * shown.price).sum())
    per = 1000.0 / max(requests, 1) / MICROS
    clicks = float(shown.clicked.sum())
    return {
        "requests": float(requests),
        "impressions": float(len(shown)),
        "clicks": clicks,
        "conversions": float(shown.converted.sum()),
        "ctr": clicks / max(len(shown), 1),
        "true_ctr": float(shown.truth.mean()) if len(shown) else 0.0,
        "cvr": float(shown.converted.sum()) / max(clicks, 1.0),
        "rpm": charged * per,
        "rpm_expected": expected * per,
        "welfare": welfare * per,
        "advertisers_surplus": (welfare - charged) * per,
        "fill": len(shown) / max(requests, 1),
    }


def prediction_of(shown: Shown) -> Numbers:
    """How good the calibrated predictions were on what the policy chose itself (explored slots are left out)."""
    own = shown.where(~shown.explored & ~np.isnan(shown.predicted))
    if not own.clicked.any() or own.clicked.all():
        return {}
    clicked = own.clicked.astype(np.float64)
    numbers = {
        "ctr_auc": auc(clicked, own.predicted),
        "ctr_pcoc": pcoc(clicked, own.predicted),
        "ctr_ece": ece(clicked, own.predicted),
        "ctr_pcoc_true": float(own.predicted.sum() / own.truth.sum()),
        "ctr_correlation_true": float(np.corrcoef(own.predicted, own.truth)[0, 1]),
    }
    bought = own.where(own.clicked & ~np.isnan(own.predicted_cvr))
    if len(bought) and bought.truth_cvr.sum() > 0:
        numbers["cvr_pcoc_true"] = float(bought.predicted_cvr.sum() / bought.truth_cvr.sum())
    return numbers


def explored_prediction_of(shown: Shown) -> Numbers:
    """AUC of the predictions on uniformly explored slots: free of the policy's own selection."""
    free = shown.where(shown.explored & ~np.isnan(shown.predicted))
    if not free.clicked.any() or free.clicked.all():
        return {}
    return {"ctr_auc_explored": auc(free.clicked.astype(np.float64), free.predicted)}


def percentiles(nanoseconds: NDArray[np.float64]) -> Numbers:
    """p50 and p99 in milliseconds."""
    if not len(nanoseconds):
        return {"ms_p50": 0.0, "ms_p99": 0.0}
    p50, p99 = np.percentile(nanoseconds, [50, 99]) / 1e6
    return {"ms_p50": float(p50), "ms_p99": float(p99)}
