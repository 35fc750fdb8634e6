"""The catalog over HTTP: what is put is there, versions keep writers apart, pages hold all, every write is audited."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.admin.conftest import Ask

from adcascade.server.admin.app import Admin
from adcascade.server.admin.exchange import merged

CAMPAIGN = {"advertiser": "v", "name": "summer", "bid_micros": 700_000, "targeting": {"countries": ["US"]}}


def test_a_noun_is_created_read_replaced_and_patched(ask: Ask) -> None:
    """201, 200, 200: with the fields of the last write, and an ETag that rises."""
    made = ask("PUT", "/campaigns/new", json=CAMPAIGN)
    assert (made.status_code, made.json()["name"], made.json()["targeting"]["countries"]) == (201, "summer", ["US"])
    read = ask("GET", "/campaigns/new")
    assert read.json() == made.json()
    assert read.headers["etag"] == f'"{made.json()["version"]}"'
    replaced = ask("PUT", "/campaigns/new", json=CAMPAIGN | {"name": "autumn"})
    assert (replaced.status_code, replaced.json()["name"]) == (200, "autumn")
    patched = ask("PATCH", "/campaigns/new", json={"targeting": {"devices": ["mobile"]}, "bid_micros": None})
    told = patched.json()
    assert (told["targeting"]["countries"], told["targeting"]["devices"]) == (["US"], ["mobile"])
    assert (told["name"], told["bid_micros"]) == ("autumn", 0)
    assert told["version"] > replaced.json()["version"] > made.json()["version"]


def test_ids_may_hold_anything_a_path_can_write(ask: Ask) -> None:
    """Slashes, spaces and other letters in an id come back as they were."""
    for name in ("a/b", "a b", "ä%20ö", "history", "x/history"):
        path = "/campaigns/" + "".join(f"%{byte:02X}" for byte in name.encode())
        assert ask("PUT", path, json=CAMPAIGN).json()["id"] == name
        assert ask("GET", path).json()["id"] == name


def test_two_writers_do_not_overwrite_each_other(ask: Ask) -> None:
    """With the version that it saw, the second is refused with 412, and the first one's write stands."""
    seen = ask("GET", "/campaigns/v-k").headers["etag"]
    first = ask("PATCH", "/campaigns/v-k", json={"name": "first"}, headers={"if-match": seen})
    second = ask("PATCH", "/campaigns/v-k", json={"name": "second"}, headers={"if-match": seen})
    assert (first.status_code, second.status_code) == (200, 412)
    assert "read it again" in second.json()["error"]["remedy"]
    assert ask("GET", "/campaigns/v-k").json()["name"] == "first"
    assert ask("PUT", "/campaigns/v-k", json=CAMPAIGN, headers={"if-none-match": "*"}).status_code == 412
    assert ask("DELETE", "/ads/v-a0", headers={"if-match": '"999"'}).status_code == 412
    assert ask("GET", "/ads/v-a0").status_code == 200


def test_pages_hold_every_noun_once(ask: Ask, admin: Admin) -> None:
    """Following `next` from page to page meets each ad once, in order, whatever the size of a page."""
    every = [ad.id for _, ad in admin.catalog.ads()]
    for limit in (1, 3, 100):
        found, after = [], ""
        while True:
            page = ask("GET", "/ads", params={"limit": limit, "after": after, "count": "1"}).json()
            found += [item["id"] for item in page["items"]]
            assert page["total"] == len(every)
            after = page["next"]
            if not after:
                break
        assert found == sorted(every)
    assert [one["id"] for one in ask("GET", "/ads", params={"text": "SHOE 1"}).json()["items"]] == ["v-a1", "w-a1"]
    assert [one["id"] for one in ask("GET", "/ads", params={"campaign": "v-k"}).json()["items"]] == ["v-a0", "v-a1"]


def test_bulk_writes_are_all_or_nothing(ask: Ask) -> None:
    """A batch, a change of status and a feed of stock are kept whole; with one wrong part nothing is kept."""
    ads = [{"id": f"n{i}", "campaign": "v-k", "title": "sock"} for i in range(3)]
    assert ask("POST", "/batch", json={"ads": ads}).json()["nouns"] == 3
    assert ask("POST", "/batch", json={"ads": [{"id": "n9", "campaign": "nowhere"}]}).status_code == 400
    assert ask("GET", "/ads/n9").status_code == 404
    assert ask("POST", "/status", json={"status": "paused", "ads": ["n0", "n1"]}).status_code == 200
    assert ask("POST", "/status", json={"status": "ended", "ads": ["n2", "gone"]}).status_code == 400
    assert [ask("GET", f"/ads/n{i}").json()["status"] for i in range(3)] == ["paused", "paused", "active"]
    assert ask("POST", "/offers", json={"ads": {"n0": {"stock": 0}, "n1": {"price_micros": 5}}}).status_code == 200
    assert ask("POST", "/offers", json={"ads": {"n2": {"stock": 0}, "gone": {"stock": 1}}}).status_code == 400
    assert [ask("GET", f"/ads/n{i}").json()["stock"] for i in range(3)] == [0, None, None]


