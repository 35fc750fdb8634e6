"""Who sees which page, what a form must bring, and what every answer carries."""

from collections.abc import Callable

import httpx
import pytest
from tests.console.conftest import COOKIE, Clock, Open
from tests.server.shop import NOW

from adcascade.access.limits import Limits
from adcascade.console.console import SAYS
from adcascade.console.door import local
from adcascade.console.headers import HEADERS, POLICY
from adcascade.console.pages import PAGES
from adcascade.console.session import LASTS_US
from adcascade.server.admin.app import Admin
from adcascade.server.admin.guard import RATES

Key = Callable[..., tuple[str, str]]
ROUTES = [(page, at) for page in PAGES for at in page.routes]


@pytest.mark.parametrize(("page", "at"), ROUTES, ids=lambda one: getattr(one, "path", ""))
def test_every_route_asks_for_a_session(opened: Open, page: object, at: object) -> None:
    """Without one a page leads to the sign-in, and back to itself; a part tells htmx to go there."""
    path = at.path.replace("{id}", "x").replace("{field}", "name")  # type: ignore[attr-defined]
    method = at.method  # type: ignore[attr-defined]
    answer = opened().ask(method, path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
    part = opened().ask(method, path, {"hx-request": "true"})
    assert (part.status_code, part.headers["hx-redirect"][:8]) == (401, "/sign-in")


@pytest.mark.parametrize(("page", "at"), ROUTES, ids=lambda one: getattr(one, "path", ""))
def test_every_change_asks_for_token_and_origin(opened: Open, key: Key, page: object, at: object) -> None:
    """An administrator's own cookie changes nothing without the token, with another's, or from a foreign page."""
    path = at.path.replace("{id}", "0" * 12).replace("{field}", "name")  # type: ignore[attr-defined]
    if at.method == "GET":  # type: ignore[attr-defined]
        return
    browser, other = opened(), opened()
    browser.sign_in(key()[1])
    other.sign_in(key()[1])
    assert browser.send(path, {}, "").status_code == 403
    assert browser.send(path, {}, other.token("/")).status_code == 403
    assert browser.send(path, {}, origin="https://evil.example").status_code == 403
    assert browser.send(path, {}, origin="null").status_code == 403
    assert browser.send(path, {}, sec_fetch_site="cross-site").status_code == 403
    assert browser.send(path, {}).status_code != 403


def test_a_role_sees_its_pages(opened: Open, key: Key) -> None:
    """A viewer sees the overview and no keys; what he does not see is not in his navigation either."""
    for role, status in (("viewer", 403), ("manager", 403), ("administrator", 200)):
        browser = opened()
        browser.sign_in(key(role)[1])
        home = browser.get("/")
        assert home.status_code == 200
        assert ('href="/access"' in home.text) == (status == 200)
        assert browser.get("/access").status_code == status
        assert browser.send("/access/x/revoke", {}).status_code != 303 or status == 200


def test_an_agency_sees_nothing_of_the_whole_house(opened: Open, key: Key) -> None:
    """A key of one advertiser, administrator or not, is refused what tells of the others."""
    browser = opened()
    browser.sign_in(key("administrator", advertisers=("v",))[1])
    assert browser.get("/").headers["location"] == "/campaigns"
    answer = browser.get("/access")
    assert answer.status_code == 403
    assert "all advertisers" in answer.text


def test_a_revoked_key_ends_its_sessions(opened: Open, key: Key, admin: Admin, clock: Clock) -> None:
    """From the next request on; so does a key that expires, and a session that is over."""
    key_id, text = key()
    browser = opened()
    browser.sign_in(text)
    assert browser.get("/").status_code == 200
    admin.keys.revoke(key_id, NOW)
    assert browser.get("/").status_code == 303
    short, long = opened(), opened()
    short.sign_in(key("viewer", days=0.1)[1])
    long.sign_in(key("viewer")[1])
    clock.now_us += LASTS_US // 2
    assert (short.get("/").status_code, long.get("/").status_code) == (303, 200)
    clock.now_us += LASTS_US // 2
    assert long.get("/").status_code == 303


def test_the_cookie_holds_no_key_and_signing_in_takes_a_new_session(opened: Open, key: Key) -> None:
    """The secret is nowhere in it; what was planted before the sign-in is worth nothing after it."""
    browser = opened()
    browser.get("/sign-in")
    before = browser.cookies[COOKIE]
    text = key()[1]
    answer = browser.sign_in(text)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.cookies[COOKIE] != before
    assert text.split("_", 2)[2] not in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"]


def test_signing_out_forgets(opened: Open, key: Key) -> None:
    """The browser has no session any more, and is told so once."""
    browser = opened()
    browser.sign_in(key()[1])
    assert browser.send("/sign-out", {}).headers["location"] == "/sign-in"
    assert "You are signed out" in browser.get("/sign-in").text
    assert "You are signed out" not in browser.get("/sign-in").text
    assert browser.get("/").status_code == 303


def test_guessing_soon_costs_a_wait(opened: Open, key: Key, clock: Clock) -> None:
    """After five wrong keys of an address a right one waits too, as long as it is told."""
    browser, right = opened(), key()[1]
    told = [browser.sign_in(f"adc_{number:012x}_{'A' * 43}").status_code for number in range(7)]
    assert told == [401] * 5 + [429] * 2
    waiting = browser.sign_in(right)
    assert waiting.status_code == 429
    clock.now_us += int(waiting.headers["retry-after"]) * 1_000_000
    assert browser.sign_in(right).status_code == 303


@pytest.mark.parametrize(
    ("to", "goes"),
    [
        ("/access?sort=name", "/access?sort=name"), ("", "/"), ("//evil.example", "/"), ("/\\evil.example", "/"),
        ("https://evil.example", "/"), ("/a\\b", "/"), ("/x\r\nset-cookie: a=b", "/"), ("/sign-out", "/"),
    ],
)  # fmt: skip
def test_the_door_leads_to_our_pages_alone(to: str, goes: str) -> None:
    """Whatever a link to the sign-in page says."""
    assert local(to) == goes


def test_what_is_open_to_this_machine_is_open_by_our_names_alone(opened: Open) -> None:
    """Where the settings leave the inside open, the overview needs no key; keys do, and so does a foreign name."""
    browser = opened(guarded=False)
    assert browser.get("/").status_code == 200
    assert browser.get("/access").status_code == 303
    assert browser.get("/", host="evil.example").status_code == 303


def test_every_answer_has_the_policy(opened: Open, key: Key) -> None:
    """Pages, parts, files, refusals and redirects; none of them holds a script or a style of its own."""
    browser = opened()
    browser.sign_in(key()[1])
    page = browser.get("/").text
    files = [part.split('"')[0] for part in page.split('"/console/static/')[1:]]
    paths = [
        "/",
        "/access",
        "/access?sort=colour",
        "/overview/live",
        "/sign-in",
        *(f"/console/static/{one}" for one in files),
    ]
    for path in paths:
        answer = browser.get(path)
        assert answer.headers.items() >= HEADERS.items(), path
        assert "unsafe" not in POLICY
        if "html" in answer.headers.get("content-type", ""):
            assert "<style" not in answer.text
            assert " style=" not in answer.text
            assert " on" + "click" not in answer.text
            assert answer.headers["cache-control"] == "no-store"


def test_files_are_kept_for_good_under_names_of_their_content(opened: Open) -> None:
    """Immutable, packed where the browser takes that, and 304 where it has them."""
    browser = opened()
    page = browser.get("/sign-in").text
    path = "/console/static/" + page.split('src="/console/static/')[1].split('"')[0]
    answer = browser.get(path)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    assert browser.get(path, if_none_match=answer.headers["etag"]).status_code == 304
    assert browser.get(path.replace("console.", "other.", 1)).status_code == 404


def test_a_key_is_made_shown_once_and_revoked(opened: Open, key: Key) -> None:
    """By the forms of the page: what is wrong is said beside its field, and nothing of it is done."""
    browser = opened()
    browser.sign_in(key()[1])
    wrong = browser.send("/access", {"name": "", "role": "viewer", "days": "-1"})
    assert wrong.status_code == 422
    assert wrong.text.count('aria-invalid="true"') == 2
    assert "expected more than 0" in wrong.text
    made = browser.send("/access", {"name": "<b>ann</b>", "role": "viewer", "days": "", "advertisers": ""})
    assert made.status_code == 200
    assert "&lt;b&gt;ann&lt;/b&gt;" in made.text
    text = made.text.split('class="secret">')[1].split("<")[0]
    assert text not in browser.get("/access").text
    reader = opened()
    assert reader.sign_in(text).status_code == 303
    gone = browser.send(f"/access/{text.split('_')[1]}/revoke", {})
    assert gone.headers["location"] == "/access"
    assert "is revoked" in browser.get("/access").text
    assert reader.get("/").status_code == 303


def test_one_field_is_checked_as_one_types(opened: Open, key: Key) -> None:
    """The part that stands beside the field, and nothing else."""
    browser = opened()
    browser.sign_in(key()[1])
    answer = browser.send("/access/check/days", {"days": "x"}, hx_request="true")
    assert answer.status_code == 200
    assert 'id="days-trouble"' in answer.text
    assert "expected a number" in answer.text
    assert "<html" not in answer.text
    assert browser.send("/access/check/colour", {}, hx_request="true").status_code == 400


def test_pages_are_counted_as_one_route(opened: Open, key: Key) -> None:
    """Ids in their paths never become labels of a metric."""
    browser = opened()
    browser.sign_in(key()[1])
    browser.send("/access/secret-id/revoke", {})
    answer = opened(guarded=False)
    answer.get("/")
    text = answer.get("/metrics").text
    assert 'route="console"' in text
    assert "secret-id" not in text


def test_a_cookie_is_dead_after_the_sign_out(opened: Open, key: Key) -> None:
    """Whoever copied it is nobody from the next request on, at every server; other sessions of the key go on."""
    text = key()[1]
    browser, other, thief = opened(), opened(), opened()
    browser.sign_in(text)
    other.sign_in(text)
    thief.cookies = httpx.Cookies(browser.cookies)
    assert thief.get("/").status_code == 200
    browser.send("/sign-out", {})
    assert thief.get("/").status_code == 303
    assert thief.send("/access", {"name": "x", "role": "viewer"}, "").headers["location"].startswith("/sign-in")
    assert other.get("/").status_code == 200


def test_one_signs_out_everywhere(opened: Open, key: Key, clock: Clock) -> None:
    """Every session that began before is over; another key's goes on, and one signs in again."""
    text = key()[1]
    browser, other, stranger = opened(), opened(), opened()
    browser.sign_in(text)
    other.sign_in(text)
    stranger.sign_in(key()[1])
    clock.now_us += 1
    browser.send("/sign-out", {"everywhere": "yes"})
    assert "in every browser" in browser.get("/sign-in").text
    assert (browser.get("/").status_code, other.get("/").status_code, stranger.get("/").status_code) == (303, 303, 200)
    clock.now_us += 1
    assert browser.sign_in(text).status_code == 303
    assert browser.get("/").status_code == 200


def test_an_administrator_signs_somebody_out(opened: Open, key: Key, clock: Clock) -> None:
    """The key's sessions are over and the key opens on; of a key that is not there the page says so."""
    key_id, text = key("viewer")
    browser, reader = opened(), opened()
    browser.sign_in(key()[1])
    reader.sign_in(text)
    clock.now_us += 1
    assert browser.send(f"/access/{key_id}/sign-out", {}).headers["location"] == "/access"
    assert "signed out in every browser" in browser.get("/access").text
    assert reader.get("/").status_code == 303
    assert browser.send("/access/0/sign-out", {}).status_code == 400
    clock.now_us += 1
    reader.sign_in(text)
    assert reader.get("/").status_code == 200


def test_no_cookie_goes_by_http_where_browsers_come_by_https(opened: Open, key: Key) -> None:
    """The session's and the words' alike: Secure, HttpOnly, SameSite, when they are set and when they are dropped."""
    browser = opened()
    browser.sign_in(key()[1])
    answers = [browser.send("/sign-out", {}), browser.get("/sign-in")]
    told = [cookie for answer in answers for cookie in answer.headers.get_list("set-cookie")]
    assert sum(SAYS in cookie for cookie in told) == 2
    for cookie in told:
        assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; ")), cookie


def test_a_key_that_asks_too_often_waits_and_is_told_how_long(opened: Open, key: Key, clock: Clock) -> None:
    """Page or part, in words and in Retry-After; files, the door and other keys go on, and it does after that time."""
    text, other = key()[1], opened()
    browser, tab = opened(), opened()
    browser.sign_in(text)
    other.sign_in(key()[1])
    told = [browser.get("/").status_code for _ in range(RATES.pages_at_once + 1)]
    assert told == [200] * RATES.pages_at_once + [429]
    page, part = browser.get("/access"), browser.get("/access/rows", hx_request="true")
    assert (page.status_code, page.headers["retry-after"]) == (429, "1")
    assert "wait 1 second, then load it again" in page.text
    assert "wait 1 second" in part.text
    assert "<html" not in part.text
    assert other.get("/").status_code == 200
    assert tab.sign_in(text).status_code == 303
    file = page.text.split('src="')[1].split('"')[0]
    assert browser.get(file).status_code == 200
    clock.now_us += 1_000_000
    assert browser.get("/access").status_code == 200


def test_open_tabs_never_wait() -> None:
    """Twenty of them, whose parts ask every two seconds, for ten minutes."""
    limits = Limits(rate=RATES.pages, burst=RATES.pages_at_once)
    assert max(limits.take("key", tenth / 10) for tenth in range(6_000)) == 0.0
