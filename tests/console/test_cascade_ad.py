"""The page of one ad: its question, its answer in words, who may ask about whose; and one story in a browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.console.chromium import Person, chromium
from tests.console.conftest import Open
from tests.console.installation import installed, key_of, visited
from tests.console.test_in_browser import AXE, checked
from tests.server.shop import NOW, Shop

from adcascade.cascade.ask_again import Reason, Told, share_of
from adcascade.cascade.why_not import Beater, WhyNot
from adcascade.catalog.nouns import Ad
from adcascade.console.pages.cascade.ad_form import HOUR_US, Question, asked_of, link_of, values_of
from adcascade.console.pages.cascade.ad_views import FATES, answered_of
from adcascade.errors import BusyError
from adcascade.events import ad_fates
from adcascade.events.ad_fates import UNRANKED, Counted, Fate, Fates
from adcascade.events.records import AuctionRecord, Winner
from adcascade.server.admin.app import Admin

Key = Callable[..., tuple[str, str]]
PAUSED = Reason(kind="rule", words="campaign paused")


def parsed(link: str) -> dict[str, str]:
    """The fields of an address."""
    return dict(parse_qsl(urlsplit(link).query))


@given(ad=st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20), begin=st.integers(0, 10**9))
def test_the_link_asks_the_same_at_any_time(ad: str, begin: int) -> None:
    """To the second, whatever the ad is called."""
    from_us, to_us = begin * 10**6, (begin + 3600) * 10**6
    question, wrong = asked_of(values_of(parsed(link_of(ad, from_us, to_us))), NOW)
    assert (question, wrong) == (Question(ad, from_us, to_us), {})


def test_a_period_ends_now_unless_it_lies_between_times() -> None:
    """A day where nothing is said; hours count back from now; a zone may be told."""
    assert asked_of(values_of({"ad": "a"}), NOW)[0] == Question("a", NOW - 24 * HOUR_US, NOW)
    assert asked_of(values_of({"ad": "a", "period": "hour", "from": "x"}), NOW)[1].keys() == {"from"}
    assert asked_of(values_of({"ad": "a", "period": "hour"}), NOW)[0] == Question("a", NOW - HOUR_US, NOW)
    zoned = asked_of(values_of({"ad": "a", "from": "2025-06-15T10:00:00+02:00"}), NOW)[0]
    assert zoned == Question("a", 1_749_974_400_000_000, NOW)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"ad": ""}, "ad"), ({"ad": "a", "period": "year"}, "period"), ({"ad": "a", "from": "yesterday"}, "from"),
        ({"ad": "a", "period": "between"}, "from"), ({"ad": "a", "from": "2030-01-01"}, "to"),
        ({"ad": "a", "from": "2025-01-02", "to": "2025-01-01"}, "to"), ({"ad": "a", "to": "9999-12-31"}, "to"),
        ({"ad": "a", "from": "0001-01-01"}, "from"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_said_beside_its_field(query: dict[str, str], field: str) -> None:
    """And nothing is asked."""
    question, wrong = asked_of(values_of(query), NOW)
    assert question is None
    assert field in wrong


def told(counts: dict[Fate, int], asked: dict[Reason, int], *, more: bool = False) -> WhyNot:
    """An answer with these counts."""
    counted = tuple(
        Counted(fate=fate, requests=counts.get(fate, 0), examples=("r1",) * bool(counts.get(fate)))
        for fate in ad_fates.FATES
    )
    unranked, total = sum(counts.get(fate, 0) for fate in UNRANKED), sum(asked.values())
    fates = Fates(
        from_us=0, to_us=10, requests=sum(counts.values()), more=more, counted=counted,
        gap_micros=123_400 if counts.get("outbid") else None,
    )  # fmt: skip
    reasons = tuple(
        Told(reason=reason, asked=times, share=share_of(times, total, unranked), examples=("r2",))
        for reason, times in asked.items()
    )
    return WhyNot(
        ad="a17", fates=fates, beaten_by=(Beater(ad="rival", requests=3),), reasons=reasons, assumed=("region",),
        bundle="b", asked_us=9,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("why", "sentence"),
    [
        (told({}, {}), "The log holds no request of this period, so a17 could not be shown"),
        (told({"shown": 5}, {}), "a17 was shown in 5 of 5 requests"),
        (
            told(
                {"shown": 312, "outbid": 1_688, "not_ranked": 8_000}, {PAUSED: 122, Reason(kind="stage", words="x"): 78}
            ),
            "a17 was shown in 312 of 10,000 requests. Where it was not, the most frequent reason (about 49 % of all "
            "requests): may not answer: campaign paused",
        ),
        (
            told({"outbid": 6, "not_ranked": 4}, {PAUSED: 4}),
            "a17 was shown in 0 of 10 requests. Where it was not, the most frequent reason (60 % of all requests): "
            "it was outbid, in the median by an eCPM of 0.1234 USD",
        ),
        (
            told({"not_ranked": 4}, {PAUSED: 4}),
            "a17 was shown in 0 of 4 requests. Where it was not, the most frequent reason (100 % of all requests): "
            "may not answer: campaign paused",
        ),
    ],
)
def test_the_sentence_comes_first(why: WhyNot, sentence: str) -> None:
    """How often it was shown, and what mostly kept it out; an estimate says that it is one."""
    assert answered_of(why, "/", "USD", whole_house=True).sentence == sentence


def test_the_lines_add_up_and_estimates_have_ends() -> None:
    """Shares of the log to one; requests of a reason lie within their interval."""
    view = answered_of(
        told({"shown": 1, "outbid": 2, "not_ranked": 97}, {PAUSED: 30}, more=True), "/", "USD", whole_house=True
    )
    assert sum(row.requests for row in view.fates) == view.requests == 100
    assert sum(row.share for row in view.fates) == pytest.approx(1.0)
    assert [row.words for row in view.fates] == [FATES[one] for one in ("shown", "not_ranked", "outbid")]
    assert all(row.requests_low <= row.requests <= row.requests_high <= 97 for row in view.reasons)
    assert (view.asked, view.unranked, view.all_asked) == (30, 97, False)
    assert view.bound == "The period's newest 100 requests; older ones were not read"


def test_an_agency_is_told_of_nobody_else() -> None:
    """Neither who outbid it, nor any request; the counts are the same."""
    why = told({"outbid": 2, "not_ranked": 8}, {PAUSED: 8})
    whole, agency = (answered_of(why, "/", "USD", whole_house=whole_house) for whole_house in (True, False))
    assert (whole.beaten_by, agency.beaten_by) == (why.beaten_by, ())
    assert {row.examples for row in agency.fates} == {row.examples for row in agency.reasons} == {()}
    assert {row.examples for row in whole.reasons} == {("r2",)}
    assert [row.requests for row in agency.fates] == [row.requests for row in whole.fates]


@pytest.fixture
def asked(shop: Shop, admin: Admin) -> Shop:
    """Two advertisers' ads, of which one was shown just now."""
    admin.catalog.put([], [], ads=[Ad(id="ad-runner", campaign="v-k"), Ad(id="ad-soap", campaign="w-k")])
    winner = Winner(
        bid_id="b", ad=0, slot=1, creative=0, price_micros=5, billing="click", ctr=0.1, slot_ctr=0.1, cvr=0.0
    )
    shop.journal.append(
        [AuctionRecord(id="r1", time_us=NOW - 9, user=None, scenario="home", seen={}, winners=(winner,))]
    )
    return shop


