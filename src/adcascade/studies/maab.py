"""Does MAAB keep the seller's revenue where cooperation would lose it? (Wen et al., WSDM 2022, arXiv 2106.06224)

    CM-IL   every bidder is paid for itself     CO-IL      for the total     TRCA   for the total, by a softmax of bids
    MAAB    TRCA, and bars that learn           MAAB-fix   TRCA, and a bar that stands still

Two worlds: the two-agent game, where the first agent has half of the money or 70 % of it, and three mean agents of two
members each over AuctionNet's values, with budgets of a quarter of what the highest bids would cost. All seeds and
methods learn in one batched program, with the same rounds, samples and networks; greedy play without bars is judged
five times in the last fifth of the learning, on episodes of their own, and averaged.

tau = 16 in units of the highest bid is nearly full cooperation: revenue is then the bars' work alone. (Of 4 and 16, on
seeds from 1000 on: at 4 even the small share for the higher bid keeps some revenue without bars.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcascade.bidding.game import Game
from adcascade.bidding.maab import Maab, Run, Schedule
from adcascade.bidding.q_networks import one_thread
from adcascade.market.bidding import AuctionNetSource, GroupConfig, GroupGame, TwoAgentConfig, TwoAgentGame
from adcascade.studies.claims import gain, no_worse, reaches
from adcascade.studies.contract import Claim, Line, Panel, Result, Role, Row, Scale, row

Floats = NDArray[np.float64]
TAU, FIXED_BAR = 16.0, 0.4
SAME_AS_CO = 1.15  # revenue relative to CO-IL's that still counts as the same


@dataclass(frozen=True, slots=True)
class Method:
    """A row: its runs differ by the seed alone. share: of the budgets that the first of two agents has."""

    name: str
    role: Role
    run: Run
    share: float = 0.5


class Sizes(NamedTuple):
    """What a scale means."""

    two: Schedule
    groups: Schedule
    judged: int  # episodes by which a policy is judged


SHORT = Schedule(rounds=5, episodes=4, updates=2, batch=64, kept=40)
SIZES: dict[Scale, Sizes] = {
    "tiny": Sizes(SHORT, SHORT, 4),
    "small": Sizes(Schedule(rounds=300), Schedule(rounds=200), 64),
    "full": Sizes(Schedule(rounds=3000, updates=16), Schedule(rounds=2000, updates=16), 256),
}

CM, CO = Run(seed=0, credit="own", bars="none"), Run(seed=0, credit="total", bars="none")
TRCA, MAAB, FIX = (Run(seed=0, tau=TAU, bars=bars) for bars in ("none", "learned", FIXED_BAR))
TWO = (
    Method("CM-IL", "baseline", CM),
    Method("CO-IL", "baseline", CO),
    Method("TRCA without bars", "ablation", TRCA),
    Method("MAAB-fix", "ablation", FIX),
    Method("MAAB", "method", MAAB),
    Method("CM-IL, 70 : 30", "baseline", CM, 0.7),
    Method("MAAB, 70 : 30", "method", MAAB, 0.7),
)
GROUPS = (
    Method("mean agents: CM-IL", "baseline", CM),
    Method("mean agents: CO-IL", "baseline", CO),
    Method("mean agents: TRCA without bars", "ablation", TRCA),
    Method("mean agents: MAAB", "method", MAAB),
)


class Judged(NamedTuple):
    """Greedy play at one moment of the learning, of R runs."""

    rounds: int
    gained: Floats  # [R, n] of an episode
    paid: Floats  # [R]


def study(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:  # noqa: ARG001  all is simulated
    """The two-agent game and the mean agents' game."""
    sizes = SIZES[scale]
    two = TwoAgentGame(TwoAgentConfig(), np.array([method.share for method in TWO for _ in seeds]))
    first = learned(two, TWO, seeds, sizes.two, sizes.judged)
    groups = GroupGame(GroupConfig(), AuctionNetSource(), seed=0)
    second = learned(groups, GROUPS, seeds, sizes.groups, sizes.judged)
    second = [j._replace(gained=100 * j.gained / groups.steps, paid=100 * j.paid / groups.most_paid) for j in second]
    rows = [*rows_of(TWO, late(first), seeds), *rows_of(GROUPS, late(second), seeds)]
    return Result(
        slug="maab",
        paper="arXiv 2106.06224",
        data="simulated: the two-agent game, and mean agents over AuctionNet's values",
        scale=scale,
        seeds=seeds,
        metric="revenue",
        rows=tuple(rows),
        claims=claims({one.name: one for one in rows}),
        seconds=0.0,
        notes=(
            "two agents: revenue and welfare are sums over 100 auctions of mean value 0.5; mean agents: revenue in "
            "percent of what the highest bids would pay, welfare in percent of what each group would win alone, summed",
            f"tau is {TAU:g} times the highest bid; the fixed bar {FIXED_BAR:g} of it",
            "Adam and parallel episodes instead of the paper's RMSprop and 24,000 episodes one by one",
        ),
        panels=(curve("two agents", TWO[:5], first, len(seeds)), curve("mean agents", GROUPS, second, len(seeds))),
    )


