"""Shard: a process that has a part of the ads, and narrows it for fronts: retrieval, pre-ranking, ranking, conversion
and calibration.

It reads the same catalog and the same bundles as the fronts, opens no log and no ledger, and remembers nothing of
anybody: killed and started again it is what it was. Of bundles it keeps the serving one and the one before, so that
fronts may swap a moment later than it does; a question for another one is refused, never answered by other scores.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from adcascade.cascade.build import Loaded
from adcascade.cascade.engine import Pipeline, Step
from adcascade.cascade.feed import BundleWatch, CatalogFeed
from adcascade.cascade.frequency import Frequency
from adcascade.cascade.opportunity import chance_of
from adcascade.cascade.score_at import score_at
from adcascade.cascade.sharding.fan import LATE, VERSION
from adcascade.cascade.sharding.messages import Ask, Found, decoded
from adcascade.cascade.sharding.share import Share
from adcascade.cascade.sharding.standing import Standing
from adcascade.catalog.bitmaps import Bits
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import Candidates, Opportunity

FRONTS = ("live_calibration", "bidding")  # stages that are the front's


@dataclass(slots=True)
class Alpha:
    """The pacing factors that pre-ranking reads: those of the front that asks."""

    alpha: NDArray[np.float64] = field(default_factory=lambda: np.ones(0))


@dataclass(frozen=True, slots=True)
class Sifter:
    """One bundle's engine and the part of its cascade that a shard does."""

    loaded: Loaded
    pipeline: Pipeline

    @classmethod
    def of(cls, loaded: Loaded) -> "Sifter":
        """Up to calibration."""
        places = [place for place in loaded.engine.select.places if place.stage.name not in FRONTS]
        return cls(loaded, Pipeline("shard", places))


class Shard:
    """One thread, but for `prepare` and `read_catalog`. pacer: what the engines' pre-ranking reads."""

    def __init__(  # noqa: PLR0917  what a shard is made of
        self,
        share: Share,
        snapshot: Snapshot,
        feed: CatalogFeed,
        bundles: BundleWatch,
        loaded: Loaded,
        pacer: Alpha,
        timer: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.share, self.snapshot, self.feed, self.bundles = share, snapshot, feed, bundles
        self._pacer, self._timer = pacer, timer
        self._sifters = {loaded.version: Sifter.of(loaded)}
        self._frequency = Frequency(
            snapshot, users=1
        )  # knows who promises caps; who has seen what is the fronts' affair

    @property
    def versions(self) -> tuple[str, ...]:
        """Bundles that it can answer by, the serving one first."""
        return tuple(reversed(self._sifters))

    def answer(self, ask: Ask, standing: Standing, waited_ns: int = 0) -> Found:
        """The ads of its own that are worth most to this request. standing: of the front that asks.

        waited_ns: what of the question's time was over when its turn came. InputError where the question is broken.
        """
        began = self._timer()
        sifter = self._sifters.get(ask.version)
        if sifter is None or ask.left_us * 1000 <= waited_ns:
            cut = VERSION if sifter is None else LATE
            return Found(number=ask.number, version=self.versions[0], took_us=0, cut=cut)
        opportunity = Opportunity(
            request=ask.request,
            seen={"history_category": list(ask.recent)},
            features=decoded(ask.encoded, sifter.loaded.encoder),
            random=chance_of(ask.request.id),
            capped=frozenset(ask.capped),
            uncapped=self._allowed(standing, anonymous=ask.anonymous),
        )
        self._pacer.alpha = standing.alpha
        deadline = began + ask.left_us * 1000 - waited_ns
        nothing = Candidates.of(np.empty(0, np.int32))
        steps = sifter.pipeline.run(opportunity, nothing, deadline, rung=ask.rung)
        return self._found(ask, steps, (self._timer() - began) // 1000)

    def _allowed(self, standing: Standing, *, anonymous: bool) -> Bits | None:
        """Packed rows that may answer for this front and this user; None: all."""
        uncapped = self._frequency.uncapped() if anonymous else None
        if uncapped is None or standing.open is None:
            return standing.open if uncapped is None else uncapped
        return uncapped & standing.open

    def _found(self, ask: Ask, steps: list[Step], took_us: int) -> Found:
        left = steps[-1].left
        scores = {
            step.name: score_at(step.left, left.ad) for step in steps[:2] if not step.cut or step.name != "preranking"
        }
        unknown = np.full(len(left), np.nan, np.float32)
        return Found(
            number=ask.number,
            version=ask.version,
            took_us=took_us,
            cut="; ".join(f"{step.name}: {step.cut}" for step in steps if step.cut),
            ad=self.share.rows(left.ad).astype("<i4").tobytes(),
            retrieval=scores.get("retrieval", unknown).astype("<f4").tobytes(),
            preranking=scores.get("preranking", unknown).astype("<f4").tobytes(),
            score=left.score.astype("<f4").tobytes(),
            ctr=left.ctr.astype("<f4").tobytes(),
            cvr=left.cvr.astype("<f4").tobytes(),
        )

    # ---- upkeep

    def read_catalog(self) -> None:
        """Read what was written to the catalog; from a thread beside the questions."""
        self.feed.prepare()

    def take_catalog(self, now_us: int) -> bool:  # noqa: ARG002  the shape of an upkeep
        """Take in some of what was read; whether more waits."""
        campaigns, rows = self.feed.take()
        self._frequency.changed(campaigns)
        if len(rows):
            for sifter in self._sifters.values():
                sifter.loaded.ads_changed(rows)
        return self.feed.waiting

    def prepare(self) -> None:
        """Load a newly promoted bundle; from a thread beside the questions."""
        self.bundles.prepare()

    def upkeep(self, now_us: int) -> None:  # noqa: ARG002  the shape of an upkeep
        """Adopt what was loaded, and keep the bundle before."""
        fresh = self.bundles.take()
        if fresh is not None:
            before = self._sifters.pop(self.versions[0])
            self._sifters = {before.loaded.version: before, fresh.version: Sifter.of(fresh)}

    def close(self) -> None:
        """Let go of the catalog."""
        self.feed.store.close()
