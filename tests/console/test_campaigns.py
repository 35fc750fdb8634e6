"""Campaigns over the small shop: who sees which, what is told of one, and what a bulk pause does and does not do."""

import re
from collections.abc import Callable

import msgspec
import pytest
from tests.console.conftest import Browser, Open
from tests.server.shop import NOW

from adcascade.catalog.audit import Author
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative, FrequencyCap, Targeting
from adcascade.catalog.switching import Plan
from adcascade.console.pages.campaigns.many import asked, choices_of, wanted_of
from adcascade.console.pages.campaigns.one import history_of, money_of
from adcascade.console.pages.campaigns.switching import named, says_of, ticked
from adcascade.console.pages.campaigns.words import Fact, bid_of, facts_of, state_of, targets_of
from adcascade.console.spending import Spent, spent, spent_today
from adcascade.errors import InputError
from adcascade.server.admin.app import Admin

Key = Callable[..., tuple[str, str]]
ODD = "new/<b>?&"
WIDE = Campaign(
    id="wide", advertiser="v", name="Wide", goal="conversions", target_micros=12_000_000, currency="USD",
    daily_budget_micros=20_000_000, start_us=NOW + 10**12, caps=(FrequencyCap(impressions=3, window_s=3_600),),
    targeting=Targeting(countries=("DE", "AT"), times=("mon-fri 08:00-18:00",)), deals=("d1",), margin_share=0.5,
)  # fmt: skip


@pytest.fixture
def manager(opened: Open, key: Key) -> Browser:
    """Somebody who may write."""
    browser = opened()
    browser.sign_in(key("manager")[1])
    return browser


def ids(page: str) -> list[str]:
    """The campaigns that a page lists."""
    return re.findall(r'<a href="/campaigns/([^"?]+)"', page)


def test_a_key_of_one_advertiser_sees_and_switches_its_own(opened: Open, key: Key, admin: Admin) -> None:
    """In the list, in the filter, by address and in a switch: a foreign campaign is not there, and stays as it was."""
    whole, agency = opened(), opened()
    whole.sign_in(key("viewer")[1])
    agency.sign_in(key("manager", advertisers=("v",))[1])
    assert ids(whole.get("/campaigns").text) == ["v-k", "w-k"]
    page = agency.get("/campaigns").text
    assert (ids(page), "Wolle" in page) == (["v-k"], False)
    assert ids(agency.get("/campaign-rows?advertiser=w").text) == []
    for path in ("/campaigns/w-k", "/campaign-ads/w-k", "/campaign-history/w-k?before=9"):
        assert (agency.get(path).status_code, whole.get(path).status_code) == (404, 200)
    told = {"status": "paused", "tick.w-k": "1", "tick.v-k": "1"}
    assert agency.send("/campaign-status", told, agency.token("/campaigns")).status_code == 403
    assert {one.status for one in admin.catalog.campaigns()} == {"active"}


def test_a_viewer_has_nothing_to_tick_and_switches_nothing(opened: Open, key: Key, admin: Admin) -> None:
    """No boxes, no buttons, and the route refuses."""
    viewer = opened()
    viewer.sign_in(key("viewer")[1])
    for path in ("/campaigns", "/campaigns/v-k"):
        assert "campaign-status" not in viewer.get(path).text
    assert "checkbox" not in viewer.get("/campaigns").text
    assert viewer.send("/campaign-status", {"status": "paused", "tick.v-k": "1"}).status_code == 403
    assert admin.catalog.version == 1


def test_ticked_campaigns_are_paused_and_counted(manager: Browser, admin: Admin) -> None:
    """The page goes back to where it was, says how many; the log has one line for each, with the visitor's name."""
    back = "/campaigns?sort=-name&search=spring"
    told = {"status": "paused", "back": back, "tick.v-k": "1", "tick.w-k": "1"}
    answer = manager.send("/campaign-status", told)
    assert answer.headers["location"] == back
    assert "Paused 2 campaigns." in manager.get(back).text
    assert {one.status for one in admin.catalog.campaigns()} == {"paused"}
    lines = [line for line in admin.catalog.audit() if line.version == 2]
    assert [(line.id, line.time_us, line.who.endswith(":manager 0")) for line in lines] == [
        ("v-k", NOW, True), ("w-k", NOW, True),
    ]  # fmt: skip
    manager.send("/campaign-status", told | {"status": "active", "tick.v-k": "2", "tick.w-k": "2"})
    assert "Resumed 2 campaigns." in manager.get("/campaigns").text


