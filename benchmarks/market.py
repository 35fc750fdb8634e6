"""The simulated market: impressions and auctions a second, an AuctionNet-like period, and what knowledge is worth.

Without the engine in the loop. Impressions are page views, uniform slates and outcomes. Auctions are AuctionGym's
second-price rounds, of all participants at once; beside them stands the plain way, one object an agent and one call
an auction, which is ours and is checked to sell the same for the same. The period has 48 agents and 48 slots.
"""

import argparse
from dataclasses import dataclass, field

import numpy as np

from adcascade.bench.rounds import alternate, figure, rates
from adcascade.bench.row import Bar, Row
from adcascade.bidding import FixedBidder
from adcascade.errors import InternalError
from adcascade.market import Market, MarketConfig, PageViews
from adcascade.market.arrays import Floats, Ints
from adcascade.market.bidding import AuctionNetConfig, AuctionNetPeriod, draw_agents, run_period
from adcascade.market.bidding.auctiongym import AuctionGym, AuctionGymConfig, Rounds
from adcascade.market.slates import best_slates

TICK = 60


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--views", type=int, default=20_000, help="page views a tick")
    parser.add_argument("--auctions", type=int, default=10_000, help="a round")
    parser.add_argument("--pvs", type=int, default=50_000, help="of the AuctionNet-like period")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)


def run(given: argparse.Namespace) -> list[Row]:
    """Traffic, auctions, a period, and policies that know more and more."""
    return [
        *traffic(given.views, given.rounds, given.seed),
        auctions(given.auctions, given.rounds, given.seed),
        *period(given.pvs, given.seed),
        *knowledge(given.seed),
    ]


def traffic(views_per_tick: int, rounds: int, seed: int) -> list[Row]:
    """Impressions a second of each step and of all, for one tick."""
    market = Market(MarketConfig(views_per_tick=views_per_tick), seed)
    views = market.views(TICK)
    ads, _ = market.uniform_slates(views, TICK)

    def everything() -> None:
        seen = market.views(TICK)
        market.respond(seen, market.uniform_slates(seen, TICK)[0])

    calls = {
        "all": everything,
        "page views": lambda: market.views(TICK),
        "slates": lambda: market.uniform_slates(views, TICK),
        "outcomes": lambda: market.respond(views, ads),
        "floor": lambda: np.random.default_rng(TICK).random(ads.shape),
    }
    spent = alternate(calls, rounds=rounds)
    speeds = {name: figure(rates(seconds, int((ads >= 0).sum()))) for name, seconds in spent.items()}
    floor = speeds.pop("floor").median
    return [
        Row(
            name=f"market, {name}",
            value=speed.median,
            spread=speed.spread,
            unit="impressions/s",
            floor=floor,
            floor_of="one uniform number each",
            bar=Bar(of="value", least=200_000) if name == "all" else None,
        )
        for name, speed in speeds.items()
    ]


@dataclass(slots=True)
class Agent:
    """A bidder of the plain way: it knows its items, bids what a click is worth to it, and is told what it got."""

    embedding: Floats  # [items, width + 1]
    value_per_click: Floats  # [items]
    paid: float = 0.0
    won: int = 0
    log: list[tuple[int, float, float, bool]] = field(default_factory=list)

    def bid(self, context: Floats) -> tuple[int, float, float]:
        """The item worth most here, its CTR, and what it is worth."""
        ctr = 1 / (1 + np.exp(-(self.embedding @ context)))
        worth = ctr * self.value_per_click
        item = int(np.argmax(worth))
        return item, float(ctr[item]), float(worth[item])

    def charge(self, item: int, bid: float, price: float, *, clicked: bool) -> None:
        """It won."""
        self.paid += price
        self.won += 1
        self.log.append((item, bid, price, clicked))


