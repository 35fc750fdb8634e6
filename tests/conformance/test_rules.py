"""Rules judge whatever comes back: they never raise, and what they say does not depend on the order of looking."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conformance.bidder import Bidder
from tests.conformance.creatives import banner_html, vast_xml

from adcascade.conformance.examples import examples
from adcascade.conformance.mutate import mutation
from adcascade.conformance.probe import JSON_HEADERS, Probe, Reply
from adcascade.conformance.rules import RULES
from adcascade.conformance.rules.banner import fault_of
from adcascade.conformance.rules.privacy import identifiers, leaked
from adcascade.conformance.rules.vast import parsed, seconds_of
from adcascade.conformance.structure import changed, written
from adcascade.conformance.tally import Tally
from adcascade.conformance.trial import Trial

SEEDS = st.integers(0, 2**32)


def answered(probe: Probe) -> dict[str, Any]:
    """What the correct bidder says to an example; an empty object where it says nothing."""
    _, _, body = Bidder().answer(probe.method, "/bid", probe.headers, probe.body)
    found: dict[str, Any] = json.loads(body) if body.startswith(b"{") else {}
    return found


ANSWERS = [(probe, answered(probe)) for probe in examples() if "accept-encoding" not in probe.headers]


@settings(max_examples=120)
@given(number=st.integers(0, len(ANSWERS) - 1), seed=SEEDS, times=st.integers(0, 5))
def test_no_rule_raises_whatever_comes_back(number: int, seed: int, times: int) -> None:
    """A bidder's answer with any damage, to a request with any damage, is judged; and twice alike."""
    random = Random(seed)
    probe, answer = ANSWERS[number]
    document = json.loads(json.dumps(answer))
    for _ in range(times):
        changed(random, document, ANSWERS[0][1])
    reply = Reply(status=200, headers={"content-type": "application/json"}, body=written(random, document))
    for asked in (probe, mutation(seed, number)):
        trial = Trial(asked, reply)
        first, second = Tally().judge(trial), Tally().judge(Trial(asked, reply))
        assert repr(first) == repr(second)


@pytest.mark.parametrize(
    ("markup", "right"),
    [
        (banner_html("https://x.example"), True),
        ("<p>one<p>two", True),
        ("<ul><li>a<li>b</ul>", True),
        ("<br><img src='x'/>", True),
        ("<script>if (a < b) { x() }</script>", True),
        ("<!-- only a comment -->", False),
        ("<div><span></div>", False),
        ("</div>", False),
        ("<div", False),
        ("<div><![x[", False),
        ("", False),
    ],
)
def test_markup_is_html_where_its_tags_fit(markup: str, right: bool) -> None:
    """Tags that need no end may lack it; all others fit each other."""
    assert (not fault_of(markup)[0]) == right


@pytest.mark.parametrize(
    ("written_as", "seconds"),
    [("00:00:15", 15.0), ("01:02:03.5", 3723.5), ("00:60:00", None), ("15", None), ("", None), ("00:00:15.1234", None)],
)
def test_durations_are_hours_minutes_seconds(written_as: str, seconds: float | None) -> None:
    """HH:MM:SS, with up to three digits behind a point."""
    assert seconds_of(written_as) == seconds


def test_entities_are_never_expanded() -> None:
    """A document type is refused before the parser sees it."""
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><VAST version="3.0">&b;</VAST>'
    assert isinstance(parsed(bomb), str)
    good = vast_xml("video", {"mimes": ["video/mp4"], "protocols": [3]}, "https://x.example?a=1&b=2")
    assert good is not None
    assert not isinstance(parsed(good["adm"]), str)


@given(identifier=st.text(min_size=8, max_size=20))
def test_an_id_is_found_however_it_is_written(identifier: str) -> None:
    """Plain, percent-encoded and in base64; an answer without it does not leak it."""
    import base64
    from urllib.parse import quote

    for form in (identifier, quote(identifier, safe=""), base64.b64encode(identifier.encode()).decode()):
        assert leaked(identifier, f"https://x.example/?u={form}&v=1")
    assert not leaked(identifier, "")


def test_ids_that_must_be_repeated_are_no_leak() -> None:
    """A user's id that is the request's as well stands in every answer; a short one may stand there by chance."""
    user = {"id": "request-1", "buyeruid": "short", "eids": [{"uids": [{"id": "extended-1"}]}]}
    assert identifiers({"id": "request-1", "user": user, "device": {"ifa": "device-0001"}}) == [
        "device-0001",
        "extended-1",
    ]


def test_ids_and_sections_are_well_formed() -> None:
    """One id a rule; a sentence and a section each."""
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.section and rule.says and not rule.says.endswith(".") for rule in RULES)


def test_a_rule_that_saw_nothing_is_not_exercised() -> None:
    """An empty no-bid exercises transport and nothing of bids."""
    tally = Tally()
    probe = Probe(name="x", about="", kind="valid", body=b'{"id":"1","imp":[]}', headers=JSON_HEADERS)
    tally.judge(Trial(probe, Reply(status=204, headers={"x-openrtb-version": "2.6"})))
    verdicts = {count.rule.id: count.verdict for count in tally.counts}
    assert verdicts["http.body"] == "holds"
    assert verdicts["bid.price"] == verdicts["vast.xml"] == verdicts["privacy.coppa"] == "not exercised"
