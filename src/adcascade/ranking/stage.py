"""RankingStage: the best ads by the predicted probability of a click in the first slot."""

from adcascade.contracts import Candidates, Opportunity
from adcascade.learning.scorer import Scorer
from adcascade.metrics.logistic import probability


class RankingStage:
    """Sets ctr = score = P(click | seen in the first slot) and keeps the best `keep`, best first.

    Not for two threads at once: it owns the scorer's buffers.
    """

    name = "ranking"

    def __init__(self, scorer: Scorer, keep: int) -> None:
        self.scorer, self._keep = scorer, keep

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """At most `keep` candidates with ctr and score."""
        state = self.scorer.user(opportunity.features)
        ctr = probability(self.scorer.score(state, candidates.ad))
        return candidates.with_(ctr=ctr, score=ctr).top(self._keep)
