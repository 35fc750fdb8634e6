"""Saved views on the page of reports: saved, opened, renamed, overwritten, shared and deleted, as they were seen."""

import re
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.console.conftest import Browser
from tests.console.reported import installed_world
from tests.reports.test_saved_views import KEY
from tests.server.shop import NOW, OPTIONS

from adcascade.console.console import console_fronts
from adcascade.console.pages.reports.question import DAYS, DEFAULTS, GRAINS, question_of
from adcascade.console.pages.reports.words import address_of, query_of, scope_of, sentence_of, words_of
from adcascade.reports.columns import BY_NAME as DIMENSIONS
from adcascade.reports.metrics import METRICS
from adcascade.server.admin.app import Admin
from adcascade.server.app import create_app
from adcascade.server.backend import Backend
from adcascade.settings import Settings

DAY = "days=1&until=1970-01-01"
Open = Callable[..., Browser]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation with the world's log."""
    return installed_world(tmp_path / "installed")


@pytest.fixture
def signed_in(settings: Settings, shop: Backend, admin: Admin, key: Callable[..., tuple[str, str]]) -> Open:
    """signed_in(role, **more) -> a browser of a new key."""

    def browser(role: str = "viewer", **more: object) -> Browser:
        fronts = console_fronts(settings, b"a secret of tests")
        found = Browser(create_app(shop, OPTIONS, admin=admin, clock=lambda: NOW, fronts=fronts))
        found.sign_in(key(role, **more)[1])
        return found

    return browser


def saved(browser: Browser, name: str, words: str, **more: str) -> str:
    """Save a view; the address that it is opened by."""
    answer = browser.send("/reports/views", {"name": name, "words": words, **more}, browser.token("/reports"))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def view_in(address: str) -> str:
    """The id of the view that an address names."""
    return dict(parse_qsl(urlsplit(address).query))["view"]


def send(browser: Browser, path: str, **fields: str) -> tuple[int, str]:
    """Status, and where it leads or what it says."""
    answer = browser.send(path, fields, browser.token("/reports"))
    return answer.status_code, answer.headers.get("location") or unescape(answer.text)


def test_a_view_is_saved_opened_changed_and_deleted(signed_in: Open) -> None:
    """Its whole life: each step says what was done, and the page shows the view as it is then."""
    ann = signed_in()
    address = saved(ann, "By slot", f"by=slot&{DAY}&metric_offered=yes")
    page = unescape(ann.get(address).text)
    assert "Saved as “By slot”." in page
    assert "The view “By slot”" in page
    assert "This is not what" not in page
    name, other = f"/reports/views/{view_in(address)}", f"/reports?by=ad&{DAY}&view={view_in(address)}"
    assert "This is not what “By slot” asks." in unescape(ann.get(other).text)
    status, address = send(ann, name, version="1", its_name="By place", its_shared="yes", words=f"by=slot&{DAY}")
    assert status == 303
    assert "“By place” is shared." in unescape(ann.get(address).text)
    status, address = send(ann, f"{name}/question", version="2", words=f"by=ad&{DAY}")
    assert status == 303
    assert "by=ad" in address
    assert "This is not what" not in ann.get(address).text
    status, address = send(ann, f"{name}/delete", version="3")
    assert status == 303
    assert "is deleted" in ann.get(address).text
    assert "was deleted or is no longer shared" in ann.get(other).text


def test_what_was_changed_meanwhile_is_not_overwritten(signed_in: Open) -> None:
    """A form of an older version does nothing, and says that another change came first."""
    ann = signed_in()
    view = f"/reports/views/{view_in(saved(ann, 'By slot', f'by=slot&{DAY}'))}"
    assert send(ann, f"{view}/question", version="1", words=f"by=ad&{DAY}")[0] == 303
    for path, more in ((view, {"its_name": "x"}), (f"{view}/question", {}), (f"{view}/delete", {})):
        status, text = send(ann, path, version="1", words=f"by=slot&{DAY}", **more)
        assert status == 412, path
        assert "read it again" in text
    assert send(ann, f"{view}/delete", version="one")[0] == 400
    assert "by=ad" in ann.get("/reports/views").text


def test_what_cannot_be_saved_comes_back_with_the_form(signed_in: Open) -> None:
    """A name that is none, a name that is taken, a question without an answer; what was typed stays."""
    ann = signed_in()
    saved(ann, "taken", f"by=slot&{DAY}")
    for name, words, says in (
        ("", DAY, "1 to 80 printable characters"),
        ("taken", f"by=ad&{DAY}", "a name that none of your views has"),
        ("new", "by=colour", "expected one of campaign"),
    ):
        status, text = send(ann, "/reports/views", name=name, words=words)
        assert status == 422
        assert says in text
        assert f'value="{name}"' in text
    other = view_in(saved(ann, "other", f"by=ad&{DAY}"))
    status, text = send(ann, f"/reports/views/{other}", version="1", its_name="taken", words=DAY)
    assert status == 422
    assert "a name that none of your views has" in text


