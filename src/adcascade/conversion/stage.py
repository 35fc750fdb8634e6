"""The conversion stage: how likely a click on each candidate leads to a conversion."""

from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from adcascade.contracts import Candidates, Opportunity
from adcascade.errors import BundleError
from adcascade.features import AdFeatures
from adcascade.learning.scorer import Scorer
from adcascade.metrics.logistic import probability

RATE_FILE = "rate.json"


class Rate(msgspec.Struct, frozen=True):
    """What stands in for a model where conversions were too few for one."""

    cvr: float


class ConversionStage:
    """Sets cvr = P(conversion | click); order and score are left as they are.

    Of a scorer, or of one rate for all. Not for two threads at once: it owns the scorer's buffers.
    """

    name = "conversion"

    def __init__(self, scorer: Scorer | None, rate: float = float("nan")) -> None:
        self._scorer, self._rate = scorer, rate

    @classmethod
    def load(cls, folder: Path, ads: AdFeatures) -> Self:
        """From what ConversionLearner exported: a model, or rate.json. BundleError where neither can be read."""
        path = folder / RATE_FILE
        if not path.exists():
            return cls(Scorer(folder, ads))
        try:
            return cls(None, msgspec.json.decode(path.read_bytes(), type=Rate).cvr)
        except msgspec.MsgspecError as error:
            raise BundleError(f"{path} holds no rate ({error}); build the bundle again") from error

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """The same candidates with cvr."""
        if self._scorer is None:
            return candidates.with_(cvr=np.full(len(candidates), self._rate, np.float32))
        logit = self._scorer.score(self._scorer.user(opportunity.features), candidates.ad)
        return candidates.with_(cvr=probability(logit))
