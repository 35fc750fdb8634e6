"""Laws of the supervision store and of the service in front of it: scored once, no leak, calls are the union."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.errors import InputError, StoreError
from adcascade.learning.augmentation import AugmentationService
from adcascade.learning.streaming import predict_then_update
from adcascade.learning.supervision import AGE, DAY_US, IMPRESSION, TEACHER, SupervisionStore, with_supervision

ids = st.lists(st.integers(0, 30), max_size=40)


@dataclass
class Fake:
    """Says the share that its version is, and remembers what it was shown."""

    version: str = "v1"
    trained_until_us: int = 0
    probability: float = 0.25
    shown: list[str] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)

    def __call__(self, impressions: pa.Table) -> NDArray[np.float64]:
        """Probabilities [n]."""
        self.shown += impressions[IMPRESSION].to_pylist()
        self.columns |= set(impressions.column_names)
        return np.full(len(impressions), self.probability)


@contextmanager
def opened() -> Iterator[SupervisionStore]:
    """A new store."""
    with TemporaryDirectory() as folder, SupervisionStore(Path(folder) / "deep" / "store.db") as store:
        yield store


def rows(numbers: list[int], time_us: int = 5) -> pa.Table:
    """Impressions of these numbers, with an outcome that nobody may see."""
    n = len(numbers)
    return pa.table(
        {
            IMPRESSION: pa.array([f"i{number}" for number in numbers], pa.string()),
            "time_us": pa.array([time_us] * n, pa.int64()),
            "price": pa.array([1.0] * n),
            "click": pa.array([1.0] * n),
            "click_time_us": pa.array([9] * n),
            "conversion_value_micros": pa.array([9] * n),
        }
    )


@settings(deadline=None, max_examples=25)
@given(asked=st.lists(st.tuples(st.sampled_from("abc"), ids), max_size=6), batch=st.integers(1, 50))
def test_calls_are_the_union_of_what_students_asked_for(asked: list[tuple[str, list[int]]], batch: int) -> None:
    """Whoever asks, how often, in what batches: the teacher sees each impression once."""
    teacher = Fake()
    with opened() as store:
        with AugmentationService(store, teacher, clock_us=lambda: 7, batch_rows=batch) as service:
            scored = [service.ask(student, rows(numbers)) for student, numbers in asked]
        union = {number for _, numbers in asked for number in numbers}
        assert sorted(teacher.shown) == sorted(f"i{number}" for number in union)
        assert store.calls() == store.calls("v1") == sum(one.result() for one in scored) == len(union)
        assert store.union("a", "b", "c") == len(union)
        assert store.union("a") == len({number for student, numbers in asked if student == "a" for number in numbers})


def test_the_teacher_sees_no_outcome() -> None:
    """Of a row's columns everything but clicks and conversions, their times and values, goes to the teacher."""
    teacher = Fake()
    with opened() as store, AugmentationService(store, teacher, clock_us=lambda: 7) as service:
        service.ask("a", rows([1])).result()
    assert teacher.columns == {IMPRESSION, "time_us", "price"}


teachers = st.dictionaries(st.integers(0, 6), st.integers(0, 12), max_size=5)  # version -> end of its data
pairs = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8)), max_size=30)  # version, impression


@settings(deadline=None, max_examples=60)
@given(teachers, pairs)
def test_as_of_is_the_youngest_teacher_that_had_not_seen_the_event(
    ends: dict[int, int], said: list[tuple[int, int]]
) -> None:
    """Against a loop over all predictions: never one whose data ended after the event, and of the others the latest."""
    expected: dict[int, tuple[int, int]] = {}
    with opened() as store:
        for version, end in ends.items():
            store.register(f"v{version}", end)
        for version, impression in said:
            if version not in ends:
                continue
            at = np.array([impression + 2], np.int64)
            store.put(f"v{version}", [f"i{impression}"], np.array([version / 10]), at, scored_us=99)
            if ends[version] <= impression + 2:
                best = expected.get(impression, (-1, -1))
                expected[impression] = max(best, (ends[version], version))
        found = store.as_of([f"i{impression}" for impression in range(9)])
    for impression in range(9):
        if impression in expected:
            end, version = expected[impression]
            assert found.probability[impression] == pytest.approx(version / 10)
            assert found.age_days[impression] == pytest.approx((impression + 2 - end) / DAY_US)
        else:
            assert np.isnan(found.probability[impression])
            assert np.isnan(found.age_days[impression])


def test_a_leak_is_neither_scored_nor_found() -> None:
    """A teacher whose data reaches past an impression is not asked about it; the older one's word stands."""
    old, leaky = Fake("old", 0, 0.1), Fake("leaky", 6, 0.9)
    with opened() as store, AugmentationService(store, old, clock_us=lambda: 7) as service:
        service.ask("a", rows([1, 2], time_us=5)).result()
        service.swap(leaky)
        assert service.ask("a", pa.concat_tables([rows([1], 5), rows([3], 6)])).result() == 1
        assert leaky.shown == ["i3"]
        np.testing.assert_allclose(store.as_of(["i1", "i3"]).probability, [0.1, 0.9])


