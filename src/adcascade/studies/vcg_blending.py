"""Blending by virtual bids (Carrion et al., arXiv 2105.13556): pages whose clicks are no sum over their ads.

Simulated pages with known externalities (market/pages.py): 6 ads for 3 slots among 4 organic items. Every rule knows
what each ad is alone. Separable rules stop there; VCG over whole slates knows, or has learned from pages that were
filled by chance, what stands beside what. Then the house's virtual bids move organic clicks against revenue, and are
searched for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from adcascade.auction.page_learn import PageTraining
from adcascade.auction.virtual_bids import SPSAConfig, golden_section, spsa
from adcascade.market.pages import draw_pages
from adcascade.studies.claims import gain, reaches
from adcascade.studies.contract import Claim, Line, Panel, Result, Role, Row, Scale, row
from adcascade.studies.vcg_blending_models import learned_clicks, logged
from adcascade.studies.vcg_blending_rules import (
    Bench,
    Floats,
    Sold,
    gsp,
    mean_clicks,
    misreport,
    separable,
    unfloored,
    vcg,
)

Run = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything."""

    requests: int  # that rules are compared on
    log: int  # pages that a page model learns from
    liars: int  # requests on which every bidder tries to misreport
    steps: int  # of SPSA
    bucket: int  # requests that SPSA asks at once


SIZES: dict[Scale, Size] = {
    "tiny": Size(requests=100, log=1_000, liars=10, steps=5, bucket=50),
    "small": Size(requests=1_500, log=40_000, liars=200, steps=60, bucket=300),
    "full": Size(requests=20_000, log=400_000, liars=2_000, steps=200, bucket=1_000),
}
FRONTIER = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # vb_org, in means of a bid
LIES = np.array([0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 1.05, 1.1, 1.25, 1.6, 2.5])  # times the true value
RAISED = 1.1  # golden section: organic clicks wanted, over those without virtual bids
ORGANIC, ADS, PENALTY = 1.05, 0.95, 10.0  # SPSA: guardrails over the start, and the price of missing one by all
ROLES: dict[str, Role] = {
    "GSP by bid ctr": "baseline",
    "GSP by bid ctr²": "baseline",
    "separable slate": "baseline",
    "separable slate, organic known": "baseline",
    "separable slate, mean ctr known": "baseline",
    "VCG": "method",
    "VCG, full pages": "method",
    "VCG vb_ads 0.5, reserve 0.6": "method",
    "VCG vb_ads -0.3": "method",
    "VCG vb_org 0.5": "method",
    "VCG learned": "method",
    "VCG learned from GSP's log": "ablation",
    "VCG learned without neighbours": "ablation",
}


