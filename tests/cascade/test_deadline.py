"""The deadline rule and the engine that obeys it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.deadline import Pace, allowed
from adcascade.cascade.engine import Engine, Pipeline, Place
from adcascade.contracts import AdRequest, Batch, Candidates, Opportunity, Slot


class Watch:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


class Slow:
    """A stage that takes so long per candidate, scores each by its row, and keeps some."""

    def __init__(
        self, name: str, watch: Watch, *, each_ns: int = 0, keep: int | None = None, fails: bool = False
    ) -> None:
        self.name, self.watch, self.each_ns, self.keep, self.fails = name, watch, each_ns, keep, fails
        self.calls: list[int] = []

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        self.calls.append(len(candidates))
        self.watch.now += self.each_ns * max(len(candidates), 1)
        if self.fails:
            raise ValueError("broken")
        scored = candidates.with_(score=-candidates.ad.astype(np.float32))
        return scored.top(self.keep) if self.keep else scored


class Source:
    """The first stage: so many candidates."""

    name = "source"

    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        return Candidates.of(np.arange(self.n, dtype=np.int32), np.arange(self.n, 0, -1).astype(np.float32))


def opportunity(name: str = "r") -> Opportunity:
    """A request with one slot and no features."""
    none = np.empty((1, 0))
    features = Batch(
        ids=none.astype(np.int64),
        dense=none.astype(np.float32),
        history=np.empty((1, 0, 0), np.int64),
        history_length=np.zeros(1, np.int64),
        scenario=np.zeros(1, np.int64),
    )
    request = AdRequest(id=name, time_us=0, slots=(Slot(id="s"),))
    return Opportunity(request=request, seen={}, features=features, random=np.random.default_rng(0))


@given(
    n=st.integers(1, 1000),
    left=st.floats(-1e9, 1e9),
    need=st.floats(0, 1e9),
    after=st.floats(0, 1e9),
    required=st.booleans(),
)
def test_a_stage_never_takes_more_than_fits_unless_it_is_required(
    n: int, left: float, need: float, after: float, required: bool
) -> None:
    """What the rule allows either fits the time left, or is the least share of a required stage."""
    m = allowed(n, left_ns=left, need_ns=need, after_ns=after, required=required)
    assert 0 <= m <= n
    if m and m < n and not required:
        assert need * m / n <= left - after + 1e-3
    if required:
        assert m >= min(n, max(1, n // 4))


def test_pace_settles_on_what_it_sees() -> None:
    """After equal calls the forecast is that time, without deviation."""
    pace = Pace()
    for _ in range(50):
        pace.observe(1000.0, 10)
    assert pace.expected_ns(10) == pytest.approx(1000.0)


def test_a_stage_that_would_be_late_is_cut_and_the_order_before_it_stays() -> None:
    """Rule 3: the optional stage is left out, its candidates shortened to what it would let out."""
    watch = Watch()
    slow = Slow("slow", watch, each_ns=1000, keep=5)
    pipeline = Pipeline("p", [Place(Source(100), required=True), Place(slow, keep=5)], watch)
    first = pipeline.run(opportunity(), Candidates.of(np.empty(0, np.int32)), deadline_ns=10**9)
    assert first[-1].cut == ""
    late = pipeline.run(opportunity(), Candidates.of(np.empty(0, np.int32)), deadline_ns=watch.now + 10_000)
    assert late[-1].cut == "late"
    assert late[-1].left.ad.tolist() == [0, 1, 2, 3, 4]
    assert slow.calls == [100]


def test_a_stage_that_fits_in_part_runs_on_the_best() -> None:
    """Rule 2: half the time lets half the candidates through."""
    watch = Watch()
    slow = Slow("slow", watch, each_ns=1000)
    pipeline = Pipeline("p", [Place(Source(100), required=True), Place(slow)], watch)
    for _ in range(30):
        pipeline.run(opportunity(), Candidates.of(np.empty(0, np.int32)), deadline_ns=watch.now + 10**9)
    steps = pipeline.run(opportunity(), Candidates.of(np.empty(0, np.int32)), deadline_ns=watch.now + 50_000)
    assert steps[-1].cut == "shortened"
    assert 25 <= slow.calls[-1] <= 50


def test_time_for_the_required_stages_behind_is_kept_free() -> None:
    """An optional stage is cut when it would eat the time of the auction after it."""
    watch = Watch()
    middle, last = Slow("middle", watch, each_ns=1000), Slow("auction", watch, each_ns=1000)
    places = [Place(Source(100), required=True), Place(middle), Place(last, required=True)]
    pipeline = Pipeline("p", places, watch)
    for _ in range(30):
        pipeline.run(opportunity(), Candidates.of(np.empty(0, np.int32)), deadline_ns=watch.now + 10**9)
    steps = pipeline.run(opportunity(), Candidates.of(np.empty(0, np.int32)), deadline_ns=watch.now + 110_000)
    assert [step.cut for step in steps] == ["", "late", ""]


def test_a_stage_that_raises_is_cut_and_named() -> None:
    """An optional stage that fails leaves what came in; the reason is in the outcome."""
    watch = Watch()
    broken = Pipeline("p", [Place(Source(10), required=True), Place(Slow("ranking", watch, fails=True), keep=3)], watch)
    close = Pipeline("c", [Place(Slow("auction", watch, keep=1), required=True)], watch)
    outcome = Engine(broken, broken, close, close, share=0.0).run(opportunity(), deadline_ns=10**9)
    assert outcome.cuts == ("ranking: failed: ValueError",)
    assert outcome.ranked.ad.tolist() == [0, 1, 2]
    assert outcome.winners.ad.tolist() == [0]


def test_a_required_stage_that_raises_means_no_answer() -> None:
    """Without an auction nothing can be charged, so nothing is shown."""
    watch = Watch()
    select = Pipeline("p", [Place(Source(10), required=True)], watch)
    close = Pipeline("c", [Place(Slow("auction", watch, fails=True), required=True)], watch)
    outcome = Engine(select, select, close, close, share=0.0).run(opportunity(), deadline_ns=10**9)
    assert len(outcome.winners) == 0


def test_exploration_takes_its_share() -> None:
    """share 0 never explores, share 1 always does."""
    watch = Watch()
    select, explore = (Pipeline(n, [Place(Source(3), required=True)], watch) for n in ("cascade", "exploration"))
    close = Pipeline("c", [Place(Slow("auction", watch), required=True)], watch)
    for share, name in ((0.0, "cascade"), (1.0, "exploration")):
        engine = Engine(select, explore, close, close, share=share)
        assert engine.run(opportunity(), deadline_ns=10**9).policy == name
