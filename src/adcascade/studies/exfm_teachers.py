"""Teachers of the ExFM study that are run and not drawn: calls through the real service, a large model that learns.

calls      two students with overlapping traffic ask one service; the teacher must be called once per impression
trained    a wider DCN-V2 learns from the whole market's clicks, day by day, after having scored the day;
           the student sees its own quarter of the traffic
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from adcascade.learning.augmentation import AugmentationService
from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import fit, predict
from adcascade.learning.supervision import IMPRESSION, SupervisionStore
from adcascade.metrics.logistic import sigmoid
from adcascade.ranking.dcn_v2 import DCNv2, DCNv2Config
from adcascade.studies.exfm_students import Plan, Way, judged, student
from adcascade.studies.exfm_world import DAYS, SHAPE, Impressions, World, ages, stream

LARGE = DCNv2Config(cross_layers=2, hidden=(128, 64))
SHARE = 0.25  # of the traffic that is the student's own


@dataclass(slots=True)
class CountingTeacher:
    """Says something of every row, and counts the rows."""

    version: str = "large-1"
    trained_until_us: int = 0
    called: int = 0

    def __call__(self, impressions: pa.Table) -> NDArray[np.float64]:
        """Probabilities [n]."""
        self.called += len(impressions)
        return np.full(len(impressions), 0.05)


def calls(seed: int, n: int) -> dict[str, float]:
    """Two students see seven tenths of n impressions each and ask for them in small requests, twice over."""
    random = np.random.default_rng(seed)
    names = np.array([f"auction-{i}.0" for i in range(n)])
    seen = [np.flatnonzero(random.random(n) < 0.7) for _ in range(2)]
    teacher = CountingTeacher()
    with tempfile.TemporaryDirectory() as folder, SupervisionStore(Path(folder) / "store.db") as store:
        with AugmentationService(store, teacher, clock_us=lambda: 0) as service:
            for number, places in [*enumerate(seen), *enumerate(seen)]:
                for part in np.array_split(places, 20):
                    rows = pa.table({IMPRESSION: names[part], "time_us": part, "click": np.zeros(len(part))})
                    service.ask(f"student-{number}", rows)
        union = store.union("student-0", "student-1")
    expected = len(np.union1d(*seen))
    return {
        "calls": teacher.called,
        "sum": sum(map(len, seen)),
        "calls_off": abs(teacher.called - expected) + abs(union - expected),
    }


def trained(seed: int, plan: Plan, n: int, ways: dict[str, Way]) -> dict[str, dict[str, float]]:
    """Students of each way with a quarter of n impressions, beside a large model that has seen the others too."""
    world = World(seed, turning=True)
    shown = world.draw(n, 0, DAYS)
    clicks = world.clicks(shown)
    said = predicted_then_learned(plan, shown, clicks, seed)
    own = world.random.random(n) < SHARE
    mine = Impressions(shown.user[own], shown.ad[own], shown.domain[own], shown.day[own])
    blocks = stream(mine, clicks[own], said[own], ages(mine.day, 0))
    last = world.draw(60_000, DAYS, DAYS)
    truth, batch = world.probability(last), last.batch()
    return {name: judged(truth, student(plan, way, blocks, seed)(batch)) for name, way in ways.items()}


def predicted_then_learned(
    plan: Plan, shown: Impressions, clicks: NDArray[np.float32], seed: int
) -> NDArray[np.float32]:
    """What a large model says of each impression before it learns from that day, [n]; NaN on the first day."""
    torch.manual_seed(seed)
    large = replace(plan, model=LARGE)
    model, table = DCNv2(SHAPE, LARGE), large.table(seed)
    said = np.full(len(shown), np.nan, np.float32)
    batch = shown.batch()
    for day in range(DAYS):
        today = np.flatnonzero((shown.day >= day) & (shown.day < day + 1))
        if day:
            said[today] = sigmoid(predict(model, table, batch.take(today)).astype(np.float64))
        block = Labelled(batch=batch.take(today), label=clicks[today], weight=np.ones(len(today), np.float32))
        fit(model, table, [block], large.training([block], seed))
    return said
