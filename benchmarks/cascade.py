"""One request through the whole engine over a million ads, beside the ranking model's own time in ONNX Runtime.

Every filter is on, budgets are leased, records are logged. Each request's CPU time stands beside that of the ranking
graph alone on the same candidates, taken right after it, so that a busy machine slows both. Users with a history
("warm") and without one ("cold") are told apart. The installation is made once and kept in --cache.
"""

import argparse
import gc
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from adcascade.bench import Bar, Row
from adcascade.bench.rounds import figure
from adcascade.cascade.answer import Answer, IncomingEvent
from adcascade.cascade.engine import Outcome
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.service import AdService
from adcascade.closedloop.grown import Growth, grown, overlaid, requests_after
from adcascade.contracts import AdRequest
from adcascade.ranking.stage import RankingStage

WARM_UP, ROUND = 200, 50  # requests that are not counted; requests between two upkeeps
RATIO, MORE_MS, TAIL = 1.8, 0.8, 2.5  # the bar: p50 <= 1.8 ONNX + 0.8 ms, p99 <= 2.5 p50


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--ads", type=int, default=1_000_000)
    parser.add_argument("--campaigns", type=int, default=100_000)
    parser.add_argument("--retrieve", type=int, default=1_000, help="ads that leave retrieval")
    parser.add_argument("--prerank", type=int, default=200, help="ads that leave pre-ranking")
    parser.add_argument("--ranking", default="dcn_v2", help="ranking model")
    parser.add_argument("--requests", type=int, default=1_500)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "adcascade-bench")


class Shot(NamedTuple):
    """One request."""

    cpu_ms: float
    graph_ms: float  # NaN where chance answered
    warm: bool
    policy: str


def growth_of(given: argparse.Namespace) -> Growth:
    """The installation of these sizes."""
    return Growth(
        ads=given.ads,
        campaigns=given.campaigns,
        ranking=given.ranking,
        retrieve=given.retrieve,
        prerank=given.prerank,
    )


def run(given: argparse.Namespace) -> list[Row]:
    """p50 and p99 of warm and cold users, and where the time goes."""
    growth = growth_of(given)
    installed = grown(given.cache, growth)
    requests = requests_after(growth, given.requests + WARM_UP)
    with tempfile.TemporaryDirectory() as scratch:
        service = open_service(overlaid(installed, Path(scratch)), Surroundings(owner="bench"))
        try:
            shots, stages = _measured(service, requests)
        finally:
            service.close()
    chosen = [shot for shot in shots if shot.policy == "cascade"]
    rows = _judged("all users", chosen)
    rows += _judged("warm users", [shot for shot in chosen if shot.warm])
    rows += _judged("cold users", [shot for shot in chosen if not shot.warm])
    explored = [shot.cpu_ms for shot in shots if shot.policy != "cascade"]
    if explored:
        rows.append(Row(name="explored requests, p50", value=statistics.median(explored), unit="ms CPU"))
    return rows + _shares(stages)


def _measured(service: AdService, requests: Sequence[AdRequest]) -> tuple[list[Shot], dict[str, list[float]]]:
    """Each request as a server takes it, with impressions and upkeep in between, which are not counted."""
    places = service.loaded.engine.select.places
    ranking = next(place.stage for place in places if isinstance(place.stage, RankingStage))
    shots: list[Shot] = []
    stages: dict[str, list[float]] = defaultdict(list)
    shown: list[IncomingEvent] = []
    gc.collect()
    gc.freeze()  # as `adcascade serve` does
    for number, request in enumerate(requests):
        if number % ROUND == 0:
            service.accept_now(shown)
            service.prepare()
            service.upkeep(time.time_ns() // 1000)
            shown = []
        now_us = time.time_ns() // 1000
        asked = msgspec.structs.replace(request, id=f"bench-{number}", time_us=now_us, timeout_us=10_000_000)
        start = time.thread_time_ns()
        answer, outcome = service.decide(asked)
        cpu_ms = (time.thread_time_ns() - start) / 1e6
        shown += [IncomingEvent(id="", kind="impression", token=one.token, time_us=now_us) for one in answer.winners]
        if number >= WARM_UP:
            warm = bool(service.parts.memory.profiles.history(request.user)[0])
            shots.append(Shot(cpu_ms, _graph_ms(service, ranking, asked, outcome), warm, outcome.policy))
            _note(stages, answer, outcome)
    return shots, stages


def _graph_ms(service: AdService, ranking: RankingStage, request: AdRequest, outcome: Outcome) -> float:
    """CPU time of the ranking graph on the candidates that it ranked."""
    step = next((step for step in outcome.steps if step.name == ranking.name), None)
    if step is None or outcome.policy != "cascade" or not len(step.entered):
        return float("nan")
    scorer = ranking.scorer
    state = scorer.user(service.opportunity(request).features)
    feed = scorer.feed(state, step.entered.ad)
    start = time.thread_time_ns()
    scorer.infer(state, feed)
    return (time.thread_time_ns() - start) / 1e6


def _note(stages: dict[str, list[float]], answer: Answer, outcome: Outcome) -> None:
    """Wall time of each stage, and of what comes before and after the stages."""
    if outcome.policy != "cascade" or answer.marks is None:
        return
    marks = answer.marks
    took: dict[str, float] = defaultdict(float)
    for step in outcome.steps:
        took[step.name] += step.elapsed_ns / 1e6
    stages["features"].append((marks.featured - marks.began) / 1e6)
    for name, spent in took.items():
        stages[name].append(spent)
    between = (marks.sealed - marks.featured) / 1e6 - sum(took.values())
    stages["caps, reservations, tokens"].append(between)
    stages["record"].append((marks.logged - marks.sealed) / 1e6)


def _judged(who: str, shots: Sequence[Shot]) -> list[Row]:
    """Median and tail of some requests."""
    if not shots:
        return []
    spent = [shot.cpu_ms for shot in shots]
    graph = [shot.graph_ms for shot in shots if not np.isnan(shot.graph_ms)]
    median, alone = figure(spent), statistics.median(graph)
    late = float(np.quantile(spent, 0.99))
    most = RATIO * alone + MORE_MS
    return [
        Row(
            name=f"request of {who}, p50",
            value=median.median,
            unit="ms CPU",
            spread=median.spread,
            peer="ranking graph alone, ONNX Runtime",
            peer_value=alone,
            turned=True,
            bar=Bar(of="value", most=round(most, 3)),
            note=f"{len(shots)} requests; at most {RATIO} times the graph and {MORE_MS} ms",
        ),
        Row(
            name=f"request of {who}, p99",
            value=late,
            unit="ms CPU",
            bar=Bar(of="value", most=round(TAIL * median.median, 3)),
            note=f"at most {TAIL} times p50",
        ),
    ]


def _shares(stages: dict[str, list[float]]) -> list[Row]:
    """Medians of the wall time of each part."""
    return [
        Row(name=f"of which {name}", value=statistics.median(spent), unit="ms wall") for name, spent in stages.items()
    ]
