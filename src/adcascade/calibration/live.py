"""Live calibration: a running correction of the served click probability, so that money meets calibrated numbers.

A model calibrated on a past log is off on the traffic that it wins: the winner of an auction is, among other
things, the ad whose probability was over-estimated most (the winner's curse), and shoppers drift. So the server
compares, as it goes, the clicks it predicted for the impressions it served with the clicks that came:

    factor = (clicks + m) / (predicted + m),    both sums forgotten with a half-life of h predicted clicks

with m pseudo-clicks that pull towards 1. The factor multiplies ctr and keeps order. Between ads billed per click
it cancels in the auction (a price is the runner-up's eCPM over the winner's ctr), so a short memory, which follows
the drift closely, does no harm to them; it counts against reserves, floors and ads billed per impression, and in what
exchanges and advertisers are told. Compare the online calibration in He et al., "Practical lessons from
predicting clicks on ads at Facebook" (2014). What it sums are the predictions before its own correction, so
that it estimates the model's error and does not chase itself.
"""

from dataclasses import dataclass, field

import numpy as np

from adcascade.contracts import Candidates, Opportunity


@dataclass(slots=True)
class LiveCalibration:
    """The stage that multiplies ctr by one running factor, and learns it.

    half_life: in predicted clicks; pseudo_clicks: m; bounds: the factor never leaves them.
    """

    half_life: float = 150.0
    pseudo_clicks: float = 4.0
    bounds: tuple[float, float] = (0.3, 3.0)
    predicted: float = field(default=0.0)
    clicks: float = field(default=0.0)
    name: str = "live_calibration"

    @property
    def factor(self) -> float:
        """What ctr is multiplied by now."""
        raw = (self.clicks + self.pseudo_clicks) / (self.predicted + self.pseudo_clicks)
        least, most = self.bounds
        return min(max(raw, least), most)

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:  # noqa: ARG002  one factor for all
        """The same candidates with corrected ctr, at most 1."""
        corrected = np.minimum(candidates.ctr * np.float32(self.factor), np.float32(1.0))
        return candidates.with_(ctr=corrected)

    def served(self, slot_ctr: float, factor: float) -> None:
        """An impression happened: the click probability it was served with, and the factor in that probability."""
        raw = slot_ctr / factor
        keep = 0.5 ** (raw / self.half_life)
        self.predicted = self.predicted * keep + raw
        self.clicks *= keep

    def clicked(self) -> None:
        """One of those impressions was clicked."""
        self.clicks += 1.0
