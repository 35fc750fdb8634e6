"""A committee: a logistic regression and several DCN-V2 that learn apart and vote by their mean logit.

    logit = 1/(1 + M) ( logit_lr + Σ_m logit_dcn_m )

On few samples the linear model is hard to beat and cross networks differ from seed to seed; their mean
is better than each (Breiman, "Bagging predictors", 1996, without the resampling). Every member has its
own columns of the packed table and its own loss, so nothing is learned jointly: column 0 is the linear
model's, the rest is shared out evenly. It is one model to serve: two graphs, one table.

Reads: what its members read.
Letters in shapes: B pairs, n ads, K width of the table, M cross networks.
"""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from adcascade.errors import ConfigurationError
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.inputs import Inputs
from adcascade.ranking.dcn_v2 import DCNv2, DCNv2Config
from adcascade.ranking.lr import LogisticRegression


@dataclass(frozen=True, kw_only=True)
class CommitteeConfig:
    """How many cross networks, and of what size each."""

    crosses: int = 2  # M
    dcn: DCNv2Config = field(default_factory=lambda: DCNv2Config(hidden=(64, 32)))


class Committee(ScoringModel):
    """Members side by side on their own columns of the table."""

    def __init__(self, shape: Shape, config: CommitteeConfig | None = None) -> None:
        super().__init__()
        config = config or CommitteeConfig()
        if shape.width <= config.crosses:
            raise ConfigurationError(
                f"a committee of {config.crosses} cross networks has a table of width {shape.width}; "
                f"give it {1 + 16 * config.crosses}, say: 1 for the linear member and the rest for the others"
            )
        self.shape, self.config = shape, config
        width, more = divmod(shape.width - 1, config.crosses)
        self._sizes = [1, *(width + (place < more) for place in range(config.crosses))]
        crosses = (DCNv2(replace(shape, width=size), config.dcn) for size in self._sizes[1:])
        self.members = nn.ModuleList((LogisticRegression(replace(shape, width=1)), *crosses))
        self._states = [1, *[3] * config.crosses]

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The members' states, one after another."""
        parts = self._share_out(user)
        return tuple(part for one, side in zip(self._each, parts, strict=True) for part in one.user_state(side))

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Mean logit of the members, [n]."""
        return self._votes(state, ads).mean(dim=1)

    def learn(self, user: Inputs, ads: Inputs) -> Tensor:
        """Every member's logit, [B, 1 + M], so that each learns from its own loss."""
        return self._votes(self.user_state(user), ads)

    def _votes(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        votes, place = [], 0
        for member, side, size in zip(self._each, self._share_out(ads), self._states, strict=True):
            votes.append(member.score(state[place : place + size], side))
            place += size
        return torch.stack(votes, dim=1)

    @property
    def _each(self) -> list[ScoringModel]:
        return [member for member in self.members if isinstance(member, ScoringModel)]

    def _share_out(self, side: Inputs) -> list[Inputs]:
        embedded = torch.split(side.embedded, self._sizes, dim=2)
        history = torch.split(side.history, self._sizes, dim=3)
        return [Inputs(e, side.dense, h, side.mask) for e, h in zip(embedded, history, strict=True)]
