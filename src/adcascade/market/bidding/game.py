"""What a game in steps shows its agents, and what a step brought: R runs of E episodes beside each other, n agents."""

from dataclasses import dataclass

from adcascade.market.arrays import Floats

TIE = 1e-5  # noise on bids, so that equal ones have one winner


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What n agents see at the beginning of a step, and what they may bid."""

    seen: Floats  # [R, E, n, 3] share of the budget left, value, share of the steps left
    affordable: Floats  # [R, E, n] no higher bid may be chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step brought."""

    bid: Floats  # [R, E, n] as it entered the auction, with its tie noise
    gained: Floats  # [R, E, n] value won
    paid: Floats  # [R, E, n]
