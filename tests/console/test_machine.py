"""All workers of a machine are told of as one: nothing is lost, counted twice, or averaged that must be summed."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.console.test_overview import observed

from adcascade.console.counters import Counters, counters_of, quantile
from adcascade.console.history import EVERY_US, History
from adcascade.console.looks import KEPT_US, Look, Looks
from adcascade.console.machine import LIVES_US, Machine
from adcascade.errors import StoreError

START = 350_000_000 * EVERY_US
FAR = 10**12
ROUNDS = st.lists(  # what each of three workers answered in a round, and whether it is then replaced by another
    st.tuples(*[st.tuples(st.integers(0, 50), st.booleans())] * 3), min_size=2, max_size=12
)


def look(process: str, time_us: int, began_us: int = START, **counted: float) -> Look:
    """A look of a process."""
    return Look(process=process, began_us=began_us, counters=Counters(time_us=time_us, **counted))  # type: ignore[arg-type]


def machine() -> tuple[Machine, History]:
    """A machine that nobody looked at."""
    history = History()
    return Machine(history), history


@given(rounds=ROUNDS)
def test_the_sum_over_workers_is_what_was_answered(rounds: list[tuple[tuple[int, bool], ...]]) -> None:
    """Whoever answered, dies and is replaced: every step of the total is what came in that round, and never falls."""
    gathered, history = machine()
    names, counts, lives = ["a", "b", "c"], [0, 0, 0], [START] * 3
    gathered.take([look(name, START) for name in names])
    expected = []
    for number, workers in enumerate(rounds, 1):
        now = START + number * EVERY_US
        expected.append(sum(answered for answered, _ in workers))
        for place, (answered, dies) in enumerate(workers):
            counts[place] += answered
            gathered.take([look(names[place], now, lives[place], requests=counts[place])])
            if dies:
                names[place], counts[place], lives[place] = f"{names[place]}+", 0, now
        gathered.take([])
    totals = [one.requests for one in history.last(FAR, 1000)]
    assert all(later >= earlier for earlier, later in itertools.pairwise(totals))
    gathered.take([look(name, START + (len(rounds) + 1) * EVERY_US, life, requests=count)
                   for name, count, life in zip(names, counts, lives, strict=True)])  # fmt: skip
    assert history.last(FAR, 1000)[-1].requests == sum(expected)


def test_what_was_before_the_first_look_is_not_counted() -> None:
    """A worker that lived before begins at what it had; one that begins later adds all that it counts."""
    gathered, history = machine()
    gathered.take([look("old", START, START - 1, requests=1000)])
    gathered.take([look("old", START + EVERY_US, START - 1, requests=1007), look("new", START + EVERY_US, requests=3)])
    assert history.last(FAR, 10)[-1].requests - history.last(FAR, 10)[0].requests == 10


@given(one=st.lists(st.floats(0.0001, 4.0), min_size=1), other=st.lists(st.floats(0.0001, 4.0), min_size=1))
def test_quantiles_are_read_off_summed_buckets(one: list[float], other: list[float]) -> None:
    """Two workers' times together have the quantiles of one worker that saw them all."""
    looks = [
        Look(process=str(number), began_us=START, counters=counters_of(observed(seconds).registry, (), START))
        for number, seconds in enumerate((one, other))
    ]
    gathered, history = machine()
    gathered.take([look("first", START - EVERY_US, 0), *looks])
    told = history.last(FAR, 10)[-1].stages["ranking"]
    alone = counters_of(observed(one + other).registry, (), START).stages["ranking"]
    assert told.buckets == alone.buckets
    assert told.seconds == pytest.approx(alone.seconds)
    for share in (0.5, 0.99):
        assert quantile(None, told, share) == quantile(None, alone, share)


def test_a_round_is_told_once_and_whole() -> None:
    """Looks of the same five seconds are one look of the machine; who comes too late is counted with the next one."""
    gathered, history = machine()
    gathered.take([look("a", START, requests=0), look("b", START + 9, requests=0)])
    gathered.take([look("a", START + EVERY_US, requests=1)])
    gathered.take([look("b", START + EVERY_US, requests=10)])
    gathered.take([look("a", START + 2 * EVERY_US, requests=2), look("b", START + 2 * EVERY_US, requests=20)])
    assert [one.requests for one in history.last(FAR, 10)] == [0, 1, 22]