def test_what_somebody_else_changed_meanwhile_is_left_alone(manager: Browser, admin: Admin) -> None:
    """It keeps the other's change, the rest is done, and the page says which to look at again."""
    admin.catalog.put(campaigns=[Campaign(id="v-k", advertiser="v", name="other")])
    manager.send("/campaign-status", {"status": "paused", "tick.v-k": "1", "tick.w-k": "1"})
    page = manager.get("/campaigns").text
    assert "Paused 1 campaign." in page
    assert "somebody else changed it meanwhile; look at it again: v-k" in page
    assert {one.id: one.status for one in admin.catalog.campaigns()} == {"v-k": "active", "w-k": "paused"}


def test_a_switch_without_sense_is_refused_by_name(manager: Browser, admin: Admin) -> None:
    """No tick: a word; a version that is none, a status that is none: an error that names it. Nobody is led away."""
    answer = manager.send("/campaign-status", {"status": "paused", "back": "//evil.example"})
    assert answer.headers["location"] == "/"
    assert "tick campaigns first" in manager.get("/campaigns").text
    for told in ({"status": "paused", "tick.v-k": "1e3"}, {"status": "ended", "tick.v-k": "1"}):
        assert manager.send("/campaign-status", told).status_code == 400
    assert admin.catalog.version == 1


def test_the_list_is_searched_filtered_and_paged(manager: Browser, admin: Admin) -> None:
    """All pages together are what the search finds; links keep search and filters; a wrong word is refused."""
    many = [Campaign(id=f"m{i:03}", advertiser="w", name="many", status="paused") for i in range(120)]
    admin.catalog.put(campaigns=many)
    path, found = "/campaigns?search=wolle+many&status=paused", []
    while path:
        page = manager.get(path).text
        found += ids(page)
        more = re.search(r'hx-get="(/campaign-rows[^"]*after=[^"]*)"', page)
        path = more[1].replace("&amp;", "&") if more else ""
        assert not path or ("search=wolle+many" in path and "status=paused" in path)
    assert found == [one.id for one in many]
    for wrong in ("sort=bid", "status=gone", "after=x", "sort=changed&after=WyJhIiwiYiJd"):
        assert manager.get(f"/campaigns?{wrong}").status_code == 400


def test_a_campaign_is_told_in_words(manager: Browser, admin: Admin) -> None:
    """Plan, targeting, ads with their looks, history with who, when, field, before and after; texts are escaped."""
    look = Creative(id="l", format="banner", width=300, height=250, title="Run", image_url="https://v.example/i.png")
    drawn = Creative(id="d", title="Drawn", image_url="data:image/png;base64,AAAA")
    odd = msgspec.structs.replace(WIDE, id=ODD, name="<script>")
    author = Author(who="key:1:Ann", time_us=NOW)
    admin.catalog.put([Advertiser(id="v", name="Veloce", timezone="Europe/Berlin")], [odd])
    admin.catalog.put(campaigns=[msgspec.structs.replace(odd, daily_budget_micros=30_000_000)], author=author)
    ads = [Ad(id=f"a{i:02}", campaign=ODD, title="shoe", creatives=(look, drawn)) for i in range(25)]
    admin.catalog.put(ads=ads)
    link = re.search(r'href="(/campaigns/new[^"]+)"', manager.get("/campaigns").text)
    assert link is not None
    page = manager.get(link[1]).text
    assert "<script>" not in page.replace("<script src", "")
    for words in (
        "12.00 USD a conversion", "days of Europe/Berlin", "at most 3 times an hour", "DE, AT", "banner 300 × 250",
        "1:Ann", "Daily budget", "20.00 USD", "30.00 USD", "Ads: 25", "50% of the margin",
    ):  # fmt: skip
        assert words in page, words
    assert page.count("https://v.example/i.png") == 20
    assert "data:image" not in page
    more = re.search(r'hx-get="(/campaign-ads/[^"]+)"', page)
    assert more is not None
    assert manager.get(more[1].replace("&amp;", "&")).text.count("banner 300") == 5
    assert manager.get("/campaigns/none").status_code == 404
    assert manager.get("/campaign-history/v-k?before=x").status_code == 400


