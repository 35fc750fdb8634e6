"""Restrictions that the conformance suite found forgotten, each as the exchange would send it."""

import json
from typing import Any

import pytest
from tests.server.conftest import Call

BANNER = {"id": "1", "banner": {"w": 300, "h": 250}}


def native_answer(call: Call, trackers: list[dict[str, Any]]) -> Any:
    """The markup for a page that reports these events."""
    asked = {"assets": [{"id": 1, "required": 1, "title": {"len": 90}}], "eventtrackers": trackers}
    imp = {"id": "1", "native": {"request": json.dumps(asked)}}
    answer = call("POST", "/openrtb2/bid", json={"id": "a", "imp": [imp]})
    return json.loads(answer.json()["seatbid"][0]["bid"][0]["adm"])


@pytest.mark.parametrize("domain", ["sports.example", "SPORTS.example"])
def test_a_blocked_advertiser_is_blocked_in_any_case(call: Call, domain: str) -> None:
    """Domains are the same in capitals."""
    answer = call("POST", "/openrtb2/bid", json={"id": "a", "badv": [domain], "imp": [BANNER]})
    assert answer.json()["seatbid"][0]["seat"] == "adv-soap"


@pytest.mark.parametrize("trackers", [[{"event": 1, "methods": [2]}], [{"event": 3, "methods": [1]}], []])
def test_a_page_that_reports_no_pixel_gets_none_among_its_events(call: Call, trackers: list[dict[str, Any]]) -> None:
    """Where impressions are not reported to pixels, the pixel goes where older pages look for it."""
    answer = native_answer(call, trackers)
    assert "eventtrackers" not in answer
    assert len(answer["imptrackers"]) == 1


@pytest.mark.parametrize("tracker", [{"event": 1, "methods": [2, 1]}, {"event": 1}])
def test_a_page_that_reports_to_pixels_gets_an_event_tracker(call: Call, tracker: dict[str, Any]) -> None:
    """By name, or by leaving the methods open."""
    answer = native_answer(call, [tracker])
    assert "imptrackers" not in answer
    assert [each["method"] for each in answer["eventtrackers"]] == [1]
