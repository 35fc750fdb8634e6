"""Requests and answers written down in tests/stories, replayed."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.server.conftest import Call
from tests.server.shop import Shop

FOLDER = Path(__file__).parent.parent / "stories"
FILES = sorted(FOLDER.glob("*.json"))
STORIES = [(file.stem, story) for file in FILES for story in json.loads(file.read_text("utf-8"))]


def arguments(story: dict[str, Any]) -> dict[str, Any]:
    """What httpx is called with; `text` is a body that need not be JSON."""
    request = dict(story["request"])
    if "text" in request:
        request["content"] = request.pop("text").encode()
    return request


def at(value: Any, path: str) -> Any:
    """`seatbid.0.price` of nested lists and dicts."""
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


@pytest.mark.parametrize("story", [story for _, story in STORIES], ids=[f"{file}: {s['story']}" for file, s in STORIES])
def test_a_story_ends_as_it_is_told(story: dict[str, Any], call: Call, shop: Shop) -> None:
    """Status, headers, the named parts of the body and of the markup, and what the engine was asked."""
    expect = story["expect"]
    response = call(**arguments(story))
    assert response.status_code == expect["status"], response.text
    assert {name: response.headers[name] for name in expect.get("headers", {})} == expect.get("headers", {})
    for path, value in expect.get("body", {}).items():
        assert at(response.json(), path) == value, path
    for path, value in expect.get("adm", {}).items():
        assert at(json.loads(response.json()["seatbid"][0]["bid"][0]["adm"]), path) == value, path
    for part in expect.get("holds", ()):
        assert part in response.json()["seatbid"][0]["bid"][0]["adm"]
    for path, value in expect.get("asked", {}).items():
        assert at(json.loads(msgspec.json.encode(shop.asked[-1])), path) == value, path


def test_every_refusal_says_what_to_do(call: Call) -> None:
    """Each refusal names a field and what was expected there."""
    refusals = [story for file, story in STORIES if file == "refusals"]
    for story in refusals:
        error = call(**arguments(story)).json()["error"]
        assert error["field"], story["story"]
        assert error["expected"], story["story"]
