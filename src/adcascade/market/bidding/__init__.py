"""The bidding side of the market, in the vocabulary of AuctionNet and AuctionGym."""

from adcascade.market.bidding.auction import AuctionRules, Outcome, hold_auction
from adcascade.market.bidding.auctiongym import AuctionGym, AuctionGymConfig
from adcascade.market.bidding.auctionnet import AuctionNetConfig, AuctionNetPeriod, draw_agents
from adcascade.market.bidding.disclosed import MarketBidder, MarketSlot, MarketState
from adcascade.market.bidding.group_game import AuctionNetSource, GroupConfig, GroupGame
from adcascade.market.bidding.opportunities import Opportunities
from adcascade.market.bidding.period import PeriodResult, run_period
from adcascade.market.bidding.scores import auctionnet_score
from adcascade.market.bidding.two_agent_game import TwoAgentConfig, TwoAgentGame

__all__ = [
    "AuctionGym",
    "AuctionGymConfig",
    "AuctionNetConfig",
    "AuctionNetPeriod",
    "AuctionNetSource",
    "AuctionRules",
    "GroupConfig",
    "GroupGame",
    "MarketBidder",
    "MarketSlot",
    "MarketState",
    "Opportunities",
    "Outcome",
    "PeriodResult",
    "TwoAgentConfig",
    "TwoAgentGame",
    "auctionnet_score",
    "draw_agents",
    "hold_auction",
    "run_period",
]
