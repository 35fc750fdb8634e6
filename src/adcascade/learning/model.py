"""ScoringModel: a model that computes the request's side once and then scores any number of ads.

DeepModel: one whose last step is a linear map of a hidden vector, beside which training may set further heads.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from adcascade.features import Encoder
from adcascade.nn.inputs import Inputs


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The widths that a model must know; `Shape.of(encoder, width)` reads them off an encoder."""

    width: int  # K, of an embedding
    request_fields: int
    request_numbers: int
    ad_fields: int
    ad_numbers: int  # with the matches, which stand last
    matches: int = 0  # M, of what request and ad have in common; 0 for a model whose sides do not meet
    sequences: int = 0  # S
    length: int = 0  # L
    targets: tuple[int, ...] = ()  # [S] which ad field the items of each sequence are of
    scenario: int | None = None  # which request field is the scenario
    scenarios: range = range(0)  # rows of the packed table of the known scenarios

    @classmethod
    def of(cls, encoder: Encoder, width: int, *, matching: bool = True) -> "Shape":
        """The widths of what this encoder encodes, with embeddings of `width`; matching: the model reads matches."""
        matches = len(encoder.matches) if matching else 0
        return cls(
            width=width,
            request_fields=encoder.request_fields,
            request_numbers=encoder.request_numbers,
            ad_fields=encoder.ad_fields,
            ad_numbers=encoder.ad_numbers + matches,
            matches=matches,
            sequences=encoder.sequences,
            length=encoder.length,
            targets=encoder.targets,
            scenario=encoder.scenario_field,
            scenarios=encoder.scenario_rows,
        )

    @property
    def request_flat(self) -> int:
        """Width of the request's embeddings and numbers end to end, its history left out."""
        return self.request_fields * self.width + self.request_numbers

    @property
    def ad_flat(self) -> int:
        """Width of the ad's embeddings and numbers end to end."""
        return self.ad_fields * self.width + self.ad_numbers


class ScoringModel(nn.Module, ABC):
    """Subclasses give `user_state` and `score`; training calls `forward`, export makes a graph of each.

    `shape` says what the model reads. A state is a tuple of tensors with leading dimension B, or 1 when
    one request meets n ads: `score` must broadcast.
    """

    shape: Shape
    ragged: bool = False  # whether `forward` takes the request's history as the steps that are there, [N, S, K]

    @abstractmethod
    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """What the scores need of the request's side, leading dimension B."""

    @abstractmethod
    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n] of n ads; the state has leading dimension n or 1."""

    def learn(self, user: Inputs, ads: Inputs) -> Tensor:
        """Logits [B, M] to compare with the labels while training: M = 1, or the M members that learn apart."""
        return self(user, ads)[:, None]  # type: ignore[no-any-return]

    def loss(self, user: Inputs, ads: Inputs, label: Tensor, weight: Tensor) -> Tensor:
        """What a step of training on B pairs makes smaller, (); label and weight [B]. A model may add to it."""
        return log_loss(self.learn(user, ads), label, weight)

    def advance(self, done: float) -> None:
        """Told before each step what share of the training is done, 0 to 1: a schedule moves here, never in forward."""

    def folded(self, scenario: Tensor) -> "ScoringModel | None":  # noqa: ARG002  most models cannot
        """A model that answers requests of the scenario with this embedding [K] at less cost, from the same state.

        None where there is no such model: the whole one then answers all requests.
        """
        return None

    def forward(self, user: Inputs, ads: Inputs) -> Tensor:
        """Logits [B] of B pairs of a request and an ad."""
        return self.score(self.user_state(user), ads)


class DeepModel(ScoringModel):
    """Subclasses give `user_state`, `represent` and `head`: logit = head(z) of z = represent(state, ads)."""

    @property
    @abstractmethod
    def head(self) -> nn.Linear:
        """The last map, Z -> 1."""

    @abstractmethod
    def represent(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """What the last map reads of n ads: [n, Z]."""

    def pairs(self, user: Inputs, ads: Inputs) -> Tensor:
        """The same of B pairs, [B, Z]; a model that knows a shorter way where no request is shared takes it here."""
        return self.represent(self.user_state(user), ads)

    def forward(self, user: Inputs, ads: Inputs) -> Tensor:
        """Logits [B] of B pairs of a request and an ad."""
        return self.head(self.pairs(user, ads)).squeeze(1)  # type: ignore[no-any-return]

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n]."""
        return self.head(self.represent(state, ads)).squeeze(1)  # type: ignore[no-any-return]


def log_loss(logits: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean log loss of sigmoid(logit) against the labels, which may be soft, summed over M members.

    logits [B, M], label and weight [B] -> ().
    """
    wanted = label[:, None].expand_as(logits)
    loss = F.binary_cross_entropy_with_logits(logits.float(), wanted, weight[:, None], reduction="sum")
    return loss / weight.sum().clamp(min=1e-12)
