"""How fast the market makes traffic and outcomes, and what knowledge is worth in it.

    OMP_NUM_THREADS=1 python benchmarks/market.py [--views 20000] [--seconds 5]

Without the engine in the loop: page views, uniform slates, outcomes; beside the floor of drawing the same number of
uniform numbers with NumPy. Then the mean true CTR of policies that know more and more.
"""

import argparse
import os
import platform
import time

import numpy as np

from adcascade.bidding import FixedBidder
from adcascade.market import Market, MarketConfig, PageViews
from adcascade.market.arrays import Floats, Ints
from adcascade.market.bidding import AuctionNetConfig, AuctionNetPeriod, draw_agents, run_period
from adcascade.market.slates import best_slates


def rates(views_per_tick: int, seconds: float) -> None:
    """Print impressions per second of each step, over whole ticks, for at least so many seconds."""
    market = Market(MarketConfig(views_per_tick=views_per_tick), seed=0)
    spent, impressions, tick = np.zeros(4), 0, 60
    while spent[:3].sum() < seconds:
        times = [time.perf_counter()]
        views = market.views(tick)
        times.append(time.perf_counter())
        ads, _ = market.uniform_slates(views, tick)
        times.append(time.perf_counter())
        market.respond(views, ads)
        times.append(time.perf_counter())
        np.random.default_rng(tick).random(ads.shape)
        times.append(time.perf_counter())
        spent += np.diff(times)
        impressions += int((ads >= 0).sum())
        tick += 1
    total = impressions / spent[:3].sum()
    for name, second in zip(("views", "slates", "outcomes"), spent, strict=False):
        print(f"{name:<28}{impressions / second:>14,.0f} impressions/s")
    print(f"{'all':<28}{total:>14,.0f} impressions/s   (wanted: 200,000)")
    print(f"{'floor: one uniform number':<28}{impressions / spent[3]:>14,.0f} impressions/s")


def knowledge(seed: int) -> dict[str, float]:
    """Mean true CTR per shown ad under policies that know nothing, popularity, the page, both, everything."""
    market = Market(MarketConfig(), seed)
    views = PageViews.concatenate([market.views(tick) for tick in range(60, 80)])
    truth, eligible = market.first_slot_ctr(views), market.eligible(views)
    popular = np.broadcast_to(truth.mean(axis=0), truth.shape)
    page = market.tree.match[views.category][:, market.ads.category].astype(np.float64)
    for word in views.query.T:
        page += market.ads.has_word[word]
    ties = np.random.default_rng(seed).random(truth.shape)

    def ctr(ads: Ints) -> float:
        return float(market.click_probability(views, ads).sum() / (ads >= 0).sum())

    def best(score: Floats) -> float:
        return ctr(best_slates(views, score, eligible))

    return {
        "uniform": ctr(market.uniform_slates(views, 60)[0]),
        "popularity (true means)": best(popular),
        "page category and query": best(page + 1e-6 * ties),
        "page and popularity": best(2 * page + np.log(popular)),
        "oracle": ctr(market.oracle_slates(views)),
    }


def bidding(pvs: int) -> None:
    """Print how long a period of 48 agents takes, and what it ends with, at alpha = C and 0.8 C."""
    config = AuctionNetConfig(pvs=pvs)
    agents = draw_agents(config, 0)
    for share in (1.0, 0.8):
        start = time.perf_counter()
        result = run_period(AuctionNetPeriod(config, 0), agents, [FixedBidder(share * cpa) for cpa in agents.cpa])
        seconds = time.perf_counter() - start
        print(
            f"alpha = {share} C: {seconds:.2f} s (wanted: 10), leastWinningCost {result.mean_least_winning_cost:.4f}, "
            f"conversions per agent {result.actions.mean():.1f}, score {result.score.sum():.0f}"
        )


def main() -> None:
    """Print both tables with the machine they were measured on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--views", type=int, default=20_000, help="page views per tick")
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'unset')}\n"
    )
    rates(options.views, options.seconds)
    tables = [knowledge(seed) for seed in (0, 1, 2)]
    print("\nmean true CTR of shown ads, seeds 0, 1, 2")
    for name in tables[0]:
        print(f"{name:<28}" + "".join(f"{100 * table[name]:>8.2f} %" for table in tables))
    print("\nAuctionNet period, 48 agents, 50,000 PVs")
    bidding(50_000)


if __name__ == "__main__":
    main()
