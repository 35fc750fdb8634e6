"""Logistic regression: one weight a value, one a number (Richardson et al., "Predicting clicks", WWW 2007).

    logit = b + Σ_f w[id_f] + c · dense + mean over steps and sequences of w[item]

The weight of a value is the sum of its embedding, so a table of width 1 is the plain model. The
request's part is one number, computed once.

Reads: embedded, dense, history (as a mean), mask.
"""

import torch
from torch import Tensor, nn

from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.inputs import Inputs, history_mean


class LogisticRegression(ScoringModel):
    """Linear in everything; use it with a table of width 1."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.request_numbers = nn.Parameter(torch.zeros(shape.request_numbers))
        self.ad_numbers = nn.Parameter(torch.zeros(shape.ad_numbers))
        self.bias = nn.Parameter(torch.zeros(1))

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The request's part of the logit, [B]."""
        part = self.bias + user.embedded.sum(dim=(1, 2))
        if self.shape.request_numbers:
            part = part + user.dense @ self.request_numbers
        return (part + history_mean(user).sum(dim=1) if self.shape.sequences else part,)

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n]."""
        if not self.shape.ad_fields and not self.shape.ad_numbers:
            return state[0].expand(ads.embedded.shape[0])
        logit = state[0] + ads.embedded.sum(dim=(1, 2))
        # ONNX Runtime leaves the product of a width of zero uninitialised: no numbers, no product
        return logit + ads.dense @ self.ad_numbers if self.shape.ad_numbers else logit