def study(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:  # noqa: ARG001  nothing public has both kinds
    """Rules side by side, the truth of bids, the frontier of virtual bids, and the two searches."""
    size = SIZES[scale]
    rules = [_rules(seed, size) for seed in seeds]
    rows = {name: row(name, role, [one[name] for one in rules]) for name, role in ROLES.items()}
    fronts = [_frontier(Bench.of(draw_pages(size.requests, seed), full=True)) for seed in seeds]
    honesty = row("bidders who misreport", "method", [_honesty(seed, size) for seed in seeds])
    frontier = row("frontier of vb_org", "method", [_turns(front) for front in fronts])
    searched = row("searched virtual bids", "method", [_searches(seed, size) for seed in seeds])
    return Result(
        slug="vcg-blending",
        paper="arXiv 2105.13556",
        data="simulated pages",
        scale=scale,
        seeds=seeds,
        metric="welfare",
        rows=(*rows.values(), honesty, frontier, searched),
        claims=_claims(rows, honesty, frontier, searched),
        seconds=0.0,
        notes=NOTES,
        panels=_panels(fronts),
    )


NOTES = (
    "welfare is the sum of bid times true click probability per request; relative: over that of the separable slate.",
    "The frontier and 'full pages' fill every slot, as the card does; its revenue counts negative payments, which are "
    "not paid out otherwise (revenue_turns_floored: the steps at which what is collected rises). Where slots may stay "
    "empty, vb_org empties them, which works like a reserve: revenue first rises with it.",
    "With slots that may stay empty no VCG payment is negative at virtual bids of zero. A reserve as a negative vb_ads "
    "keeps bidders truthful; a floor under the payments at vb_ads 0.5 does not (lie_gain_subsidised).",
    "No public set has ads and organic items with bids, so there is no real part.",
)


def _rules(seed: int, size: Size) -> dict[str, Run]:
    """Every rule on the same requests."""
    pages = draw_pages(size.requests, seed)
    bench, full = Bench.of(pages), Bench.of(pages, full=True)
    look = np.maximum(np.einsum("rmd,rod->rmo", pages.ad_look, pages.organic_look), 0.0).sum(axis=2)
    around = pages.ad_pull - pages.config.organic_on_ad * look
    measured = {
        "GSP by bid ctr": bench.measure(gsp(bench)),
        "GSP by bid ctr²": bench.measure(gsp(bench, power=2.0)),
        "separable slate": bench.measure(vcg(bench, separable(bench, pages.ad_pull))),
        "separable slate, organic known": bench.measure(vcg(bench, separable(bench, around))),
        "separable slate, mean ctr known": bench.measure(vcg(bench, mean_clicks(bench))),
        "VCG": bench.measure(vcg(bench, bench.truth)),
        "VCG, full pages": full.measure(vcg(full, full.truth)),
        "VCG vb_ads 0.5, reserve 0.6": bench.measure(vcg(bench, bench.truth, ads=0.5, reserve=0.6)),
        "VCG vb_ads -0.3": bench.measure(vcg(bench, bench.truth, ads=-0.3)),
        "VCG vb_org 0.5": full.measure(vcg(full, full.truth, organic=0.5)),
        **{name: bench.measure(sold) for name, sold in _learned(seed, size, bench).items()},
    }
    separate, best = measured["separable slate"]["welfare"], measured["VCG"]["welfare"]
    return {
        name: {
            **run,
            "relative": run["welfare"] / separate,
            "share_of_gain": (run["welfare"] - separate) / (best - separate),
        }
        for name, run in measured.items()
    }


def _learned(seed: int, size: Size, bench: Bench) -> dict[str, Sold]:
    """VCG by models of the same log length and training."""
    random = np.random.default_rng((seed, 1))
    past = draw_pages(size.log, seed + 500_000)
    by_chance, by_gsp = logged(past, random, chance=True), logged(past, random, chance=False)
    training = PageTraining(seed=seed)
    return {
        "VCG learned": vcg(bench, learned_clicks(by_chance, bench, training)),
        "VCG learned from GSP's log": vcg(bench, learned_clicks(by_gsp, bench, training)),
        "VCG learned without neighbours": vcg(bench, learned_clicks(by_chance, bench, training, neighbours=False)),
    }


def _honesty(seed: int, size: Size) -> Run:
    """What the best lie brings, at virtual bids of zero, with a truthful reserve, and where clicks are subsidised."""
    bench = Bench.of(draw_pages(size.liars, seed))
    return {
        "lie_gain": misreport(bench, LIES),
        "lie_gain_reserve": misreport(bench, LIES, ads=-0.3),
        "lie_gain_subsidised": misreport(bench, LIES, ads=0.5),
    }


def _frontier(full: Bench) -> list[Run]:
    """What each vb_org brings, also were negative payments paid out."""
    return [{**full.measure(vcg(full, full.truth, organic=bid)), "unfloored": unfloored(full, bid)} for bid in FRONTIER]


def _turns(front: list[Run]) -> Run:
    """Steps of the frontier at which organic clicks do not rise, or revenue does not fall."""
    pairs = list(pairwise(front))
    return {
        "organic_turns": float(sum(b["organic_clicks"] <= a["organic_clicks"] for a, b in pairs)),
        "revenue_turns": float(sum(b["unfloored"] >= a["unfloored"] for a, b in pairs)),
        "revenue_turns_floored": float(sum(b["revenue"] >= a["revenue"] for a, b in pairs)),
    }


def _searches(seed: int, size: Size) -> Run:
    """Golden section to a target of organic clicks on replayed traffic, SPSA with guardrails on buckets of traffic."""
    full, bench = (Bench.of(draw_pages(size.requests, seed), full=full) for full in (True, False))
    wanted = RAISED * full.measure(vcg(full, full.truth))["organic_clicks"]
    missed: Callable[[float], float] = lambda bid: abs(_organic(full, bid) / wanted - 1.0)  # noqa: E731
    bid = golden_section(lambda at: -missed(at), 0.0, FRONTIER[-1], width=1e-3)
    fresh = Bench.of(draw_pages(size.requests, seed + 900_000), full=True)
    random = np.random.default_rng((seed, 2))
    buckets = [bench.take(random.choice(size.requests, size.bucket, replace=False)) for _ in range(size.steps)]
    starts = [one.measure(vcg(one, one.truth)) for one in buckets]
    objective = lambda bids, k: _objective(buckets[k], bids, starts[k])  # noqa: E731
    config = SPSAConfig(steps=size.steps)
    found = spsa(objective, (0.0, 0.0), ((-0.5, 0.5), (0.0, 1.0)), random, config)[-1]
    start = bench.measure(vcg(bench, bench.truth))
    return {
        "golden_error": missed(bid),
        "golden_error_fresh": abs(_organic(fresh, bid) / (RAISED * _organic(fresh, 0.0)) - 1.0),
        "vb_org_golden": bid,
        "spsa_gain": _objective(bench, found, start) - _objective(bench, np.zeros(2), start),
        "vb_ads_spsa": float(found[0]),
        "vb_org_spsa": float(found[1]),
    }


def _organic(full: Bench, bid: float) -> float:
    return full.measure(vcg(full, full.truth, organic=bid))["organic_clicks"]


def _objective(bench: Bench, bids: Floats, start: Mapping[str, float]) -> float:
    """Revenue over the start's, less what missed guardrails cost: organic clicks and ad clicks over the start's."""
    run = bench.measure(vcg(bench, bench.truth, ads=float(bids[0]), organic=float(bids[1])))
    over = {name: run[name] / start[name] for name in ("revenue", "organic_clicks", "ad_clicks")}
    missed = max(0.0, ORGANIC - over["organic_clicks"]) + max(0.0, ADS - over["ad_clicks"])
    return over["revenue"] - PENALTY * missed


def _claims(rows: Mapping[str, Row], honesty: Row, frontier: Row, searched: Row) -> tuple[Claim, ...]:
    plain, vcg_rows = rows["separable slate"], [one for name, one in rows.items() if name.startswith("VCG")]
    paid = row("all VCG rows", "method", _summed(vcg_rows, "above_bid"))
    without = rows["VCG learned without neighbours"]
    return (
        gain("VCG raises welfare by 15 % over the separable slate", "relative", rows["VCG"], plain, at_least=0.15),
        gain(
            "and by 10 % over a separable slate that knows each ad's true mean clicks",
            "relative",
            rows["VCG"],
            rows["separable slate, mean ctr known"],
            at_least=0.10,
        ),
        gain("a learned page model brings 10 % of welfare", "relative", rows["VCG learned"], plain, at_least=0.10),
        reaches("no payment is above its bid", "above_bid", paid, at_most=0.0),
        reaches("no lie gains more than the rounding to a micro", "lie_gain", honesty, at_most=1e-6),
        reaches("nor with a reserve as a negative virtual bid", "lie_gain_reserve", honesty, at_most=1e-6),
        reaches("organic clicks rise along vb_org", "organic_turns", frontier, at_most=0.0),
        reaches("revenue falls along vb_org, negative payments counted", "revenue_turns", frontier, at_most=0.0),
        reaches("golden section meets an organic target within 1 %", "golden_error", searched, at_most=0.01),
        reaches("SPSA improves its objective", "spsa_gain", searched, at_least=0.01),
        reaches("without neighbours most of the gain is lost", "share_of_gain", without, at_most=0.5),
        gain("chance teaches more than GSP's log", "relative", rows["VCG learned"], rows["VCG learned from GSP's log"]),
    )


def _summed(rows: list[Row], metric: str) -> list[Run]:
    """The metric of all rows together, by seed."""
    return [{metric: sum(values)} for values in zip(*(one.values[metric] for one in rows), strict=True)]


def _panels(fronts: list[list[Run]]) -> tuple[Panel, ...]:
    mean = {
        name: tuple(float(np.mean([front[step][name] for front in fronts])) for step in range(len(FRONTIER)))
        for name in ("organic_clicks", "revenue", "unfloored", "welfare")
    }
    lines = tuple(
        Line(name=name, x=mean["organic_clicks"], y=mean[name]) for name in ("revenue", "unfloored", "welfare")
    )
    clicks = Line(name="organic clicks", x=FRONTIER, y=mean["organic_clicks"])
    return (
        Panel(title="frontier of vb_org, full pages", x="organic clicks a request", y="money a request", lines=lines),
        Panel(title="organic clicks", x="vb_org, mean bids", y="organic clicks a request", lines=(clicks,)),
    )