def test_a_long_history_is_read_on(manager: Browser, admin: Admin) -> None:
    """Newest first; what "Show more" brings begins where the page ended, and nothing comes twice."""
    for number in range(30):
        admin.catalog.put(campaigns=[Campaign(id="v-k", advertiser="v", name=f"name {number:02}")])
    page = manager.get("/campaigns/v-k").text
    more = re.search(r'hx-get="(/campaign-history/[^"]+)"', page)
    assert more is not None
    rest = manager.get(more[1]).text
    told = re.findall(r"<td>name (\d\d)</td>\s*</tr>", page) + re.findall(r"<td>name (\d\d)</td>\s*</tr>", rest)
    assert told == [f"{number:02}" for number in reversed(range(30))]
    assert "campaign-history" not in rest


class Books:
    """What the ledger tells of two days; `trouble` as told."""

    def __init__(self, trouble: str = "") -> None:
        self.trouble, self.asked = trouble, [""]

    def today(self, advertiser: str, now_us: int) -> int:
        """Another day for each."""
        self.asked.append(advertiser)
        return len(advertiser) + now_us

    def spent(self, campaign: str, day: int | None = None) -> int:
        """By day; 100 ever."""
        return 100 if day is None else day


def test_spend_is_of_the_advertisers_day() -> None:
    """Asked once an advertiser; books that cannot be reached tell nothing, and no zero."""
    books = Books()
    campaigns = [Campaign(id="a", advertiser="v"), Campaign(id="b", advertiser="vv"), Campaign(id="c", advertiser="v")]
    assert spent_today(books, campaigns, 1) == {"a": 2, "b": 3, "c": 2}
    assert books.asked == ["", "v", "vv"]
    assert spent(books, campaigns[0], 1) == Spent(2, 100)
    away = Books("no answer")
    assert (spent_today(away, campaigns, 1), spent(away, campaigns[0], 1)) == ({}, None)


def test_money_is_a_share_of_the_budget_where_both_are_known() -> None:
    """Unknown is a dash, and no budget has no share."""
    assert money_of(WIDE, Spent(5_000_000, 7_000_000)).share == pytest.approx(0.25)
    assert (money_of(WIDE, None).today, money_of(WIDE, None).share) == ("–", None)
    assert money_of(Campaign(id="c", advertiser="v"), Spent(5, 5)).share is None


def test_status_and_schedule_make_a_state() -> None:
    """What is paused says so whatever its dates; what is active begins, runs or is over."""
    told = {"id": "c", "advertiser": "v"}
    assert state_of(Campaign(**told, status="paused", start_us=10), 5) == "paused"  # type: ignore[arg-type]
    assert state_of(WIDE, NOW).startswith("begins ")
    assert state_of(WIDE, NOW + 10**12) == "active"
    assert state_of(Campaign(**told, end_us=10), 10).startswith("over since")  # type: ignore[arg-type]


def test_every_target_has_its_words() -> None:
    """No field of a targeting is forgotten; an empty one says nothing."""
    for name in Targeting.__struct_fields__:
        facts = targets_of(Targeting(**{name: ("x", "y")}))
        assert [fact.words for fact in facts] == ["x, y"]
    assert targets_of(Targeting()) == []
    assert Fact("Total budget", "no limit") in facts_of(WIDE, "UTC")
    assert bid_of(Campaign(id="c", advertiser="v", billing="impression", bid_micros=5_000)) == "0.01 USD an impression"


def test_small_words() -> None:
    """Ticks, sentences, filters and choices, one by one."""
    assert ticked({"tick.a.b": "3", "status": "x"}) == {"a.b": 3}
    with pytest.raises(InputError, match=r"tick\.a"):
        ticked({"tick.a": "-1"})
    assert says_of(Plan(already=("a",)), "paused").text == "Paused 0 campaigns. 1 campaign was paused already."
    assert named(tuple("abcdefg")) == "a, b, c, d, e and 2 more"
    told = asked({"search": " Red  shoe ", "status": "ended"})
    assert (wanted_of(told, ("v",)).words, told.link("/campaigns")) == (
        ("Red", "shoe"), "/campaigns?sort=name&search=Red++shoe&status=ended",
    )  # fmt: skip
    assert [one.value for one in choices_of([Advertiser(id="z", name="A"), Advertiser(id="b")], "q")] == ["z", "b", "q"]
    assert history_of([], WIDE, 5).rows == ()
