"""The engine: Candidates narrowed stage by stage within a deadline, with a trace of every step."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import structlog

from adcascade.cascade.deadline import Pace, allowed
from adcascade.cascade.overload import OVERLOAD, width
from adcascade.contracts import Candidates, Opportunity, Stage

log = structlog.get_logger()


class Step(msgspec.Struct, frozen=True, kw_only=True, eq=False):  # a dozen a request
    """One stage's work on one request."""

    name: str
    entered: Candidates
    left: Candidates
    elapsed_ns: int
    cut: str = ""  # why the stage did not do all its work: "late", "overload", "shortened", "failed: ..."; else empty


@dataclass(frozen=True, slots=True)
class Place:
    """A stage and its place in a pipeline."""

    stage: Stage
    keep: int | None = None  # how many a cut stage lets through; None: all
    required: bool = False  # without it there is no answer
    narrows: bool = False  # from rung 1 of the overload ladder on it reads half of its candidates
    left_out: int | None = None  # rung from which on it is left out


@dataclass(slots=True)
class Pipeline:
    """Places in order, with what the engine learned of their pace.

    clock: monotonic nanoseconds; an argument, so that a test can make time pass.
    """

    name: str
    places: Sequence[Place]
    clock: Callable[[], int] = time.perf_counter_ns
    paces: dict[str, Pace] = field(default_factory=dict)
    _behind: list[list[str]] = field(init=False)  # of each place: the required ones behind it

    def __post_init__(self) -> None:
        for place in self.places:
            self.paces.setdefault(place.stage.name, Pace())
        names = [place.stage.name if place.required else "" for place in self.places]
        self._behind = [[name for name in names[index + 1 :] if name] for index in range(len(names))]

    def run(self, opportunity: Opportunity, candidates: Candidates, deadline_ns: int, *, rung: int = 0) -> list[Step]:
        """Send candidates down all places; deadline_ns is a time of `clock`. The last step's `left` is the result.

        rung: of the overload ladder (cascade/overload.py).
        """
        steps: list[Step] = []
        for index, place in enumerate(self.places):
            if rung and place.left_out is not None and rung >= place.left_out:
                left = _fall_back(candidates, place)
                step = Step(name=place.stage.name, entered=candidates, left=left, elapsed_ns=0, cut=OVERLOAD)
            else:
                wide = width(rung, len(candidates)) if place.narrows else len(candidates)
                step = self._step(index, place, opportunity, candidates, deadline_ns, wide)
            steps.append(step)
            candidates = step.left
        return steps

    def _step(  # noqa: PLR0917  one place's turn
        self, index: int, place: Place, opportunity: Opportunity, entered: Candidates, deadline_ns: int, wide: int
    ) -> Step:
        """One place's turn. wide: how many candidates it may read at most."""
        name = place.stage.name
        pace = self.paces[name]
        began = self.clock()
        n = allowed(
            wide,
            left_ns=deadline_ns - began,
            need_ns=pace.expected_ns(wide),
            after_ns=self._required_after(index, place, len(entered)),
            required=place.required,
        )
        if n == 0 and len(entered) > 0:
            return Step(name=name, entered=entered, left=_fall_back(entered, place), elapsed_ns=0, cut="late")
        taken = entered if n >= len(entered) else entered.take(np.arange(n))
        try:
            left = place.stage(opportunity, taken)
            cut = "" if n >= len(entered) else "shortened" if n < wide else OVERLOAD
        except Exception as error:
            log.warning("stage_failed", stage=name, auction=opportunity.request.id, exc_info=error)
            left = Candidates.of(np.empty(0, np.int32)) if place.required else _fall_back(entered, place)
            cut = f"failed: {type(error).__name__}"
        elapsed = self.clock() - began
        pace.observe(elapsed, len(taken))
        return Step(name=name, entered=entered, left=left, elapsed_ns=elapsed, cut=cut)

    def _required_after(self, index: int, place: Place, n: int) -> float:
        """Expected time of the required places behind this one."""
        out = min(n, place.keep) if place.keep is not None else n
        return sum([self.paces[name].expected_ns(out) for name in self._behind[index]])


def _fall_back(candidates: Candidates, place: Place) -> Candidates:
    """What passes a stage that did not work: the best by the order of the stage before."""
    if place.keep is None or len(candidates) <= place.keep:
        return candidates
    return candidates.take(np.arange(place.keep))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the engine decided for one request."""

    policy: str  # name of the pipeline that answered
    winners: Candidates  # in order of their slots
    ranked: Candidates  # all that entered the auction
    steps: tuple[Step, ...]

    @property
    def cuts(self) -> tuple[str, ...]:
        """Stages that did not do all their work, with the reason."""
        return tuple(f"{step.name}: {step.cut}" for step in self.steps if step.cut)

    @property
    def why_empty(self) -> str:
        """A short word for an answer without winners."""
        first = self.steps[0]
        if not len(first.left):
            return "no-eligible-ad" if not first.cut else "retrieval-failed"
        if not len(self.ranked):
            return "nothing-ranked"
        closed = [step for step in self.steps if step.name.endswith("auction")]
        return "below-reserve" if closed and not len(closed[-1].left) else "budget"


@dataclass(slots=True)
class Engine:
    """Two pipelines before one auction: the cascade, and exploration for a share of the requests.

    select and explore narrow the catalog to ranked candidates; close turns ranked candidates into winners
    (it runs again when a winner's budget turns out to be spent). close_blended: of pages that also hold organic
    items, where these are sold otherwise.
    """

    select: Pipeline
    explore: Pipeline
    close: Pipeline
    close_explored: Pipeline
    share: float  # of requests that are explored
    close_blended: Pipeline | None = None

    def explores(self, opportunity: Opportunity) -> bool:
        """Whether chance answers: the request's first random number, so it is asked once."""
        return bool(opportunity.random.random() < self.share)

    def run(
        self,
        opportunity: Opportunity,
        deadline_ns: int,
        *,
        rung: int = 0,
        exploring: bool | None = None,
        before: Sequence[Step] = (),
    ) -> Outcome:
        """Decide one request until a time of the pipelines' clock, on a rung of the overload ladder.

        exploring: what `explores` said, None where it was not asked; before: steps that were made elsewhere, whose
        last `left` goes down the cascade.
        """
        exploring = self.explores(opportunity) if exploring is None else exploring
        pipeline = self.explore if exploring else self.select
        given = before[-1].left if before else Candidates.of(np.empty(0, np.int32))
        steps = [*before, *pipeline.run(opportunity, given, deadline_ns, rung=rung)]
        ranked = steps[-1].left
        closing = self.finish(opportunity, ranked, deadline_ns, exploring=exploring)
        return Outcome(policy=pipeline.name, winners=closing[-1].left, ranked=ranked, steps=(*steps, *closing))

    def finish(self, opportunity: Opportunity, ranked: Candidates, deadline_ns: int, *, exploring: bool) -> list[Step]:
        """Auction and creatives over ranked candidates; the last step's `left` are the winners."""
        close = self.close
        if exploring:
            close = self.close_explored
        elif self.close_blended is not None and opportunity.request.organic:
            close = self.close_blended
        return close.run(opportunity, ranked, deadline_ns)
