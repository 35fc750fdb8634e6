"""Does rank alignment keep the ranker's eCPM order better than score alignment? In a simulated funnel, and in a shop.

The simulated funnel (copr_world.py) is where the truth is known and the pre-ranker cannot repeat the ranker; the shop
(copr_shop.py) is the whole engine, where only the pre-ranker differs. Every method draws as many ads of each list in
the same steps. Of the distillation's weight and of COPR's, 1, 3, 10 and 30 were tried on seeds from 1000 on; 10 was the
best of both.
"""

from dataclasses import dataclass
from pathlib import Path

from adcascade.preranking.copr import CoprConfig, chunk_sample
from adcascade.preranking.copr_learn import EPOCHS
from adcascade.studies.claims import gain, no_worse
from adcascade.studies.contract import Claim, Result, Role, Row, Scale, row
from adcascade.studies.copr_shop import KEPT, Phases, serve_each
from adcascade.studies.copr_world import (
    Alignment,
    Distillation,
    Extra,
    Sampler,
    Truth,
    funnel,
    judge,
    learn,
    no_extra,
    random_sample,
)

COPR = CoprConfig(strength=10.0, tau=2.0)
EVEN = CoprConfig(strength=10.0, tau=2.0, weighting="none")
NARROW, WIDE = 0.5, 1.5  # sigma of the log of the bids


@dataclass(frozen=True, slots=True)
class Size:
    """How much is simulated: requests of a log, steps, and the shop's phases (None: left out)."""

    requests: int
    judged: int
    steps: int
    shop: Phases | None


SIZES: dict[Scale, Size] = {
    "tiny": Size(200, 50, 60, None),
    "small": Size(3000, 400, 1000, Phases()),
    "full": Size(12000, 2000, 4000, Phases(warm_up=288, logged=144, judged=144)),
}
MAIN: dict[str, Extra] = {"clicks only": no_extra, "distillation": Distillation(10.0), "COPR": Alignment(COPR)}
ABLATIONS: dict[str, tuple[Extra, Sampler]] = {
    "COPR, all pairs alike": (Alignment(EVEN), chunk_sample),
    "COPR, ads drawn anywhere": (Alignment(COPR), random_sample),
    "COPR, blind to bids": (Alignment(COPR, bids=False), chunk_sample),
}
SHOP = {
    "shop: clicks only": "click",
    "shop: distilled": "adcascade.studies.copr_shop:distilled_as_long",
    "shop: scores of the lists": "adcascade.studies.copr_shop:scores_of_lists",
    "shop: COPR": "copr",
}
SHOWN = {"rpm": "rpm", "ctr": "true_ctr", "welfare": "welfare", "rpm_expected": "rpm_expected"}


def study(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:  # noqa: ARG001  all of it is simulated
    """COPR against clicks alone and against distillation."""
    size = SIZES[scale]
    runs = [simulated(seed, size) for seed in seeds]
    rows = [row(name, role_of(name), [run[name] for run in runs]) for name in runs[0]]
    if size.shop is not None:
        shops = [serve_each(seed, tuple(SHOP.values()), size.shop) for seed in seeds]
        for name, method in SHOP.items():
            chosen = [{short: shop[method][long] for short, long in SHOWN.items()} for shop in shops]
            rows.append(row(name, role_of(name), chosen))
    found = {one.name: one for one in rows}
    return Result(
        slug="copr",
        paper="arXiv 2306.03516",
        data="simulated funnel and market",
        scale=scale,
        seeds=seeds,
        metric="hit@10",
        rows=tuple(rows),
        claims=claims_of(found),
        seconds=0.0,
        notes=notes_of(size),
    )


def simulated(seed: int, size: Size) -> dict[str, dict[str, float]]:
    """Each row's metrics with wide bids; of the main ones also some with narrow ones."""
    truth = Truth.drawn(seed)
    found: dict[str, dict[str, float]] = {}
    for sigma in (WIDE, NARROW):
        log, fresh = funnel(truth, size.requests, sigma, seed), funnel(truth, size.judged, sigma, seed + 500_000)
        methods = {name: (extra, chunk_sample) for name, extra in MAIN.items()} | (ABLATIONS if sigma == WIDE else {})
        for name, (extra, sample) in methods.items():
            judged = judge(learn(log, extra, seed=seed, steps=size.steps, sample=sample), fresh)
            if sigma == WIDE:
                found[name] = judged
            else:
                found[name] |= {f"{metric} narrow": judged[metric] for metric in ("hit@10", "calibration_off")}
    return found


def role_of(name: str) -> Role:
    """What a row is for."""
    if name in ABLATIONS:
        return "ablation"
    return "method" if name.endswith("COPR") else "baseline"


def claims_of(rows: dict[str, Row]) -> tuple[Claim, ...]:
    """What the paper says of the funnel, and what is asked of the shop where it was run."""
    copr, clicks, distilled = rows["COPR"], rows["clicks only"], rows["distillation"]
    off = "calibration_off"
    claims = [
        gain("wide bids: COPR hits the ranker's first ten more often than clicks alone", "hit@10", copr, clicks),
        gain("wide bids: COPR hits them more often than distillation", "hit@10", copr, distilled),
        gain("COPR harms calibration less than distillation", off, copr, distilled, lower_is_better=True),
        no_worse(
            "weights by NDCG are no worse at the first five than pairs alike",
            "hit@5",
            copr,
            rows["COPR, all pairs alike"],
            margin=0.01,
        ),
    ]
    if "shop: COPR" in rows:
        served, beside = rows["shop: COPR"], rows["shop: distilled"]
        claims += [
            gain("the shop earns more with COPR than with the distilled MLP", "rpm", served, beside),
            gain("its ads are clicked more often than with the distilled MLP", "ctr", served, beside),
            gain("its clicks are worth more than with the distilled MLP", "welfare", served, beside),
            gain("the shop earns more with COPR than with clicks alone", "rpm", served, rows["shop: clicks only"]),
        ]
    return tuple(claims)


def notes_of(size: Size) -> tuple[str, ...]:
    """What a reader needs."""
    funnel_note = (
        "the funnel: hit@k is the share of the ranker's first k among the pre-ranker's first k; calibration_off is the "
        "distance of predicted over true clicks of the shown ads from 1; bids are log-normal, sigma 1.5, narrow: 0.5"
    )
    if size.shop is None:
        return (funnel_note, "the shop was left out at this scale")
    return (
        funnel_note,
        f"the shop: {KEPT} of 300 ads leave pre-ranking, for all rows alike; the log was gathered with 100; "
        f"{size.shop.warm_up} ticks by chance, {size.shop.logged} logged, {size.shop.judged} judged; ctr is the true "
        "one of what was shown",
        f"every pre-ranker of the shop learned for {EPOCHS} epochs; the method `mlp` as it is shipped learns for one",
    )
