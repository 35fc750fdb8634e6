"""Opportunities: the page views (PVs) of one control slot as bidders see them, and what is hidden behind.

Vocabulary of AuctionNet (Su et al. 2024) and AuctionGym (Jeunen et al. 2022). Letters in shapes: N opportunities,
n agents, K slots.
"""

from dataclasses import dataclass

from adcascade.market.arrays import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunities:
    """N opportunities for n agents."""

    value: Floats  # [N, n] v = P(action | exposed) as the agent is told
    sigma: Floats  # [N, n] its uncertainty
    realised: Floats  # [N, n] the true probability; hidden
    action_luck: Floats  # [N, n] uniform: the action happens if it is below `realised`; hidden
    exposure_luck: Floats  # [N, K] uniform: the slot is seen if it is below its coefficient; hidden
    tie_luck: Floats  # [N, n] uniform: who wins among equal bids; hidden

    def __len__(self) -> int:
        """The number of opportunities, N."""
        return len(self.value)