def test_who_may_ask_about_which_ad(asked: Shop, opened: Open, key: Key) -> None:
    """A key of one advertiser: its own ads; a foreign one is as good as absent, and no request can be opened."""
    whole, agency = opened(), opened()
    whole.sign_in(key("viewer")[1])
    agency.sign_in(key("viewer", advertisers=("v",))[1])
    page = whole.get("/cascade/ad?ad=ad-runner").text
    assert "ad-runner was shown in 1 of 1 requests" in page
    assert '<a href="/cascade/request/r1">' in page
    own = agency.get("/cascade/ad?ad=ad-runner")
    assert "ad-runner was shown in 1 of 1 requests" in own.text
    assert "/cascade/request" not in own.text
    foreign, absent = agency.get("/cascade/ad?ad=ad-soap"), agency.get("/cascade/ad?ad=nowhere")
    assert foreign.status_code == absent.status_code == 422
    assert foreign.text.replace("ad-soap", "nowhere") == absent.text
    assert whole.get("/cascade/ad?ad=ad-soap").status_code == 200
    assert whole.get("/cascade/ad?ad=nowhere").status_code == 422
    assert [one.get("/cascade/ad").status_code for one in (whole, agency)] == [200, 200]
    assert "/cascade/ad?ad=ad-runner" in agency.get("/campaigns/v-k").text


def test_one_question_at_a_time(asked: Shop, opened: Open, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second is told to ask again soon."""

    async def busy(*question: Any) -> WhyNot:
        raise BusyError("ad", question[0], "that nobody else asks at this moment", "ask again in a few seconds")

    monkeypatch.setattr(asked, "why_not", busy)
    browser = opened()
    browser.sign_in(key("viewer")[1])
    answer = browser.get("/cascade/ad?ad=ad-runner")
    assert answer.status_code == 429
    assert "ask again in a few seconds" in answer.text


def test_somebody_asks_why_a_paused_ad_is_not_shown(tmp_path: Path) -> None:
    """From the campaign to its ad; pause the campaign, ask again, and read that this is the reason from now on."""
    with visited(installed(tmp_path / "shop")) as process, chromium(tmp_path / "profile") as driver:
        person = Person(driver, f"http://127.0.0.1:{process.port}")
        person.sign_in(key_of(process.folder, "manager"))
        pause_and_ask(person)


def pause_and_ask(person: Person) -> None:
    """The story, without its scene."""
    person.go("/campaigns/k1")
    person.ask("document.querySelector('button[name=status]').click()")
    person.wait("return document.querySelector('.says.good')?.textContent.includes('Paused') ?? false")
    person.ask("document.querySelector('a[href*=\"/cascade/ad?ad=\"]').click()")
    said = "return document.querySelector('main .says[role=status]')?.textContent ?? ''"
    for _ in range(100):
        person.wait("return location.pathname == '/cascade/ad' && document.readyState == 'complete'")
        if "campaign paused" in person.ask(said):
            break
        person.ask("location.reload()")
    assert "campaign paused" in person.ask(said)
    assert not AXE.is_file() or checked(person) == []
    person.ask("document.querySelector('.why select').value = 'hour'; document.querySelector('.why').requestSubmit()")
    person.wait("return location.search.includes('period=hour') && document.readyState == 'complete'")
    person.ask("document.querySelector('.facts-line a').click()")
    person.wait("return location.search.includes('&to=') && document.readyState == 'complete'")
    assert "campaign paused" in person.ask("return document.querySelector('main').textContent")
    assert person.complaints() == []
