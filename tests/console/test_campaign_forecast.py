"""The forecast of a campaign as a person meets it: in words and curves, what if, and where there is none."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.console.chromium import Person, chromium
from tests.console.conftest import Browser, Open
from tests.console.installation import installed, key_of, visited
from tests.forecast.world import CAMPAIGNS, ROWS, RULES, draft_of, log_of, records_of
from tests.server.process import Process
from tests.server.shop import Shop

from adcascade.catalog.nouns import Ad, Targeting
from adcascade.console.forecasting import NO_LOG, view_of
from adcascade.console.pages.campaigns.forecast import asked_of, form_of
from adcascade.forecast.forecast import forecast
from adcascade.server.admin.app import Admin

LOG = log_of(records_of(21, 300))


def test_the_view_says_what_the_forecast_holds() -> None:
    """Tiles with ranges, what binds, curves of bid and budget with all their points, and what it rests on."""
    draft = draft_of(1, daily_budget_micros=100_000, total_budget_micros=1_000_000)
    told = forecast(LOG, draft, ROWS, RULES)
    view = view_of(told, draft.campaign)
    assert [tile.label for tile in view.tiles] == [
        "Impressions a day", "Clicks a day", "Spend a day", "Reach in 2 days",
    ]  # fmt: skip
    assert view.tiles[2].value == "0.10 USD"
    assert view.says[0].startswith("The daily budget binds")
    assert view.says[1] == "The total budget would last 10 days."
    assert [len(figure.rows) for figure in view.figures] == [13, 13, 11]
    assert view.figures[0].head == "Bid for a click, USD"
    assert [spot.x * 1e6 for spot in view.figures[0].rows] == [point.micros for point in told.bids]
    assert [spot.values[0] for spot in view.figures[1].rows] == [point.spend_micros / 1e6 for point in told.bids]
    assert "300 requests of the log" in view.basis[0]
    assert "its own ads" in view.basis[1]


def test_the_view_names_what_the_log_cannot_judge_and_why_requests_do_not_fit() -> None:
    """Both in words, with shares."""
    draft = draft_of(1, targeting=Targeting(devices=("phone",), regions=("US-CA",)))
    view = view_of(forecast(LOG, draft, ROWS, RULES), draft.campaign)
    assert any("does not keep regions" in sentence for sentence in view.says)
    assert view.reasons == (("device not targeted by the campaign", "50 %"),)


def test_a_goal_of_conversions_has_its_figure_and_an_impression_its_curve() -> None:
    """A tile more; and the curve is of what is billed."""
    goal = draft_of(2, goal="conversions", target_micros=3_000_000)
    view = view_of(forecast(LOG, goal, ROWS, RULES), goal.campaign)
    assert view.tiles[2].label == "Conversions a day"
    assert view.figures[0].head == "Bid for a conversion, USD"
    shown = draft_of(5)
    view = view_of(forecast(LOG, shown, ROWS, RULES), shown.campaign)
    assert (view.figures[0].series, view.figures[0].head) == (("Impressions",), "Bid for an impression, USD")


def test_what_if_moves_all_bids_alike() -> None:
    """Another bid is a factor of all, another budget the campaign's; a campaign without a bid gets one."""
    campaign = msgspec.structs.replace(CAMPAIGNS[0], daily_budget_micros=5_000_000)
    form = form_of(campaign, {})
    assert form.values == {"bid": "0.20", "daily_budget": "5.00"}
    asked = asked_of(campaign, {"bid": 100_000, "daily_budget": 1_000_000})
    assert (asked.raised, asked.campaign.bid_micros, asked.campaign.daily_budget_micros) == (0.5, 200_000, 1_000_000)
    free = asked_of(msgspec.structs.replace(campaign, bid_micros=0), {"bid": 7, "daily_budget": None})
    assert (free.raised, free.campaign.bid_micros, free.campaign.daily_budget_micros) == (1.0, 7, 5_000_000)
    assert set(form_of(campaign, {"bid": "x", "daily_budget": "-1"}).wrong) == {"bid", "daily_budget"}


@pytest.fixture
def viewer(opened: Open, key: Callable[..., tuple[str, str]]) -> Browser:
    """Somebody who may look."""
    browser = opened()
    browser.sign_in(key("viewer")[1])
    return browser


def test_without_a_log_the_page_says_so(viewer: Browser) -> None:
    """A sentence, no error; the campaign's page leads there."""
    assert '/campaign-forecast-of/v-k"' in viewer.get("/campaigns/v-k").text
    answer = viewer.get("/campaign-forecast-of/v-k")
    assert (answer.status_code, NO_LOG in answer.text) == (200, True)


def test_the_page_forecasts_from_the_log_that_is_there(viewer: Browser, admin: Admin, shop: Shop) -> None:
    """Requests are read, other bids can be tried by address, wrong ones come back, strangers see nothing."""
    admin.catalog.put(ads=[Ad(id=f"a{n}", campaign=f"{'vw'[n % 2]}-k", category="toys") for n in range(12)])
    shop.journal.append(records_of(4, 200))
    shop.journal.flush()
    page = viewer.get("/campaign-forecast-of/v-k").text
    assert "Replayed: 200 requests of the log" in page
    assert 'id="chart-forecast-events"' in page
    assert 'value="0.50"' in page
    less = viewer.get("/campaign-forecast-of/v-k?bid=0.001&daily_budget=1").text
    assert spend_of(less) < spend_of(page)
    wrong = viewer.get("/campaign-forecast-of/v-k?bid=much")
    assert (wrong.status_code, "units of the currency" in wrong.text) == (422, True)
    assert viewer.get("/campaign-forecast-of/nobody").status_code == 404


def spend_of(page: str) -> float:
    """The tile of spend."""
    found = re.search(r"Spend a day</dt><dd class=\"value\">([0-9.,]+) USD", page)
    assert found is not None
    return float(found[1].replace(",", ""))


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server with visitors."""
    with visited(installed(tmp_path_factory.mktemp("forecast"))) as process:
        yield process


def test_a_person_tries_another_bid(busy: Process, tmp_path: Path) -> None:
    """From the campaign to its forecast; half the bid, typed and sent, is another curve at another address."""
    with chromium(tmp_path) as driver:
        person = Person(driver, f"http://127.0.0.1:{busy.port}")
        person.go("/sign-in")
        person.sign_in(key_of(busy.folder, "viewer"))
        person.go("/campaigns/k0")
        person.tab_to("Forecast")
        person.press("\ue007")
        person.wait("return location.pathname == '/campaign-forecast-of/k0'")
        person.wait("return document.querySelectorAll('.chart canvas').length >= 2")
        person.ask("document.querySelector('#bid').value = '0.01'; document.querySelector('form.report').submit()")
        person.wait("return location.search.includes('bid=0.01') && document.readyState == 'complete'")
        assert person.ask("return document.querySelector('#bid').value") == "0.01"
        assert person.ask("return document.querySelectorAll('#chart-forecast-events tbody tr').length") == 13
        assert person.complaints() == []
