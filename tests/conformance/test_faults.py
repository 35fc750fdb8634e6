"""Every rule can fail: a bidder that is wrong in one way is caught by the one rule that says so."""

import asyncio

import pytest
from tests.conformance.bidder import Bidder
from tests.conformance.faults import FAULTS
from tests.conformance.spoils import Fault, bids, once, slow

from adcascade.conformance.rules import RULES
from adcascade.conformance.run import Plan, conform
from adcascade.conformance.tally import Tally

ELSEWHERE = {"http.hang", "notice.win", "notice.billing"}  # tested below, for they need another plan


def tallied(bidder: Bidder, *, notices: bool = False, timeout_s: float = 5.0) -> Tally:
    """The suite's examples against a bidder."""
    tally = Tally()
    plan = Plan(url=f"{bidder.url}/bid", mutations=0, notices=notices, timeout_s=timeout_s)
    asyncio.run(conform(plan, tally))
    return tally


def violated(tally: Tally) -> set[str]:
    """The rules that did not hold."""
    return {count.rule.id for count in tally.counts if count.violated}


def test_a_correct_bidder_violates_nothing_and_exercises_every_rule(bidder: Bidder) -> None:
    """No rule is a dead letter: each is checked at least once, and holds."""
    tally = tallied(bidder, notices=True)
    assert {count.rule.id: count.verdict for count in tally.counts} == {rule.id: "holds" for rule in RULES}
    assert tally.bids > 50


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_caught_by_its_rule_alone(bidder: Bidder, fault: Fault) -> None:
    """One fault, one rule: neither missed nor reported under another name."""
    fault.put_into(bidder)
    assert violated(tallied(bidder)) == {fault.rule}


def test_every_rule_has_a_fault() -> None:
    """A rule that no test has seen violated proves nothing."""
    assert {rule.id for rule in RULES} == {fault.rule for fault in FAULTS.values()} | ELSEWHERE


def test_silence_is_a_hang(bidder: Bidder) -> None:
    """An answer that does not come within the limit is counted as such, and the run goes on."""
    bidder.wire = once(slow)
    tally = tallied(bidder, timeout_s=0.9)
    assert violated(tally) == {"http.hang"}
    assert tally.hangs == 1


@pytest.mark.parametrize(("field", "rule"), [("nurl", "notice.win"), ("burl", "notice.billing")])
def test_a_refused_notice_is_found(bidder: Bidder, field: str, rule: str) -> None:
    """Notices are called only when asked for; then a 404 is a violation of the kind that was called."""

    bidder.spoil = bids(nurl=None) if field == "burl" else bids(burl=None)
    bidder.on_notice = 404
    assert violated(tallied(bidder)) == set()
    assert violated(tallied(bidder, notices=True)) == {rule}
