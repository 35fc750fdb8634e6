"""A shop learns a bidding policy from its own auctions, and serves by it."""

from pathlib import Path

import numpy as np
import pytest

from adcascade.bidding import BidderPacer
from adcascade.bidding.policy import load_policy
from adcascade.bidding.site import POLICY
from adcascade.cascade.answer import Answer
from adcascade.cascade.engine import Outcome
from adcascade.cascade.opening import open_service
from adcascade.closedloop.bidder_training import BidderOrder, train_bidder
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.installation import clock_at, simulated_service
from adcascade.closedloop.log_source import log_source
from adcascade.closedloop.world import load_world
from adcascade.contracts import AdRequest
from adcascade.contracts.bids import paced_bids
from adcascade.errors import DataMissingError
from adcascade.market.clock import tick_start_us
from adcascade.money.ledger import Ledger


def learned(directory: Path, rounds: int = 3) -> None:
    """A policy that has hardly learned: the laws hold for any."""
    train_bidder(BidderOrder(directory=directory, until_us=tick_start_us(load_world(directory).tick), rounds=rounds))


def test_a_server_without_a_policy_says_how_to_get_one(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """bidding.method = "maab" without a policy is refused with the command that makes one."""
    monkeypatch.setenv("ADCASCADE_BIDDING__METHOD", "maab")
    with pytest.raises(DataMissingError, match="adcascade bidder train"):
        open_service(shop)


def test_a_log_without_auctions_cannot_teach(shop: Path) -> None:
    """Too few auctions of a trained cascade are refused, with their number."""
    with pytest.raises(DataMissingError, match="0 auctions"):
        train_bidder(BidderOrder(directory=shop, until_us=0, rounds=1))
    service = simulated_service(shop, clock_at(load_world(shop).tick))
    with pytest.raises(DataMissingError, match="0 auctions"):
        log_source([], service.parts.snapshot)
    service.close()


def test_a_shop_serves_by_the_policy_it_learned(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers, factors follow the policy within (0, 1], nobody is overspent, and the policy names its method."""
    learned(shop)
    manifest = load_policy(shop / POLICY).manifest
    assert (manifest.method, manifest.groups) == ("maab", ("click", "impression"))
    assert manifest.auctions > 0
    assert 0 < manifest.figures["policy_revenue"] <= 1
    monkeypatch.setenv("ADCASCADE_BIDDING__METHOD", "maab")
    world = load_world(shop)
    clock = clock_at(world.tick)
    service = simulated_service(shop, clock)
    pacer, snapshot = service.parts.budgets.pacer, service.parts.snapshot
    assert isinstance(pacer, BidderPacer)
    took_part: list[int] = []

    def watch(request: AdRequest, answer: Answer, outcome: Outcome) -> None:
        clock.watch(request, answer, outcome)
        ranked = outcome.ranked
        paced = paced_bids(snapshot.bid[ranked.ad], snapshot.campaign[ranked.ad], pacer.alpha)
        assert np.array_equal(ranked.bid, paced)
        took_part.append(len(np.unique(snapshot.campaign[ranked.ad])) if outcome.policy == "cascade" else 0)

    drive = Drive(world.market(), service, service.parts.feed.store, watch=watch)
    drive.run(range(world.tick, world.tick + 1))
    service.upkeep(tick_start_us(world.tick + 1))  # the bidders are asked for the first time
    took_part.clear()
    shown = drive.run(range(world.tick + 1, world.tick + 3))
    service.upkeep(tick_start_us(world.tick + 3))
    assert len(shown)
    assert (pacer.alpha > 0).all()
    assert (pacer.alpha <= 1).all()
    assert (pacer.alpha < 1).any()
    past = [slot for history in pacer._histories for slot in history]
    assert sum(slot.opportunities for slot in past) == sum(took_part)
    assert sum(slot.seen for slot in past) == len(shown)
    assert sum(slot.actions for slot in past) == shown.clicked.sum()
    assert sum(slot.spent for slot in past) == shown.charged.sum()
    service.parts.journal.flush()
    ledger = Ledger(service.parts.journal)
    assert ledger.verify() == []
    assert ledger.overspend_micros() == 0
    service.close()