def test_shared_views_are_seen_by_who_may_ask_them(signed_in: Open) -> None:
    """The table of another key tells who saved it; a key of one advertiser sees nothing of the whole house."""
    ann, bob, agency = signed_in(), signed_in("manager"), signed_in("viewer", advertisers=("v0",))
    saved(ann, "private", f"by=slot&{DAY}")
    house = saved(ann, "house", f"by=slot&{DAY}", shared="yes")
    saved(ann, "only v0", f"by=ad&where=advertiser&is=v0&{DAY}", shared="yes")
    seen = unescape(bob.get("/reports/views").text)
    assert "house" in seen
    assert "viewer 0" in seen
    assert "private" not in seen
    assert "Delete “house”" not in unescape(bob.get(house).text)
    seen = agency.get("/reports/views/rows?sort=-changed").text
    assert "only v0" in seen
    assert "house" not in seen
    assert "no longer shared" in agency.get(house).text
    assert "<html" not in seen


def test_an_agency_reads_its_own_figures_alone(signed_in: Open) -> None:
    """A key of one advertiser: other advertisers are in no line, no total and no file, and cannot be asked for."""
    house, agency = signed_in(), signed_in("viewer", advertisers=("v0",))
    words = f"by=advertiser&{DAY}&metric_offered=yes"
    lines = {browser: browser.get(f"/reports.csv?{words}").text for browser in (house, agency)}
    assert [line.split(",")[0] for line in lines[agency].splitlines()[1:]] == ['"v0"']
    assert set(lines[agency].splitlines()) < set(lines[house].splitlines())
    refused = agency.get(f"/reports?{words}&where=advertiser&is=v1")
    assert refused.status_code == 422
    assert "an advertiser of your key" in refused.text
    assert agency.get(f"/reports?by=scenario&{DAY}").status_code == 200
    assert "belongs to no advertiser" in agency.get(f"/reports?by=scenario&{DAY}&metric_requests=yes").text


def test_a_metric_of_another_version_does_not_break_the_page(signed_in: Open) -> None:
    """It is named in words, the rest is shown, and the view keeps it."""
    ann = signed_in()
    address = saved(ann, "old", f"by=slot&{DAY}&metric_offered=yes&metric_glow=yes")
    page = ann.get(address)
    assert page.status_code == 200
    assert "knows no metric named glow" in page.text
    assert "Offered" in page.text
    assert "metric_glow=yes" in address


def test_with_shared_books_the_page_says_whose_log_it_tells(
    settings: Settings, shop: Backend, admin: Admin, key: Callable[..., tuple[str, str]]
) -> None:
    """Where `money.books` names books that other machines may share; with books in the journal there is one log."""
    text = key("viewer")[1]
    for books, told in (("", False), ("redis://ledger:6379/0", True)):
        money = settings.money.model_copy(update={"books": books})
        fronts = console_fronts(settings.model_copy(update={"money": money}), b"a secret of tests")
        browser = Browser(create_app(shop, OPTIONS, admin=admin, clock=lambda: NOW, fronts=fronts))
        browser.sign_in(text)
        assert ("of this machine" in browser.get(f"/reports?{DAY}").text) == told


QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "by": st.sampled_from(["", *DIMENSIONS]), "days": st.sampled_from(sorted(DAYS)),
        "grain": st.sampled_from(sorted(GRAINS)), "until": st.sampled_from(["", "2026-03-29"]),
        "where": st.sampled_from(["", "advertiser", "device"]), "is": st.text(max_size=5),
        **{f"metric_{metric.name}": st.just("yes") for metric in METRICS[1:4]},
    },
)  # fmt: skip


@given(query=QUERIES, later=st.integers(0, 400))
def test_a_view_asks_what_the_page_asked(query: dict[str, str], later: int) -> None:
    """Its words ask the same as the address did, then and on any later day; a period holds no day unless one was
    chosen; a sentence tells it."""
    words = words_of(query, KEY)
    assert query_of(urlsplit(address_of(words)).query) == words
    now_us = NOW + later * 86_400_000_000
    assert question_of(words, now_us) == question_of(query, now_us)
    assert words_of(words, KEY) == words
    assert set(DEFAULTS) <= set(words)
    assert bool(re.search(r"\d{4}-\d{2}-\d{2}", sentence_of(words))) == bool(words["until"])
    own: Mapping[bool, tuple[str, ...]] = {True: (words["is"],), False: ("v",)}
    assert scope_of(words, msgspec.structs.replace(KEY, advertisers=("v",))) == own[words["where"] == "advertiser"]
