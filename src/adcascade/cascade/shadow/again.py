"""Again: a request that has been answered, sent through a second engine as it was when it came.

    judged    the candidates that the serving ranker read, through the shadow's ranking, conversion and calibration, in
              the same order: so each ad that was shown has a prediction by both
    own       the shadow's whole cascade, from retrieval to creatives: what it would have shown

Both see the request as the serving bundle saw it: the same raw features, caps and random numbers, by the shadow's own
encoder. Nothing is reserved, so campaigns whose money ran out in between may win; two ads that together pass a cap may
stand side by side. A shadow has time: what would be late is read from the times of its stages.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from adcascade.cascade.answer import Served
from adcascade.cascade.build import Loaded
from adcascade.cascade.engine import Outcome, Step
from adcascade.cascade.opportunity import chance_of
from adcascade.cascade.shadow.record import Own, Pair, Shadowed
from adcascade.contracts import Candidates, Opportunity
from adcascade.errors import InternalError
from adcascade.metrics.funnel import pair_agreement

JUDGE = ("ranking", "conversion", "calibration")  # stages that predict
TIME_NS = 5_000_000_000
COMPARED = 100  # candidates whose order is compared


@dataclass(frozen=True)
class Again:
    """One request. served: its winners; serving: who answered."""

    opportunity: Opportunity
    outcome: Outcome
    served: Sequence[Served]
    serving: Loaded
    shadow: Loaded

    @cached_property
    def seen(self) -> Opportunity:
        """The opportunity as the shadow's encoder has it, with the request's random numbers from the beginning."""
        then = self.opportunity
        features = self.shadow.encoder.encode_one({**then.seen, "position": "0"}, "request")
        return replace(then, features=features, random=chance_of(then.request.id))

    def judged(self) -> Candidates:
        """The serving ranker's candidates with the shadow's ctr and cvr, before live calibration."""
        candidates = step_of(self.outcome, "ranking").entered
        for stage in self.shadow.reference:
            if stage.name in JUDGE:
                candidates = stage(self.seen, candidates)
        return candidates

    def own(self) -> Own | None:
        """What the shadow would have answered; None where chance answered. InternalError where one of its stages
        failed."""
        if self.outcome.policy != "cascade":
            return None
        engine, opportunity = self.shadow.engine, self.seen
        engine.explores(opportunity)  # the first random number, as the serving engine drew it
        outcome = engine.run(opportunity, engine.select.clock() + TIME_NS, exploring=False)
        if failed := [cut for cut in outcome.cuts if "failed" in cut]:
            raise InternalError(f"stage {failed[0]}")
        winners = outcome.winners
        return Own(
            ads=tuple(winners.ad.tolist()),
            slots=tuple(winners.slot.tolist()),
            expected_micros=expected_micros(winners, self.shadow),
            stage_us=took(outcome),
        )

    def record(self, judged: Candidates, own: Own | None) -> Shadowed:
        """Both answers side by side."""
        request = self.opportunity.request
        before = step_of(self.outcome, "calibration").left
        return Shadowed(
            id=request.id,
            time_us=request.time_us,
            scenario=request.scenario,
            bundle=self.serving.version,
            shadow=self.shadow.version,
            pairs=self._pairs(before, judged),
            expected_micros=sum(
                one.price_micros * (one.ctr if one.campaign.billing == "click" else 1.0) for one in self.served
            ),
            stage_us=took(self.outcome),
            alike=_alike(judged, before),
            own=own,
        )

    def _pairs(self, before: Candidates, judged: Candidates) -> tuple[Pair, ...]:
        served, shadow = (dict(zip(one.ad.tolist(), one.ctr.tolist(), strict=True)) for one in (before, judged))
        return tuple(
            Pair(
                bid_id=one.bid_id,
                ad=one.row,
                slot=one.slot,
                served=served[one.row] * self.serving.slot_factor(one.slot),
                shadow=shadow[one.row] * self.shadow.slot_factor(one.slot),
            )
            for one in self.served
        )


def comparable(outcome: Outcome) -> bool:
    """Whether a model ranked and every stage did all its work: only then is there something to compare with."""
    return not outcome.cuts and {"ranking", "calibration"} <= {step.name for step in outcome.steps}


def step_of(outcome: Outcome, name: str) -> Step:
    """The stage's step."""
    return next(step for step in outcome.steps if step.name == name)


def took(outcome: Outcome) -> dict[str, int]:
    """Microseconds by stage."""
    return {step.name: step.elapsed_ns // 1000 for step in outcome.steps}


def expected_micros(winners: Candidates, loaded: Loaded) -> float:
    """Revenue expected of winners by what their bundle predicts: price times billing events."""
    factors = np.array([loaded.slot_factor(slot) for slot in winners.slot.tolist()])
    clicks = winners.ctr * factors
    return float((winners.price * np.where(loaded.snapshot.billing_click[winners.ad], clicks, 1.0)).sum())


def _alike(judged: Candidates, before: Candidates) -> float | None:
    """Of the pairs of the same candidates, the share in the same order by P(click); None where no two differ."""
    shadow, served = (one.ctr[one.ad.argsort(kind="stable")][:COMPARED] for one in (judged, before))
    share = pair_agreement(shadow, served)
    return None if math.isnan(share) else share