def one_call_an_auction(gym: AuctionGym, rounds: Rounds) -> float:
    """The plain way; what the winners paid."""
    agents = [Agent(e, v) for e, v in zip(gym.embedding, gym.value_per_click, strict=True)]
    for place in range(len(rounds.context)):
        context = rounds.context[place]
        bidding = [agents[number] for number in rounds.participants[place]]
        offers = [agent.bid(context) for agent in bidding]
        order = sorted(range(len(offers)), key=lambda one: -offers[one][2])
        winner, second = order[0], order[1]
        item, ctr, bid = offers[winner]
        clicked = bool(rounds.luck.action_luck[place, winner] < ctr)
        bidding[winner].charge(item, bid, offers[second][2], clicked=clicked)
    return sum(agent.paid for agent in agents)


def all_at_once(gym: AuctionGym, rounds: Rounds) -> float:
    """The market's way; what the winners paid."""
    worth = gym.ctr(rounds) * gym.value_per_click[rounds.participants]
    items = worth.argmax(axis=2)
    return float(gym.compete(rounds, items.astype(np.int32), worth.max(axis=2)).cost.sum())


def auctions(number: int, rounds: int, seed: int) -> Row:
    """Auctions a second of both ways, which must sell alike."""
    gym = AuctionGym(AuctionGymConfig(rounds=number), seed)
    held = gym.rounds(0)
    ways = {"ours": lambda: all_at_once(gym, held), "plain": lambda: one_call_an_auction(gym, held)}
    ours, plain = ways["ours"](), ways["plain"]()
    if not np.isclose(ours, plain, rtol=1e-9):
        raise InternalError(f"both ways hold the same auctions, but winners paid {ours} and {plain}")
    spent = alternate(ways, rounds=rounds)
    speed, other = (figure(rates(spent[name], number)) for name in ways)
    return Row(
        name="second-price auctions of 2 of 6 agents with 12 items",
        value=speed.median,
        spread=speed.spread,
        unit="auctions/s",
        peer="one object an agent, one call an auction",
        peer_value=other.median,
    )


def period(pvs: int, seed: int) -> list[Row]:
    """Seconds of a period of 48 agents that bid alpha = share of C, and what it ends with."""
    config = AuctionNetConfig(pvs=pvs)
    agents = draw_agents(config, seed)
    rows = []
    for share in (1.0, 0.8):
        bidders = [FixedBidder(share * cpa) for cpa in agents.cpa]
        results = []

        def live(bidders: list[FixedBidder] = bidders, results: list[float] = results) -> None:
            results.append(float(run_period(AuctionNetPeriod(config, seed), agents, bidders).score.sum()))

        seconds = figure(alternate({"period": live}, rounds=3, warm=0)["period"])
        rows.append(
            Row(
                name=f"a period of {len(bidders)} agents and {pvs:,} impressions, alpha = {share} C",
                value=seconds.median,
                spread=seconds.spread,
                unit="s",
                bar=Bar(of="value", most=10),
                note=f"score {results[-1]:.0f}",
            )
        )
    return rows


def knowledge(seed: int) -> list[Row]:
    """Mean true CTR of a shown ad under policies that know nothing, popularity, the page, both, everything."""
    market = Market(MarketConfig(), seed)
    views = PageViews.concatenate([market.views(tick) for tick in range(TICK, TICK + 10)])
    truth, eligible = market.first_slot_ctr(views), market.eligible(views)
    popular = np.broadcast_to(truth.mean(axis=0), truth.shape)
    page = market.tree.match[views.category][:, market.ads.category].astype(np.float64)
    for word in views.query.T:
        page += market.ads.has_word[word]
    ties = np.random.default_rng(seed).random(truth.shape)

    def row(name: str, ads: Ints) -> Row:
        ctr = float(market.click_probability(views, ads).sum() / (ads >= 0).sum())
        return Row(name=f"true CTR, {name}", value=100 * ctr, unit="%")

    def best(name: str, score: Floats) -> Row:
        return row(name, best_slates(views, score, eligible))

    return [
        row("uniform slates", market.uniform_slates(views, TICK)[0]),
        best("true popularity", popular),
        best("page category and query", page + 1e-6 * ties),
        best("page and popularity", 2 * page + np.log(popular)),
        row("oracle", market.oracle_slates(views)),
    ]
