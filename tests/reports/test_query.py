"""Laws of reports: every figure is that of its lines added up, whatever it is told by, and beside which period."""

from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reports.world import HOUR_US, Line, Moves, lines_of, moves, records_of, summed

from adcascade.errors import InputError
from adcascade.reports.columns import BY_NAME, COUNTS, REFUNDED, SCHEMA
from adcascade.reports.grain import GRAINS, Grain, begin_of
from adcascade.reports.metrics import METRICS
from adcascade.reports.query import Question, Report, answer

OF_ALL = tuple(metric.name for metric in METRICS)
OF_ADS = tuple(metric.name for metric in METRICS if metric.of_ads)
BERLIN = "Europe/Berlin"
BEGIN_US = 1_774_742_400_000_000  # 29 March 2026, 00:00 UTC: an hour later Berlin's clock goes forward


class Given:
    """Facts that are there already, in two tables."""

    def __init__(self, lines: Sequence[Line]) -> None:
        rows = [{"bid_id": "", "price_micros": 0} | line for line in lines]
        half = len(rows) // 2
        self._tables = [pa.Table.from_pylist(part, SCHEMA) for part in (rows[:half], rows[half:])]

    def tables(self, columns: Sequence[str], from_us: int, to_us: int) -> Iterable[pa.Table]:
        """As `KeptFacts.tables`."""
        for table in self._tables:
            inside = pc.and_(
                pc.greater_equal(table["time_us"], pa.scalar(from_us)), pc.less(table["time_us"], pa.scalar(to_us))
            )
            yield table.filter(inside).select(list(columns))


def figures(question: Question, lines: Iterable[Line]) -> tuple[float | None, ...]:
    """The twin of a row: its lines added up."""
    sums = summed(lines)
    return tuple(metric.value(sums) for name in question.metrics for metric in METRICS if metric.name == name)


def chosen(question: Question, lines: Sequence[Line], from_us: int) -> list[Line]:
    """The lines of a period that the filters let through."""
    to_us = from_us + question.to_us - question.from_us
    return [
        line
        for line in lines
        if from_us <= int(line["time_us"]) < to_us
        and all(line[name] in texts for name, texts in question.where.items())
        and not (question.of_ads and line["requests"])
    ]


def place_of(question: Question, line: Line) -> tuple[tuple[str | int, ...], int]:
    """Where a line belongs."""
    begin = 0 if question.grain is None else begin_of(int(line["time_us"]), question.grain, ZoneInfo(question.zone))
    return tuple(line[name] for name in question.by), begin


def moved(lines: Sequence[Line]) -> list[Line]:
    """To the end of March, and hours apart."""
    return [line | {"time_us": BEGIN_US + 5 * int(line["time_us"])} for line in lines]


@settings(deadline=None, max_examples=60)
@given(
    told=moves,
    by=st.lists(st.sampled_from(sorted(BY_NAME)), unique=True, max_size=3).map(tuple),
    where=st.dictionaries(
        st.sampled_from(["campaign", "device", "slot"]), st.sampled_from([("c0", "phone", "1"), ("",)]), max_size=2
    ),
    grain=st.sampled_from([None, *GRAINS]),
    hours=st.tuples(st.integers(0, 40), st.integers(1, 60)),
)
def test_figures_are_those_of_the_lines(
    told: Moves, by: tuple[str, ...], where: Mapping[str, tuple[str, ...]], grain: Grain | None, hours: tuple[int, int]
) -> None:
    """Every row and the total, by any dimensions, filter, grain and period, are as brute force finds them."""
    of_ads = any(BY_NAME[name].of_ads for name in (*by, *where))
    from_us = BEGIN_US + hours[0] * HOUR_US
    question = Question(
        metrics=OF_ADS if of_ads else OF_ALL, by=by, where=where, grain=grain, zone=BERLIN, from_us=from_us,
        to_us=from_us + hours[1] * HOUR_US,
    )  # fmt: skip
    lines = moved(lines_of(records_of(told)))
    report, mine = answer(question, Given(lines)), chosen(question, lines, from_us)
    assert {(row.key, row.begin_us): row.values for row in report.rows} == {
        place: figures(question, [line for line in mine if place_of(question, line) == place])
        for place in {place_of(question, line) for line in mine}
    }
    assert report.total.values == figures(question, mine)
    assert report.keys == len({row.key for row in report.rows})