def test_every_write_is_in_the_audit_log_under_its_key(ask: Ask, admin: Admin) -> None:
    """Who, what, from what to what; reading writes nothing."""
    before = len(ask("GET", "/audit", params={"limit": 1000}).json()["items"])
    ask("GET", "/campaigns/v-k")
    ask("PATCH", "/campaigns/v-k", json={"name": "new"}, role="manager")
    ask("DELETE", "/ads/v-a0")
    lines = ask("GET", "/audit", params={"limit": 1000}).json()["items"][before:]
    assert [(line["action"], line["kind"], line["id"]) for line in lines] == [
        ("replace", "campaigns", "v-k"),
        ("remove", "ads", "v-a0"),
    ]
    ids = {key.name: key.id for key in admin.keys.all()}
    assert [line["who"] for line in lines] == [f"key:{ids[one]}:{one}" for one in ("manager", "administrator")]
    assert (lines[0]["before"]["name"], lines[0]["after"]["name"]) == ("spring", "new")
    history = ask("GET", "/history/campaigns/v-k").json()["items"]
    assert [line["action"] for line in history] == ["create", "replace"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("PUT", "/campaigns/x", {"advertiser": "v", "bid_micros": "much"}, 400, "bid_micros"),
        ("PUT", "/campaigns/x", {"advertiser": "nobody"}, 400, "campaigns[0].advertiser"),
        ("PUT", "/campaigns/x", {"advertiser": "v", "bid": 5}, 400, "bid"),
        ("PUT", "/campaigns/x", {"advertiser": "v", "targeting": {"country": ["US"]}}, 400, "targeting.country"),
        ("PUT", "/campaigns/x", {"id": "y", "advertiser": "v"}, 400, "id"),
        ("PUT", "/campaigns/x", {}, 400, "body"),
        ("PUT", "/campaigns/x", [1], 400, "body"),
        ("PATCH", "/campaigns/x", {"name": "a"}, 404, "id"),
        ("PATCH", "/campaigns/v-k", {"caps": [{"impressions": 1, "window": 5}]}, 400, "caps[0]"),
        ("GET", "/campaigns/x", None, 404, "id"),
        ("GET", "/shops/x", None, 404, "path"),
        ("GET", "/ads?limit=many", None, 400, "limit"),
        ("GET", "/ads?limit=0", None, 400, "limit"),
        ("GET", "/ads?state=paused", None, 400, "state"),
        ("GET", "/ads?sort=price", None, 400, "sort"),
        ("GET", "/ads?after=!!", None, 400, "after"),
        ("DELETE", "/campaigns/v-k", None, 405, "method"),
        ("POST", "/batch", {"adverts": []}, 400, "adverts"),
        ("POST", "/status", {"status": "gone", "ads": []}, 400, "status"),
    ],
)
def test_what_cannot_be_used_is_named(  # noqa: PLR0917  a table
    ask: Ask, method: str, path: str, body: Any, status: int, field: str
) -> None:
    """The field as the caller wrote it, in a body that says what would be right."""
    answer = ask(method, path, **({} if body is None else {"json": body}))
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field), answer.text


def test_a_wrong_etag_is_an_error_and_not_ignored(ask: Ask) -> None:
    """A condition that cannot be read must not be taken for "no condition"."""
    for headers in ({"if-match": "17"}, {"if-match": '"a"'}, {"if-none-match": '"1"'}):
        assert ask("PUT", "/campaigns/v-k", json=CAMPAIGN, headers=headers).status_code == 400


VALUES = st.recursive(
    st.integers() | st.text(max_size=3), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
DOCUMENTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(DOCUMENTS, DOCUMENTS)
def test_a_merge_patch_that_is_a_document_ends_in_it(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Merging a document twice changes nothing more, and each of its leaves is in the result."""
    once = merged(old, new)
    assert merged(once, new) == once

    def holds(whole: Any, part: Any) -> bool:
        if isinstance(part, dict):
            return isinstance(whole, dict) and all(name in whole and holds(whole[name], part[name]) for name in part)
        return bool(whole == part)

    assert holds(once, new)
