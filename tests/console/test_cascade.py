"""The page of the cascade: its rows, its funnel, its form; and one afternoon of somebody who asks why an ad lost."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.console.chromium import Person, chromium
from tests.console.installation import Visitors, installed, key_of
from tests.console.test_in_browser import AXE, checked

from adcascade.cascade.explain import Excluded, Explanation, Fate, Line, StageTold
from adcascade.console.form import read
from adcascade.console.pages.cascade.form import CHECKS, again_of, request_of
from adcascade.console.pages.cascade.page import before_of, funnel_of, row_of, table_of
from adcascade.console.table import Asked, cursor_of
from adcascade.errors import InputError
from adcascade.events.records import AuctionRecord, Winner

NOW = 1_750_000_000_000_000
WINNER = Winner(bid_id="b", ad=3, slot=1, creative=0, price_micros=5, billing="click", ctr=0.1, slot_ctr=0.1, cvr=0.0)
RECORD = AuctionRecord(
    id="r1", time_us=NOW, user="u7", scenario="search", winners=(WINNER,), cuts=("ranking: late",),
    seen={"query": "shoes", "page_category": "sports"}, stage_us={"retrieval": 1500, "auction": 500},
)  # fmt: skip


def stage(width: int, place: int | None) -> StageTold:
    """One that lets so many through; place: of the ad that is followed."""
    followed = None if place is None else Line(ad="a", place=place)
    return StageTold(name="live_calibration", ads_in=0, ads_out=width, ms=1.0, cut="", best=[], followed=followed)


def test_a_request_is_one_line() -> None:
    """The query stands before the category; times are added up in milliseconds."""
    row = row_of(RECORD)
    assert (row.about, row.winners, row.ms, row.cuts, row.ranked) == ("shoes", 1, 2.0, "ranking: late", 0)


@given(count=st.integers(0, 9), size=st.integers(1, 5))
def test_a_page_ends_where_the_next_begins(count: int, size: int) -> None:
    """One request more than the page holds is the sign of another page."""
    found = [(seq, RECORD) for seq in range(100, 100 - count, -1)]
    table = table_of(found[: size + 1], Asked(sort="-time"), size)
    assert len(table.rows) == min(count, size)
    assert (table.after != "") == (count > size)
    if table.after:
        assert before_of(table.after) == found[size - 1][0]


@pytest.mark.parametrize("cursor", ["x", cursor_of("word", ""), cursor_of(-1, ""), cursor_of(1e300, "")])
def test_what_names_no_place_is_refused(cursor: str) -> None:
    """With a remedy."""
    with pytest.raises(InputError, match="begin again"):
        before_of(cursor)


@given(widths=st.lists(st.integers(0, 500), max_size=8), lost=st.integers(0, 8))
def test_bars_are_shares_of_the_widest_stage(widths: list[int], lost: int) -> None:
    """The followed ad has places, is lost in one stage, and gone in all later ones."""
    stages = [stage(width, 1 if number < lost else None) for number, width in enumerate(widths)]
    nothing = Excluded(ads=0, looked_at=0, reasons={})
    told = Explanation(
        bundle="b", policy="p", excluded=nothing, stages=stages, winners=[], ad=Fate(id="a", fate="was not")
    )
    funnel = funnel_of(told)
    assert [one.share * max([*widths, 1]) for one in funnel] == pytest.approx(widths)
    fates = [one.fate for one in funnel]
    assert fates.count("lost here") == (lost < len(widths))
    assert fates[lost + 1 :] == ["gone"] * (len(widths) - lost - 1)


def test_the_form_is_a_request_of_now() -> None:
    """By fields, or as JSON, whose own time and promise to be real count for nothing."""
    good, wrong = read({"scenario": "home", "user": "", "slots": "2"}, CHECKS)
    request = request_of(good, NOW)
    assert (wrong, request.scenario, request.user, len(request.slots)) == ({}, "home", None, 2)
    typed = '{"slots": [{"id": "1"}], "query": "x", "time_us": 5, "test": false}'
    good, wrong = read({"json": typed}, CHECKS)
    request = request_of(good, NOW)
    assert (wrong, request.query, request.time_us, request.test) == ({}, "x", NOW, True)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """Slots that are no number of slots, JSON that is no request, a text too long."""
    for slots in ("0", "51", "x", "-1", "1e1", "٣"):
        assert set(read({"slots": slots, "json": "{", "query": "q" * 201}, CHECKS)[1]) == {"slots", "json", "query"}


def test_a_recorded_request_is_asked_again_with_what_is_known_of_it() -> None:
    """Its fields pass their own checks."""
    values = again_of(RECORD)
    good, wrong = read(values, CHECKS)
    assert not wrong
    assert (good["query"], good["category"], good["user"], good["slots"]) == ("shoes", "sports", "u7", 2)


def test_somebody_asks_why_an_ad_did_not_win(tmp_path: Path) -> None:
    """Pick a request of the list, see it sold by four auctions, follow its last candidate, and read where it lost."""
    process = installed(tmp_path / "shop")
    visitors = Visitors(process)
    visitors.start()
    try:
        with chromium(tmp_path / "profile") as driver:
            person = Person(driver, f"http://127.0.0.1:{process.port}")
            person.sign_in(key_of(process.folder, "viewer"))
            ask_why(person)
    finally:
        visitors.stop.set()
        visitors.join()
        process.kill()


def ask_why(person: Person) -> None:
    """The story, without its scene."""
    link = "return document.querySelector('#requests tbody a')"
    for _ in range(100):
        person.go("/cascade")
        if person.ask(link):
            break
    person.ask(f"({link.removeprefix('return ')}).click()")
    person.wait("return location.pathname.startsWith('/cascade/request/') && document.readyState == 'complete'")
    assert person.ask("return document.querySelectorAll('.sold').length") == 5  # as it was sold, and by four rules
    assert not AXE.is_file() or checked(person) == []
    person.ask("document.querySelector('#other form').requestSubmit()")
    person.wait("return location.search.startsWith('?bundle=') && document.readyState == 'complete'")
    assert "This bundle answered the request" in person.ask("return document.querySelector('#other').textContent")
    said, logged = person.ask(
        "return [...document.querySelectorAll('#other table:first-of-type .sold')].map(one => one.textContent)"
    )
    assert said == logged
    assert not AXE.is_file() or checked(person) == []
    ad = person.ask(
        "return [...document.querySelectorAll('section[aria-labelledby=ranked-title] tbody th')].at(-1).textContent"
    )
    person.ask("document.querySelector('#ad').value = arguments[0]", ad)
    person.ask("document.querySelector('form.fields').requestSubmit()")
    person.wait("return location.pathname == '/cascade/try' && document.readyState == 'complete'")
    assert ad in person.ask("return document.querySelector('.says[role=status]').textContent")
    assert person.ask("return document.querySelectorAll('.funnel meter').length") >= 5
    assert person.ask("return document.querySelector('#ad').value") == ad
    assert not AXE.is_file() or checked(person) == []
    assert person.complaints() == []
    person.ask("document.querySelector('#ad').value = 'nowhere'; document.querySelector('form.fields').requestSubmit()")
    person.wait("return document.querySelector('main').textContent.includes('adcascade catalog list ads')")