@settings(deadline=None, max_examples=30)
@given(told=moves, top=st.integers(1, 3), back=st.integers(1, 30))
def test_the_other_period_stands_beside(told: Moves, top: int, back: int) -> None:
    """A day of the other period stands beside the day as far from the beginning; the first keys are the greatest."""
    from_us = BEGIN_US + 30 * HOUR_US
    question = Question(
        metrics=("value", "offered"), by=("campaign",), from_us=from_us, to_us=from_us + 48 * HOUR_US, top=top,
        compare_us=from_us - back * HOUR_US,
    )  # fmt: skip
    lines = moved(lines_of(records_of(told)))
    report = answer(question, Given(lines))
    now, before = (chosen(question, lines, begin) for begin in (from_us, from_us - back * HOUR_US))
    for row in report.rows:
        assert row.values == figures(question, [line for line in now if (line["campaign"],) == row.key])
        assert row.before == figures(question, [line for line in before if (line["campaign"],) == row.key])
    values = {str(line["campaign"]): 0 for line in [*now, *before]}
    for line in now:
        values[str(line["campaign"])] += int(line["value_micros"])
    assert [row.key[0] for row in report.rows] == sorted(values, key=lambda name: (-values[name], name))[:top]
    assert report.total.before == figures(question, before)


def test_days_are_compared_in_their_order() -> None:
    """The first day beside the first, the second beside the second, though one of them has nothing to show."""
    day = 24 * HOUR_US
    at = {0: 1, 3: 5, 8: 7}  # day -> requests
    lines = [
        dict.fromkeys(BY_NAME, "")
        | dict.fromkeys((*COUNTS, REFUNDED), 0)
        | {"time_us": BEGIN_US + d * day, "requests": n}
        for d, n in at.items()
    ]
    question = Question(
        metrics=("requests",), grain="day", from_us=BEGIN_US + 7 * day, to_us=BEGIN_US + 14 * day, compare_us=BEGIN_US
    )
    report = answer(question, Given(lines))
    found = {(row.begin_us - BEGIN_US) // day: (row.values, row.before) for row in report.rows}
    assert found == {7: ((0,), (1,)), 8: ((7,), (0,)), 10: ((0,), (5,))}


def whole(**told: object) -> Report:
    """A question about nothing, with this in it."""
    return answer(Question(**({"metrics": ("clicks",), "from_us": 0, "to_us": 1} | told)), Given([]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("metrics", {"metrics": ("clix",)}),
        ("metrics", {"metrics": ()}),
        ("metrics", {"metrics": ("clicks", "clicks")}),
        ("metrics", {"metrics": ("rpm",), "by": ("campaign",)}),
        ("by", {"by": ("colour",)}),
        ("where", {"where": {"colour": ("red",)}}),
        ("grain", {"grain": "minute"}),
        ("zone", {"zone": "Mars/Olympus"}),
        ("zone", {"zone": "../etc"}),
        ("to_us", {"from_us": 5, "to_us": 5}),
        ("top", {"top": 0}),
        ("compare_us", {"compare_us": 0, "grain": "day", "to_us": 2**55}),
    ],
)
def test_what_cannot_be_asked_is_said(field: str, told: dict[str, object]) -> None:
    """The error names the field, what came and what would do."""
    with pytest.raises(InputError) as error:
        whole(**told)
    assert error.value.field == field
    assert error.value.expected


def test_a_report_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to ask for less, before memory is full."""
    monkeypatch.setattr("adcascade.reports.query.MOST_ROWS", 1)
    lines = lines_of(records_of([(0, 2, 0), (0, 5, 0)]))
    with pytest.raises(InputError, match="filter"):
        answer(Question(metrics=("offered",), by=("ad",), from_us=0, to_us=1), Given(lines))


def test_every_metric_is_of_counts_and_says_its_formula() -> None:
    """A ratio's formula names a division; its parts are columns of the facts."""
    for metric in METRICS:
        assert set(metric.counts) <= {*COUNTS, REFUNDED}
        assert metric.formula
        assert ("/" in metric.formula) == bool(metric.below)
