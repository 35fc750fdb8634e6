"""AuctionGym's opportunities: agents with catalogues of items, contexts of which bidders see only a part.

    CTR of item = sigmoid(context . embedding),  context = (x, 1), x ~ N(0, 1)^5, intercept -3 - U(0, 1)

In every round some agents take part; each chooses one of its items and bids. (Jeunen, Murphy, Allison 2022.)
"""

from dataclasses import dataclass

import numpy as np

from adcascade.market.arrays import Floats, Ints, sigmoid
from adcascade.market.bidding.auction import AuctionRules, Outcome, hold_auction
from adcascade.market.bidding.opportunities import Opportunities
from adcascade.market.streams import Purpose, stream


@dataclass(frozen=True, kw_only=True)
class AuctionGymConfig:
    """Sizes; the second-price experiment of the paper has 6 participants, the others 2."""

    agents: int = 6
    items: int = 12  # per agent
    width: int = 5  # of the context without its constant
    observed: int = 4  # of it, what bidders see
    participants: int = 2  # of each round, m
    rounds: int = 10_000  # per iteration, N


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """N rounds before bidding."""

    context: Floats  # [N, width + 1] the last is 1; hidden
    participants: Ints  # [N, m] agents
    luck: Opportunities  # of m bidders; its value is filled by `compete`

    def observed(self, width: int) -> Floats:
        """What bidders see: the first `width` numbers and the constant, [N, width + 1]."""
        return np.hstack([self.context[:, :width], self.context[:, -1:]])


class AuctionGym:
    """The catalogues of a seed, and rounds by iteration: `rounds(i)` is a function of (seed, i)."""

    def __init__(self, config: AuctionGymConfig, seed: int) -> None:
        self.config, self.seed = config, seed
        random = stream(seed, Purpose.BIDDERS)
        shape = (config.agents, config.items)
        intercept = -3.0 - random.random(shape)
        self.embedding: Floats = np.concatenate(  # [agents, items, width + 1]
            [random.standard_normal((*shape, config.width)), intercept[..., None]], axis=-1
        )
        self.value_per_click: Floats = random.lognormal(0.1, 0.2, shape)  # [agents, items]

    def rounds(self, iteration: int) -> Rounds:
        """The rounds of one iteration."""
        config = self.config
        random = stream(self.seed, Purpose.OPPORTUNITIES, iteration)
        n, m = config.rounds, config.participants
        x = random.standard_normal((n, config.width))
        participants = np.argsort(random.random((n, config.agents)), axis=1)[:, :m]
        nothing = np.zeros((n, m))
        return Rounds(
            context=np.hstack([x, np.ones((n, 1))]),
            participants=participants.astype(np.int32),
            luck=Opportunities(
                value=nothing,
                sigma=nothing,
                realised=nothing,
                action_luck=random.random((n, m)),
                exposure_luck=random.random((n, 1)),
                tie_luck=random.random((n, m)),
            ),
        )

    def ctr(self, rounds: Rounds) -> Floats:
        """True CTR of every item of every participant, [N, m, items]."""
        return sigmoid(np.einsum("nd,nmid->nmi", rounds.context, self.embedding[rounds.participants]))

    def compete(self, rounds: Rounds, items: Ints, bids: Floats, rules: AuctionRules | None = None) -> Outcome:
        """Participants' items and bids [N, m] -> outcome; one place, always seen, paid per impression."""
        rules = AuctionRules(exposure=(1.0,), reserve=0.0, sell_at_reserve=True) if rules is None else rules
        ctr = np.take_along_axis(self.ctr(rounds), items[..., None], axis=2)[..., 0]
        luck = rounds.luck
        opportunities = Opportunities(
            value=ctr,
            sigma=luck.sigma,
            realised=ctr,
            action_luck=luck.action_luck,
            exposure_luck=luck.exposure_luck,
            tie_luck=luck.tie_luck,
        )
        return hold_auction(bids, opportunities, rules)
