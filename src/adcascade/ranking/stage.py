"""RankingStage: the best ads by the predicted probability of a click in the first slot."""

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import Candidates, Opportunity
from adcascade.learning.scorer import Scorer


def sigmoid(logit: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 / (1 + e^-x) without overflow, elementwise.

    >>> sigmoid(np.array([0.0, 200.0, -200.0], np.float32)).tolist()
    [0.5, 1.0, 0.0]
    """
    half = np.tanh(0.5 * logit.astype(np.float64))
    return (0.5 * (1.0 + half)).astype(np.float32)


class RankingStage:
    """Sets ctr = score = P(click | seen in the first slot) and keeps the best `keep`, best first.

    Not for two threads at once: it owns the scorer's buffers.
    """

    name = "ranking"

    def __init__(self, scorer: Scorer, keep: int) -> None:
        self._scorer, self._keep = scorer, keep

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """At most `keep` candidates with ctr and score."""
        state = self._scorer.user(opportunity.features)
        ctr = sigmoid(self._scorer.score(state, candidates.ad))
        return candidates.with_(ctr=ctr, score=ctr).top(self._keep)
