"""A request of the log is sold again by every rule; by the installation's own rule as it was."""

import msgspec
import numpy as np
import pytest

from adcascade.auction import METHODS
from adcascade.cascade.resold import GONE, candidates_of, resold
from adcascade.cascade.service import AdService
from adcascade.closedloop.made_up import WHEN_US
from adcascade.contracts import AdRequest, Slot
from adcascade.events.records import AuctionRecord


@pytest.fixture(scope="module")
def records(service: AdService) -> list[AuctionRecord]:
    """Answered just now, one to four slots each."""
    for number in range(12):
        slots = tuple(Slot(id=str(slot)) for slot in range(1 + number % 4))
        service.auction(AdRequest(id=f"s{number}", time_us=WHEN_US, slots=slots, timeout_us=20_000_000))
    service.parts.journal.flush()
    return [record for _, record in service.parts.journal.read(kinds=("auction",)) if isinstance(record, AuctionRecord)]


def test_by_the_same_rule_it_is_sold_as_it_was(service: AdService, records: list[AuctionRecord]) -> None:
    """Winners, slots, prices and what they bring; ties too."""
    for record in records:
        again = resold(record, service.loaded)
        gsp = next(rule for rule in again.rules if rule.name == "gsp")
        assert gsp.sold == again.winners
        assert again.revenue_micros is not None
        assert gsp.revenue_micros == pytest.approx(again.revenue_micros, rel=1e-4, abs=10)


def test_no_rule_takes_more_than_first_price(service: AdService, records: list[AuctionRecord]) -> None:
    """Of the same winners; everybody pays at most his bid, and there exactly that."""
    for record in records:
        again = resold(record, service.loaded)
        bids = {one.ad: one.bid_micros for one in again.ranked}
        rules = {rule.name: rule for rule in again.rules}
        assert list(rules) == list(METHODS)
        assert all(one.price_micros == bids[one.ad] for one in rules["first_price"].sold)
        for rule in rules.values():
            assert all(one.price_micros <= bids[one.ad] for one in rule.sold)
            assert rule.revenue_micros <= rules["first_price"].revenue_micros


def test_what_left_the_catalog_is_named_by_its_row(service: AdService, records: list[AuctionRecord]) -> None:
    """It stays in the list, and is not sold again."""
    ranked = records[0].ranked
    assert ranked is not None
    rows = candidates_of(ranked).ad.copy()
    rows[0] = 10**6
    moved = msgspec.structs.replace(records[0], ranked=msgspec.structs.replace(ranked, ad=rows.astype("<i4").tobytes()))
    again = resold(moved, service.loaded)
    assert again.ranked[0].ad == GONE.format(10**6)
    assert all(not one.ad.startswith("row") for rule in again.rules for one in rule.sold)


def test_without_candidates_nothing_is_sold(service: AdService, records: list[AuctionRecord]) -> None:
    """The winners are told all the same; of clicks that nobody knew no revenue is."""
    winner = msgspec.structs.replace(records[0].winners[0], billing="click", slot_ctr=np.nan)
    again = resold(msgspec.structs.replace(records[0], ranked=None, winners=(winner,)), service.loaded)
    assert (len(again.winners), again.ranked, again.rules, again.revenue_micros) == (1, (), (), None)