def test_what_each_knows_of_the_whole_is_not_added_up() -> None:
    """The day's money is everybody's; the win rate is weighed by who answered; the dead know nothing any more."""
    gathered, history = machine()
    gathered.take([
        look("a", START, spent=70.0, due=80.0, budget=100.0, booked=9.0, win_rate=0.1, ads=300.0),
        look("b", START, spent=60.0, due=80.0, budget=100.0, booked=10.0, win_rate=0.5, ads=100.0),
    ])  # fmt: skip
    told = history.last(FAR, 10)[-1]
    assert (told.spent, told.due, told.budget, told.booked) == (70.0, 80.0, 100.0, 10.0)
    assert told.win_rate == pytest.approx(0.2)
    later = START + LIVES_US + 1
    gathered.take([look("b", later, spent=1.0, booked=2.0)])
    assert (history.last(FAR, 10)[-1].spent, history.last(FAR, 10)[-1].booked) == (1.0, 2.0)
    assert [one.process for one in gathered.alive(later)] == ["b"]


def test_a_clock_that_went_back_begins_the_charts_anew() -> None:
    """By hours; by seconds it goes on."""
    gathered, history = machine()
    for time_us in (START, START + EVERY_US, START + EVERY_US - 9, START + 2 * EVERY_US):
        gathered.take([look("a", time_us)])
    assert len(history.last(FAR, 10)) == 3
    gathered.take([look("a", START - 3_600_000_000)])
    assert [one.time_us for one in history.last(FAR, 10)] == [START - 3_600_000_000]


# ---- the file between them


@pytest.fixture
def file(tmp_path: Path) -> Iterator[tuple[Looks, Looks]]:
    """The same file, open in two workers."""
    one, other = Looks(tmp_path / "looks.db"), Looks(tmp_path / "looks.db")
    yield one, other
    one.close()
    other.close()


def test_each_reads_what_the_others_put_down(file: tuple[Looks, Looks]) -> None:
    """In order, once, without its own; whole, with histograms and alarms."""
    one, other = file
    alarm = {"name": "journal", "sentence": "s", "remedy": "r", "since_us": 7, "value": np.float64(0.5)}
    full = Look(
        process="a", began_us=START, counters=counters_of(observed([0.01]).registry, (), START), alarms=(alarm,),
        trouble="no", bundle="v1",
    )  # fmt: skip
    one.put(full)
    other.put(look("b", START))
    one.put(look("a", START + EVERY_US))
    assert other.others("b") == [full, look("a", START + EVERY_US)]
    assert other.others("b") == []
    assert one.others("a") == [look("b", START)]


def test_the_file_stays_small(file: tuple[Looks, Looks]) -> None:
    """What is older than the history is gone, and so is what a clock that went back left in the future."""
    one, other = file
    for time_us in (START, START + 1, START + KEPT_US + 1, START + KEPT_US + EVERY_US):
        one.put(look("a", time_us))
    assert [each.time_us - START for each in other.others("b")] == [KEPT_US + 1, KEPT_US + EVERY_US]
    one.put(look("a", START + KEPT_US // 2))
    fresh = Looks(one._path)
    assert [each.time_us - START for each in fresh.others("b")] == [KEPT_US // 2]
    fresh.close()


def test_a_file_that_is_none_is_named_and_taken_again_once_it_is_gone(tmp_path: Path) -> None:
    """StoreError says what to do; whoever does it needs no restart."""
    path = tmp_path / "looks.db"
    path.write_bytes(b"no database" * 1000)
    looks = Looks(path)
    for ask in (lambda: looks.put(look("a", START)), lambda: looks.others("a")):
        with pytest.raises(StoreError, match="delete the file"):
            ask()
    path.unlink()
    looks.put(look("a", START))
    assert looks.others("b") == [look("a", START)]
    looks.close()
