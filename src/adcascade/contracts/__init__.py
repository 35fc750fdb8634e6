"""The nouns that travel between rooms: AdRequest, Opportunity, Candidates, Batch, Stage, Learner."""

from adcascade.contracts.batch import Batch
from adcascade.contracts.candidates import Candidates
from adcascade.contracts.request import AdRequest, Slot
from adcascade.contracts.stage import Learner, Opportunity, Stage

__all__ = ["AdRequest", "Batch", "Candidates", "Learner", "Opportunity", "Slot", "Stage"]