def test_asking_returns_before_the_teacher_answers_and_a_swap_waits_for_nobody() -> None:
    """A request that waits keeps the teacher of its moment; the next one has the new teacher."""
    gate = threading.Event()

    class Slow(Fake):
        def __call__(self, impressions: pa.Table) -> NDArray[np.float64]:
            """When the gate opens."""
            assert gate.wait(10)
            return super().__call__(impressions)

    slow, quick = Slow("slow"), Fake("quick")
    with opened() as store:
        with AugmentationService(store, slow, clock_us=lambda: 7) as service:
            first, second = service.ask("a", rows([1])), service.ask("a", rows([2]))
            assert not first.done()
            service.swap(quick)
            third = service.ask("a", rows([3]))
            gate.set()
        assert (first.result(), second.result(), third.result()) == (1, 1, 1)
    assert (slow.shown, quick.shown) == (["i1", "i2"], ["i3"])


def test_what_the_teacher_raises_reaches_who_asked_and_nobody_else() -> None:
    """Its future raises; what was scored before stays, what comes after is scored."""

    class Broken(Fake):
        def __call__(self, impressions: pa.Table) -> NDArray[np.float64]:
            """Not for impression 2, and no probability for 3."""
            if "i2" in impressions[IMPRESSION].to_pylist():
                raise RuntimeError("out of memory")
            return super().__call__(impressions) * (8 if "i3" in impressions[IMPRESSION].to_pylist() else 1)

    with opened() as store, AugmentationService(store, Broken(), clock_us=lambda: 7) as service:
        answers = [service.ask("a", rows([number])) for number in (1, 2, 3, 4)]
        with pytest.raises(RuntimeError, match="memory"):
            answers[1].result()
        with pytest.raises(InputError, match="0 to 1"):
            answers[2].result()
        assert answers[3].result() == 1
        assert store.calls() == 2


def test_the_store_is_found_again_and_overwrites_nothing(tmp_path: Path) -> None:
    """After closing, what was said is there; another word of the same version is ignored."""
    at = np.array([5], np.int64)
    with SupervisionStore(tmp_path / "s.db") as store:
        store.register("v1", 3)
        assert store.put("v1", ["i1"], np.array([0.5]), at, scored_us=7) == 1
    with SupervisionStore(tmp_path / "s.db") as store:
        store.register("v1", 3)
        assert store.put("v1", ["i1"], np.array([0.9]), at, scored_us=8) == 0
        assert store.as_of(["i1"]).probability.tolist() == [0.5]
        with pytest.raises(InputError, match="another version"):
            store.register("v1", 4)
    (tmp_path / "damaged.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError):
        SupervisionStore(tmp_path / "damaged.db")


def test_a_sample_table_gains_two_columns_and_null_is_unknown() -> None:
    """Rows keep their order; nobody's word is null, not 0."""
    with opened() as store, AugmentationService(store, Fake(), clock_us=lambda: 7) as service:
        service.ask("a", rows([2], DAY_US)).result()
        found = with_supervision(rows([1, 2], DAY_US), store)
    assert found[TEACHER].to_pylist() == [None, 0.25]
    assert found[AGE].to_pylist() == [None, 1.0]


@given(
    start=st.integers(-50, 50),
    length=st.integers(0, 200),
    warm_up=st.integers(0, 60),
    refresh=st.integers(1, 40),
    delay=st.integers(0, 30),
)
def test_periods_predict_before_they_update(start: int, length: int, warm_up: int, refresh: int, delay: int) -> None:
    """No period is scored by who has learned from it; they follow one another without a gap up to the end."""
    end = start + length
    periods = predict_then_update(start, end, warm_up=warm_up, refresh=refresh, delay=delay)
    for period in periods:
        assert start + warm_up <= period.train_until == period.score_from - delay
        assert period.score_from < period.score_until <= end
        assert period.score_from % refresh == 0
    assert [p.score_until for p in periods[:-1]] == [p.score_from for p in periods[1:]]
    if periods:
        assert periods[-1].score_until == end
        later = predict_then_update(start, end + 7, warm_up=warm_up, refresh=refresh, delay=delay)
        assert [p[:2] for p in later[: len(periods)]] == [
            p[:2] for p in periods
        ]  # asked again later: the same teachers


@pytest.mark.parametrize("wrong", [{"refresh": 0}, {"warm_up": -1}, {"delay": -1}])
def test_periods_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    """A stream is never refreshed every zero hours."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        predict_then_update(0, 10, **{"warm_up": 1, "refresh": 2, **wrong})
