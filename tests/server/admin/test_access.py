"""Who may: no key, a wrong one, too narrow a one, one for another advertiser, one that calls too often."""

import asyncio
import json
from dataclasses import replace

import httpx
import pytest
from structlog.testing import capture_logs
from tests.server.admin.conftest import Ask, Clock
from tests.server.described import check_described
from tests.server.shop import NOW, OPTIONS, Shop

from adcascade.access.keys import ROLES, Role
from adcascade.events.journal import Journal
from adcascade.server.admin.app import Admin
from adcascade.server.app import PAGES, create_app
from adcascade.server.openapi import description

CAMPAIGN = {"advertiser": "v", "name": "summer", "bid_micros": 700_000}


def test_every_route_asks_for_a_key(ask: Ask, clock: Clock) -> None:
    """Whatever the description names below /admin/v1 answers 401 without a key, and says how to get one."""
    for path, verbs in description()["paths"].items():
        for verb in verbs:
            if path.startswith("/admin/v1"):
                clock.now_us += 60_000_000
                answer = ask(verb.upper(), path.removeprefix("/admin/v1").replace("{id}", "x"), role=None, json={})
                assert answer.status_code == 401, (verb, path)
                assert answer.headers["www-authenticate"] == "Bearer"
                assert "adcascade key create" in answer.json()["error"]["remedy"]


@pytest.mark.parametrize("path", [path for path in PAGES if path in description()["paths"]])
def test_pages_about_the_inside_are_described_as_guarded(admin: Admin, journal: Journal, path: str) -> None:
    """Where `access.status` asks for a key, a page answers 401 without one exactly where the description says so."""
    app = create_app(Shop(journal), replace(OPTIONS, guard_status=True), admin=admin)

    async def bare() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://ads") as client:
            return await client.get(path)

    answer = asyncio.run(bare())
    check_described(answer)
    assert (answer.status_code == 401) == ("401" in description()["paths"][path]["get"]["responses"])


@pytest.mark.parametrize(
    ("method", "path", "needs"),
    [
        ("GET", "/campaigns", "viewer"),
        ("GET", "/me", "viewer"),
        ("PUT", "/campaigns/x", "manager"),
        ("PATCH", "/campaigns/v-k", "manager"),
        ("POST", "/offers", "manager"),
        ("DELETE", "/ads/v-a0", "manager"),
        ("GET", "/audit", "administrator"),
        ("GET", "/keys", "administrator"),
        ("POST", "/keys", "administrator"),
    ],
)
def test_a_role_may_what_it_may(ask: Ask, method: str, path: str, needs: Role) -> None:
    """The role that is needed and those above it pass; those below are refused with 403."""
    order: list[Role] = ["viewer", "manager", "administrator"]
    for role in order:
        answer = ask(method, path, role=role, **({} if method in ("GET", "DELETE") else {"json": {}}))
        assert (answer.status_code == 403) == (order.index(role) < order.index(needs)), (role, answer.text)
    assert set(order) == set(ROLES)


def test_a_key_for_one_advertiser_sees_no_other(ask: Ask, admin: Admin) -> None:
    """What is another's is as good as absent to read, and refused to write, also by moving or by bulk."""
    _, key = admin.keys.create("agency", "manager", now_us=NOW, by="test", advertisers=("v",))
    assert {one["id"] for one in ask("GET", "/ads", key=key).json()["items"]} == {"v-a0", "v-a1"}
    assert [one["id"] for one in ask("GET", "/advertisers", key=key).json()["items"]] == ["v"]
    assert ask("GET", "/ads", key=key, params={"advertiser": "w"}).status_code == 403
    for path in ("/campaigns/w-k", "/ads/w-a0", "/ad_groups/w-g", "/advertisers/w", "/history/ads/w-a0"):
        assert ask("GET", path, key=key).status_code == 404, path
        assert ask("GET", path.replace("w", "v"), key=key).status_code == 200, path
    assert ask("PUT", "/campaigns/mine", key=key, json=CAMPAIGN).status_code == 201
    assert ask("PUT", "/campaigns/theirs", key=key, json=CAMPAIGN | {"advertiser": "w"}).status_code == 403
    assert ask("PUT", "/campaigns/w-k", key=key, json=CAMPAIGN).status_code == 403, "taken over"
    assert ask("PATCH", "/campaigns/v-k", key=key, json={"advertiser": "w"}).status_code == 403, "given away"
    assert ask("PUT", "/ads/w-a0", key=key, json={"campaign": "v-k"}).status_code == 403
    assert ask("POST", "/status", key=key, json={"status": "paused", "ads": ["v-a0", "w-a0"]}).status_code == 403
    assert ask("POST", "/offers", key=key, json={"ads": {"w-a0": {"stock": 0}}}).status_code == 403
    assert ask("POST", "/batch", key=key, json={"ads": [{"id": "z", "campaign": "w-k"}]}).status_code == 403
    both = {"campaigns": [CAMPAIGN | {"id": "b"}], "ads": [{"id": "z", "campaign": "b"}]}
    assert ask("POST", "/batch", key=key, json=both).status_code == 200
    assert ask("DELETE", "/ads/w-a0", key=key).status_code == 404
    assert ask("GET", "/ads/w-a0").json()["status"] == "active"


def test_guessing_soon_costs_a_wait_and_a_right_key_waits_too(ask: Ask, admin: Admin, clock: Clock) -> None:
    """After a few failures the address gets 429 with retry-after; when that has passed it may try again."""
    _, right = admin.keys.create("ann", "viewer", now_us=NOW, by="test")
    statuses = [ask("GET", "/me", key=f"adc_{number:012x}_{'A' * 43}").status_code for number in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    waiting = ask("GET", "/me", key=right)
    assert waiting.status_code == 429
    clock.now_us += int(waiting.headers["retry-after"]) * 1_000_000
    assert ask("GET", "/me", key=right).status_code == 200


def test_a_revoked_key_opens_nothing_from_the_next_request_on(ask: Ask) -> None:
    """Made over HTTP, used, revoked over HTTP, refused."""
    made = ask("POST", "/keys", json={"name": "ann", "role": "viewer", "days": 30}).json()
    assert ask("GET", "/me", key=made["key"]).json()["id"] == made["id"]
    assert ask("DELETE", f"/keys/{made['id']}").status_code == 200
    assert ask("GET", "/me", key=made["key"]).status_code == 401
    assert ask("DELETE", "/keys/000000000000").status_code == 404
    assert made["key"] not in ask("GET", "/keys").text


def test_no_log_line_holds_a_secret(ask: Ask) -> None:
    """Refused keys, right ones, and those sent in the wrong place leave only public ids and reasons."""
    made = ask("POST", "/keys", json={"name": "ann", "role": "viewer"}).json()
    secret = made["key"].split("_", 2)[2]
    with capture_logs() as lines:
        ask("GET", "/keys", key=made["key"])
        ask("GET", "/me", key=made["key"] + "x")
        ask("GET", f"/campaigns?key={made['key']}", key=made["key"])
        ask("PUT", "/campaigns/x", json={"advertiser": made["key"]})
    assert lines
    assert secret not in json.dumps(lines, default=repr)
