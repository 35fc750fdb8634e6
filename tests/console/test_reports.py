"""The page of reports: its address is the whole question, and its figures are those of the report."""

import io
from collections.abc import Callable
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from tests.console.conftest import Browser
from tests.console.reported import TOLD, installed_world
from tests.reports.world import HOUR_US, Shop, charges_of, lines_of, records_of, summed
from tests.server.shop import NOW, OPTIONS

from adcascade.console.console import console_fronts
from adcascade.console.pages.reports.question import question_of
from adcascade.console.pages.reports.shown import columns_of, form_only, shown
from adcascade.errors import InputError
from adcascade.reports.metrics import METRICS
from adcascade.reports.query import Report, answer
from adcascade.server.admin.app import Admin
from adcascade.server.app import create_app
from adcascade.server.backend import Backend

DAY_US = 24 * HOUR_US
ASKED = {"by": "campaign", "grain": "hour", "compare": "before", "days": "1"}


def reported(folder: Path, query: dict[str, str]) -> Report:
    """The report of the world's log, as of its first day."""
    shop = Shop(folder)
    records = records_of(TOLD)
    with shop:
        shop.write(records, charges_of(records))
        return answer(question_of(query, HOUR_US), shop.facts)


def test_the_page_shows_the_report(tmp_path: Path) -> None:
    """Heads, lines, total and chart are of the question; a file holds the same figures."""
    report = reported(tmp_path, ASKED)
    page = shown(ASKED, "by=campaign", report, "EUR")
    total = summed(lines_of(records_of(TOLD)))
    assert page.heads == ("Hour, UTC", "Campaign")
    assert page.columns[:2] == ("Revenue, EUR", "Change")
    assert page.total is not None
    assert page.total.figures[2] == str(total["impressions"])
    assert page.total.figures[1::2] == ("–",) * 6  # nothing was before
    assert page.chart is not None
    assert set(page.chart.series) == {"(not known)", "c0", "c1"}
    table = columns_of(report)
    assert table.column_names[:4] == ["begin", "campaign", "revenue_micros", "revenue_micros_before"]
    assert sum(table["revenue_micros"].to_pylist()) == total["charged_micros"]


@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("days", {"days": "0"}),
        ("grain", {"grain": "minute"}),
        ("compare", {"compare": "never"}),
        ("rule", {"rule": "golden"}),
        ("until", {"until": "31 March"}),
        ("until", {"until": "9999-12-31"}),
        ("zone", {"zone": "Mars"}),
        ("top", {"top": "many"}),
        ("by", {"by": "colour"}),
        ("by", {"by": "ad", "also": "ad"}),
        ("where", {"where": "colour"}),
        ("metrics", {"by": "ad", "metric_rpm": "yes"}),
    ],
)
def test_what_cannot_be_asked_comes_back_with_the_form(field: str, query: dict[str, str]) -> None:
    """The sentence names the field and what would do; what was typed stays in the form."""
    with pytest.raises(InputError) as error:
        question_of(query, NOW)
    assert error.value.field == field
    page = form_only(query, error.value)
    assert page.status == 422
    assert field in page.trouble
    assert {name: page.values[name] for name in query if name in page.values} == {
        name: value for name, value in query.items() if name in page.values
    }


def test_a_period_is_whole_days_of_its_zone() -> None:
    """A week until 29 March in Berlin is an hour shorter; the other period stands whole days before."""
    query = {"days": "7", "until": "2026-03-29", "zone": "Europe/Berlin", "compare": "year"}
    question = question_of(query, NOW)
    assert question.to_us - question.from_us == 7 * DAY_US - HOUR_US
    assert question.compare_us == question.from_us - 364 * DAY_US


Key = Callable[..., tuple[str, str]]


@pytest.fixture
def browser(tmp_path: Path, shop: Backend, admin: Admin, key: Key) -> Browser:
    """A viewer before the console of an installation with the world's log, an hour before the end of it."""
    fronts = console_fronts(installed_world(tmp_path / "installed"), b"a secret of tests")
    found = Browser(create_app(shop, OPTIONS, admin=admin, clock=lambda: NOW, fronts=fronts))
    found.sign_in(key("viewer")[1])
    return found


def test_a_viewer_reads_and_downloads(browser: Browser) -> None:
    """The same address as page, CSV and Parquet; a question that cannot be answered is a page that says why."""
    address = "?days=1&until=1970-01-01&grain=hour&by=scenario&metric_requests=yes&metric_revenue=yes&rule=click"
    page = browser.get(f"/reports{address}")
    assert page.status_code == 200
    lines = lines_of(records_of(TOLD))
    assert f"{len({line['scenario'] for line in lines})} keys in all" in page.text
    total = summed(lines)
    csv, parquet = (browser.get(f"/reports.{kind}{address}") for kind in ("csv", "parquet"))
    assert csv.headers["content-disposition"] == 'attachment; filename="report.csv"'
    for table in (pyarrow.csv.read_csv(io.BytesIO(csv.content)), pq.read_table(io.BytesIO(parquet.content))):
        assert sum(table["requests"].to_pylist()) == total["requests"]
    refused = browser.get("/reports?days=0")
    assert refused.status_code == 422
    assert "days “0”: expected one of 1, 7" in refused.text
    assert browser.get("/reports.csv?days=0").status_code == 400


def test_every_metric_can_be_asked_for() -> None:
    """Each has its box, with its formula, and an address with its box asks for it."""
    boxes = form_only({}).boxes
    assert [box.metric.name for box in boxes] == [metric.name for metric in METRICS]
    for box in boxes:
        assert question_of({f"metric_{box.metric.name}": "yes", "by": "scenario"}, NOW).metrics == (box.metric.name,)
