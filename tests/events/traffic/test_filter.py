"""The filter: each rule finds what it is for, and honest shoppers pass."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from adcascade.errors import ConfigurationError
from adcascade.events.traffic.agents import Agents
from adcascade.events.traffic.filter import Limits, Told, TrafficFilter
from adcascade.events.traffic.rules import Kind, Reason
from adcascade.events.traffic.source import Route, Source

SECOND = 1_000_000
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
HUMAN = Source("browser", "198.51.100.7", CHROME)


@dataclass
class Bid:
    """What is known of a bid."""

    user: str | None = "u"
    answered_us: int = 100 * SECOND
    seen_us: int = 0
    viewable_us: int = 0
    clicked_us: int = 0


def told(kind: Kind, at_s: float, source: Source | None = HUMAN, bid: str = "b") -> Told:
    """An event that happened and arrived at this second."""
    return Told(kind=kind, bid_id=bid, time_us=round(at_s * SECOND), now_us=round(at_s * SECOND), source=source)


def reason(event: Told, bid: Bid | None, filter_: TrafficFilter | None = None) -> Reason | None:
    """What a fresh filter finds."""
    finding = (filter_ or TrafficFilter()).judge(event, bid)
    return None if finding is None else finding.reason


def test_an_honest_visit_passes() -> None:
    """Seen after half a second, on screen for a second, clicked after three: nothing is found."""
    filter_, bid = TrafficFilter(), Bid()
    assert reason(told("impression", 100.5), bid, filter_) is None
    bid.seen_us = round(100.5 * SECOND)
    assert reason(told("viewable", 101.6), bid, filter_) is None
    bid.viewable_us = round(101.6 * SECOND)
    assert reason(told("click", 103), bid, filter_) is None
    bid.clicked_us = 103 * SECOND
    assert reason(told("conversion", 4000), bid, filter_) is None
    assert filter_.report() == {"judged": 4, "from own networks": 0}


@pytest.mark.parametrize(
    ("event", "bid", "found"),
    [
        (told("click", 100.1), Bid(), "early_click"),
        (told("click", 100.3), Bid(), None),
        (told("click", 100.1, Source("reporter")), Bid(), None),  # the shop had the page in stock
        (told("viewable", 100.9), Bid(), "early_viewable"),
        (told("viewable", 102), Bid(seen_us=109 * SECOND), "early_viewable"),
        (told("viewable", 102), Bid(seen_us=104 * SECOND), None),  # two clocks
        (told("impression", 120), Bid(clicked_us=103 * SECOND), "late_impression"),
        (told("impression", 104), Bid(clicked_us=103 * SECOND), None),  # a pixel that was slow
        (told("impression", 900, Source("exchange", "192.0.2.1", "")), Bid(clicked_us=103 * SECOND), None),
        (told("conversion", 150), Bid(clicked_us=200 * SECOND), "early_conversion"),
        (told("click", 100.1), None, None),  # a bid of another process, or long ago
    ],
)
def test_sequences_that_no_shopper_makes(event: Told, bid: Bid | None, found: Reason | None) -> None:
    """Too soon after the answer, or in an order that cannot be; slow pixels, late notices and two clocks can."""
    assert reason(event, bid) == found


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116.0 Safari/537.36",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/141.0.0.0 Safari/537.36",
        "curl/8.5.0", "python-requests/2.32", "Go-http-client/1.1", "facebookexternalhit/1.1", "", "  ",
        "Wget/1.21", "Scrapy/2.11 (+https://scrapy.org)", "AdsBot-Google (+http://www.google.com/adsbot.html)",
    ],
)  # fmt: skip
def test_agents_that_say_so_are_robots(agent: str) -> None:
    """Crawlers, libraries, test browsers, and who says nothing."""
    assert reason(told("impression", 101, replace(HUMAN, agent=agent)), Bid()) == "robot_agent"


@pytest.mark.parametrize(
    "agent",
    [
        CHROME,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1",
        "Mozilla/5.0 (Linux; Android 14; CUBOT X90) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
        "Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A)",
        "MyShop/4.2 (iPad; iOS 17.5) CFNetwork/1496 Darwin/23.5.0",
    ],
)
def test_browsers_and_apps_are_none(agent: str) -> None:
    """Telephones of a maker called CUBOT as well."""
    assert Agents().named_in(agent) == ""


def test_listed_ranges_and_texts_of_the_installation(tmp_path: Path) -> None:
    """A file of ranges and a file of texts; both are read again when they change."""
    ranges, texts = tmp_path / "ranges", tmp_path / "agents"
    ranges.write_text("198.51.100.0/24\n")
    texts.write_text("AcmeReader  # our own\n")
    filter_ = TrafficFilter(data_centres=ranges, agents=texts)
    assert reason(told("impression", 101), Bid(), filter_) == "data_centre"
    acme = Source("browser", "203.0.113.5", "acmereader/1.0 (like Mozilla)")
    assert reason(told("impression", 101, acme), Bid(), filter_) == "robot_agent"
    ranges.write_text("# nobody\n")
    filter_.refresh()
    assert reason(told("impression", 101), Bid(), filter_) is None
    ranges.write_text("bad\n")
    filter_.refresh()
    assert "line 1" in str(filter_.report()["trouble"])
    with pytest.raises(ConfigurationError):
        TrafficFilter(own=["everybody"])


@pytest.mark.parametrize("route", ["exchange", "reporter"])
def test_only_a_browser_is_judged_by_its_address_and_agent(route: Route, tmp_path: Path) -> None:
    """An exchange's notice and a shop's report come from machines, and rightly so; their address counts nothing."""
    (tmp_path / "ranges").write_text("198.51.100.0/24\n")
    filter_ = TrafficFilter(Limits(source_impressions=1), data_centres=tmp_path / "ranges")
    for number in range(5):
        event = told("impression", 101 + number, Source(route, "198.51.100.7", "curl/8"), f"b{number}")
        assert reason(event, Bid(), filter_) is None
    assert reason(told("impression", 110), Bid(), filter_) == "data_centre"


def test_own_networks_and_this_process_are_not_judged() -> None:
    """Neither a health check of the operator nor the simulator is a shopper; what is exempt is counted."""
    filter_ = TrafficFilter(own=["10.0.0.0/8"])
    assert reason(told("click", 100.01, Source("browser", "10.1.2.3", "curl/8")), Bid(), filter_) is None
    assert reason(told("click", 100.01, None), Bid(), filter_) is None
    assert filter_.report()["from own networks"] == 1


def test_rates_by_user_source_and_bid() -> None:
    """The first above each limit is found, until the window has passed."""
    limits = Limits(window_us=60 * SECOND, user_clicks=3, source_clicks=0, source_impressions=0, bid_clicks=0)
    filter_ = TrafficFilter(limits)
    found = [reason(told("click", 110 + i, bid=f"b{i}"), Bid(), filter_) for i in range(5)]
    assert found == [None, None, None, "user_clicks", "user_clicks"]
    assert reason(told("click", 175, bid="late"), Bid(), filter_) is None
    assert reason(told("click", 176, bid="other"), Bid(user="v"), filter_) is None
    filter_ = TrafficFilter(replace(limits, user_clicks=0, source_clicks=2))
    clicks = [told("click", 110 + i, bid=f"b{i}") for i in range(3)]
    assert [reason(click, Bid(user=None), filter_) for click in clicks] == [None, None, "source_clicks"]
    other = replace(clicks[0], source=replace(HUMAN, agent=CHROME + " other"))
    assert reason(other, Bid(user=None), filter_) is None


def test_clicks_on_one_bid_are_counted_though_they_repeat() -> None:
    """A repeated click does no harm and passes, until there are more of them than a person makes."""
    filter_, bid = TrafficFilter(Limits(bid_clicks=3)), Bid(clicked_us=101 * SECOND)
    found = [reason(told("click", 102 + i), bid, filter_) for i in range(5)]
    assert found == [None, None, None, "bid_clicks", "bid_clicks"]
