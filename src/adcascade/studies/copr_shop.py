"""The closed loop of the study "copr": one shop, one ranker, and four pre-rankers that serve the same shoppers.

    warm-up by chance -> a bundle is trained -> it serves, and its funnel is logged -> pre-rankers are taught
    from that log -> each serves the ticks that follow, on a copy of the log that is thrown away

The bundles differ in the pre-ranker alone; shoppers and luck are the same. KEPT of 300 ads pass it, so that it matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch.nn.functional as F
from torch import Tensor, from_numpy

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.learn import learn_cascade, teach_preranking
from adcascade.cascade.learned import write_bundle
from adcascade.cascade.opening import Surroundings
from adcascade.cascade.training import Order, lesson_of
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.installation import clock_at, install, simulated_service
from adcascade.closedloop.report import Numbers, outcome_of
from adcascade.closedloop.simulation import Trial
from adcascade.closedloop.world import World
from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import Sides, sample_loss
from adcascade.learning.model import ScoringModel
from adcascade.market.clock import tick_start_us
from adcascade.market.market import Market
from adcascade.preranking.copr import CoprConfig
from adcascade.preranking.copr_learn import EPOCHS, RATE, CoprLearner, aligned
from adcascade.preranking.learn import PrerankingLearner, distilled
from adcascade.preranking.student import Source
from adcascade.settings import FILE, load_settings

KEPT = 10  # ads that leave pre-ranking, of the 300 that enter


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Ticks of ten minutes, and how busy they are."""

    views_per_tick: float = 40.0
    warm_up: int = 96
    logged: int = 18
    judged: int = 12


def distilled_as_long(source: Source) -> PrerankingLearner:
    """Distillation with COPR's epochs and rate."""
    return distilled(source, epochs=EPOCHS, rate=RATE)


@dataclass(frozen=True)
class ScoreLoss:
    """Score alignment on the very ads that COPR draws: log loss against the log's ctr, where an ad pays per click."""

    config: CoprConfig

    def __call__(self, model: ScoringModel, sides: Sides, samples: Labelled) -> Tensor:
        """-> ()."""
        logit = model.learn(sides.user, sides.ads)
        taught = from_numpy((samples.extra["list"] >= 0) & (samples.extra["per_click"] > 0))
        scores = F.binary_cross_entropy_with_logits(logit[taught, 0], from_numpy(samples.label)[taught])
        return sample_loss(logit, samples) + self.config.strength * scores


def scores_of_lists(source: Source) -> CoprLearner:
    """COPR's lists, batches and steps, with scores in the place of order."""
    return aligned(source, objective=ScoreLoss)


@dataclass(frozen=True, slots=True)
class Shop:
    """An installation in a folder, with its shoppers."""

    folder: Path
    seed: int
    phases: Phases

    def serve_each(self, methods: Sequence[str]) -> dict[str, Numbers]:
        """What each method's bundle brought over the same ticks: rpm, ctr, welfare ... (closedloop/report.py)."""
        install(self.folder, self.market(), 0)
        first = self.phases.warm_up
        second = first + self.phases.logged
        self.live(range(first))
        lesson = lesson_of(self.order(first), lists=False)
        learned = learn_cascade(lesson)
        bundles = Bundles(load_settings(self.folder).bundles_path)
        whole = write_bundle(bundles, learned, lesson, now_us=tick_start_us(first), until_us=tick_start_us(first))
        bundles.promote(whole.version)
        self.live(range(first, second))
        later, now_us = lesson_of(self.order(second), lists=True), tick_start_us(second)
        self.narrow()
        numbers = {}
        for method in methods:
            taught = replace(learned, preranking=teach_preranking(later, learned.ranking, method))
            version = write_bundle(bundles, taught, later, now_us=now_us, until_us=now_us).version
            trial = Trial.of(self.folder)
            numbers[method] = self.live(range(second, second + self.phases.judged), trial.around("trial", version))
            trial.remove()
        return numbers

    def market(self) -> Market:
        """The world as it always was: it keeps nothing of what was served."""
        return World(seed=self.seed, views_per_tick=self.phases.views_per_tick, tick=0).market()

    def order(self, tick: int) -> Order:
        """To learn from the log up to this tick."""
        now_us = tick_start_us(tick)
        return Order(directory=self.folder, now_us=now_us, until_us=now_us, seed=self.seed)

    def narrow(self) -> None:
        """From now on few ads pass pre-ranking."""
        file = self.folder / FILE
        file.write_text(file.read_text().replace("[engine]", f"[engine]\nprerank = {KEPT}", 1))

    def live(self, ticks: range, around: Surroundings | None = None) -> Numbers:
        """Some ticks of the shop."""
        market, clock = self.market(), clock_at(ticks.start)
        service = simulated_service(self.folder, clock, around)
        try:
            shown = Drive(market, service, service.parts.feed.store, watch=clock.watch).run(ticks)
        finally:
            service.close()
        return outcome_of(shown, sum(len(market.views(tick)) for tick in ticks))


def serve_each(seed: int, methods: Sequence[str], phases: Phases) -> dict[str, Numbers]:
    """A shop of this seed, in a folder that is thrown away."""
    with TemporaryDirectory() as folder:
        return Shop(Path(folder) / "shop", seed, phases).serve_each(methods)