def learned(
    game: Game, methods: Sequence[Method], seeds: Sequence[int], schedule: Schedule, episodes: int
) -> list[Judged]:
    """Learn all methods with all seeds at once, run = method * seeds + seed; judged every twentieth of the learning."""
    runs = [replace(method.run, seed=seed) for method in methods for seed in seeds]
    maab, judged = Maab(game, runs, schedule), []
    every = max(1, schedule.rounds // 20)

    def judge(rounds: int) -> None:
        if rounds % every == 0:
            played = maab.play([np.random.default_rng([run.seed, 3]) for run in runs], episodes)
            gained, paid = played.gained.sum(axis=2).mean(axis=1), played.paid.sum(axis=(2, 3)).mean(axis=1)
            judged.append(Judged(rounds, gained, paid))

    with one_thread():
        maab.learn(judge)
    return judged


def late(judged: Sequence[Judged]) -> Judged:
    """The mean of what was judged in the last fifth of the learning."""
    last = [one for one in judged if one.rounds > 0.8 * judged[-1].rounds]
    gained, paid = np.mean([one.gained for one in last], axis=0), np.mean([one.paid for one in last], axis=0)
    return Judged(judged[-1].rounds, gained, paid)


def rows_of(methods: Sequence[Method], judged: Judged, seeds: Sequence[int]) -> list[Row]:
    """Revenue, welfare and each agent's value; `to_cm`, `to_co`: relative to the mean of the first or second method."""
    n = judged.gained.shape[-1]
    gained, paid = (
        judged.gained.reshape(len(methods), -1, n),
        judged.paid.reshape(len(methods), -1),
    )  # [M, S, n], [M, S]
    welfare = gained.sum(axis=-1)
    cm, co, co_welfare = (max(float(x.mean()), 1e-9) for x in (paid[0], paid[1], welfare[1]))
    return [
        row(
            method.name,
            method.role,
            [
                {
                    "revenue": paid[m, s],
                    "welfare": welfare[m, s],
                    **{f"value_{g + 1}": value for g, value in enumerate(gained[m, s])},
                    "revenue_to_cm": paid[m, s] / cm,
                    "revenue_to_co": paid[m, s] / co,
                    "welfare_to_co": welfare[m, s] / co_welfare,
                    "share_1": gained[m, s, 0] / max(welfare[m, s], 1e-9),
                }
                for s in range(len(seeds))
            ],
        )
        for m, method in enumerate(methods)
    ]


def claims(rows: dict[str, Row]) -> tuple[Claim, ...]:
    """What the card asserts, means over the seeds."""
    cm, co, trca, maab = (rows[name] for name in ("CM-IL", "CO-IL", "TRCA without bars", "MAAB"))
    rich_cm, rich_maab = rows["CM-IL, 70 : 30"], rows["MAAB, 70 : 30"]
    mean_cm, mean_co, mean_maab = (rows[f"mean agents: {name}"] for name in ("CM-IL", "CO-IL", "MAAB"))
    return (
        reaches("full cooperation earns the seller at most 0.65 of competition", "revenue_to_cm", co, at_most=0.65),
        reaches("MAAB earns at least 1.5 times full cooperation", "revenue_to_co", maab, at_least=1.5),
        reaches("MAAB keeps at least 0.9 of cooperation's welfare", "welfare_to_co", maab, at_least=0.9),
        reaches(
            f"without bars the same temperature earns at most {SAME_AS_CO:g} times full cooperation",
            "revenue_to_co",
            trca,
            at_most=SAME_AS_CO,
        ),
        gain("the bars are what earns: MAAB above the same temperature without", "revenue", maab, trca),
        no_worse("MAAB's welfare is not below competition's", "welfare", maab, cm, margin=2.0),
        reaches("with 70 % of the money an agent that competes takes two thirds", "share_1", rich_cm, at_least=2 / 3),
        gain("MAAB leaves the rich agent less", "share_1", rich_maab, rich_cm, lower_is_better=True),
        gain("mean agents: MAAB earns more than full cooperation", "revenue", mean_maab, mean_co),
        no_worse("mean agents: MAAB's welfare is not below competition's", "welfare", mean_maab, mean_cm, margin=3.0),
    )


def curve(world: str, methods: Sequence[Method], judged: Sequence[Judged], seeds: int) -> Panel:
    """Revenue while learning, means over the seeds."""
    return Panel(
        title=f"{world}: revenue of greedy play while learning",
        x="rounds of 16 episodes",
        y="revenue",
        lines=tuple(
            Line(
                name=method.name.removeprefix("mean agents: "),
                x=tuple(float(one.rounds) for one in judged),
                y=tuple(float(one.paid[m * seeds : (m + 1) * seeds].mean()) for one in judged),
            )
            for m, method in enumerate(methods)
        ),
    )
