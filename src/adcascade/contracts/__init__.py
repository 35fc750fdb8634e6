"""The nouns that travel between rooms: AdRequest, Opportunity, Candidates, Batch, Stage, Learner."""

from adcascade.contracts.batch import Batch
from adcascade.contracts.candidates import Candidates
from adcascade.contracts.request import AdRequest, Deal, Look, Rules, Slot, VideoSpec
from adcascade.contracts.stage import Learner, Opportunity, Stage

__all__ = [
    "AdRequest",
    "Batch",
    "Candidates",
    "Deal",
    "Learner",
    "Look",
    "Opportunity",
    "Rules",
    "Slot",
    "Stage",
    "VideoSpec",
]
