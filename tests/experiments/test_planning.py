"""Planning: the traffic is counted as it was, and little of it promises nothing."""

from pathlib import Path

import pytest
from tests.experiments.test_results import visit

from adcascade.events.journal import Journal
from adcascade.events.records import Click, Impression, Record
from adcascade.experiments.outcomes import HOUR_US
from adcascade.experiments.planning import RELATIVE, recent_traffic, traffic_of
from adcascade.experiments.power import units_for


def day(requests: int = 480, users: int = 240) -> list[Record]:
    """A day of requests by users who come by turns; every fourth is clicked, and a click costs 500 micros."""
    log: list[Record] = []
    for number in range(requests):
        at = number * 24 * HOUR_US // requests
        log.append(visit(number, "elsewhere", at, f"u{number % users}"))
        log.append(Impression(id=f"i{number}", time_us=at, bid_id=f"{number}.0"))
        log += [Click(id=f"c{number}", time_us=at, bid_id=f"{number}.0")] * (number % 4 == 0)
    return log


def test_units_of_a_day_are_counted_as_they_are_asked_for() -> None:
    """Users once each, requests each; whatever experiment they were in."""
    users, requests = traffic_of(day(), "user"), traffic_of(day(), "request")
    assert (users.units, requests.units) == (240, 480)
    assert users.requests == requests.requests == 480
    assert users.known
    assert requests.units_a_day == pytest.approx(480, rel=0.01)
    assert users.figures["clicks per request"].value == pytest.approx(0.25)
    assert users.figures["billed micros per request"].value == pytest.approx(125)


def test_days_are_units_over_units_a_day() -> None:
    """Uneven shares take longer, a larger difference less long."""
    traffic = traffic_of(day(), "request")
    figure = "clicks per request"
    days = traffic.days(figure, (0.5, 0.5))
    assert days == pytest.approx(units_for(traffic.figures[figure], 480, (0.5, 0.5), RELATIVE) / traffic.units_a_day)
    assert traffic.days(figure, (0.9, 0.1)) > days > traffic.days(figure, (0.5, 0.5), 0.2)


def test_little_traffic_promises_nothing(tmp_path: Path) -> None:
    """Less than an hour, few units, or no clicks; read from the newest part of a log."""
    with Journal(tmp_path / "journal.db") as journal:
        assert not recent_traffic(journal.path, "user").known
        journal.append(day())
        assert recent_traffic(journal.path, "user").known
        assert not recent_traffic(journal.path, "user", records=90).known
    assert not traffic_of([record for record in day() if not isinstance(record, Click)], "user").known
    assert not traffic_of([record for record in day() if record.time_us < HOUR_US // 2], "user").known
