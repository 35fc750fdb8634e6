"""The small market's pages with organic items, sold as whole slates by a cascade that learned what neighbours do."""

from pathlib import Path

import msgspec
import pytest
from tests.closedloop.conftest import lived, retrained

from adcascade.auction.slates import page_places
from adcascade.cascade.bundle import Bundles, Manifest
from adcascade.cascade.engine import Outcome
from adcascade.closedloop.installation import clock_at, simulated_service
from adcascade.closedloop.world import load_world
from adcascade.events.journal import Journal
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings


def names(outcome: Outcome) -> set[str]:
    """The stages of an outcome."""
    return {step.name for step in outcome.steps}


@pytest.fixture
def bundle(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    """The shop sells whole pages, and was trained to."""
    monkeypatch.setenv("ADCASCADE_AUCTION__RULE", "vcg")
    monkeypatch.setenv("ADCASCADE_BLENDING__POSITIONS", "[2, 4]")
    return retrained(shop)


def test_pages_are_sold_by_the_page_model_that_the_log_taught(shop: Path, bundle: Manifest) -> None:
    """The manifest names it, it beats ctr times factor on held-out pages, and every answered page went through it."""
    assert bundle.methods["page"] == "neighbours"
    assert bundle.metrics["page_log_loss"] < bundle.metrics["page_log_loss_separable"]
    answers = lived(shop).answers
    cascade = [(request, answer, outcome) for request, answer, outcome in answers if outcome.policy == "cascade"]
    assert sum(len(answer.winners) for _, answer, _ in cascade) > 20
    for request, answer, outcome in cascade:
        assert request.organic
        assert "page_auction" in names(outcome)
        assert not [cut for cut in outcome.cuts if "auction" in cut]
        for served in answer.winners:
            bid = served.ad.bid_micros if served.ad.bid_micros is not None else served.campaign.bid_micros
            assert 0 < served.price_micros <= bid
            assert 0.0 < served.ctr <= 1.0
        places = page_places(len(answer.winners), len(request.organic), (2, 4))[0]
        assert [served.position for served in answer.winners] == [place + 1 for place in places]
        assert len({served.campaign.id for served in answer.winners}) == len(answer.winners)
    with Journal(load_settings(shop).journal_path) as journal:
        assert Ledger(journal).overspend_micros() == 0


def test_a_bundle_without_a_page_model_says_so(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle of before knows no pages: slates are sold by ctr times factor; a page of ads alone by the rule."""
    monkeypatch.setenv("ADCASCADE_AUCTION__RULE", "vcg")
    world = load_world(shop)
    assert "page" not in Bundles(load_settings(shop).bundles_path).manifest(world_version(shop)).methods
    service = simulated_service(shop, clock_at(world.tick))
    market = world.market()
    for request in market.requests(market.views(world.tick))[:20]:
        asked = msgspec.structs.replace(request, test=True, timeout_us=10_000_000)
        answer, outcome = service.decide(asked)
        plain, other = service.decide(msgspec.structs.replace(asked, organic=()))
        if outcome.policy == other.policy == "cascade":
            assert "slate_auction" in names(outcome)
            assert "auction" in names(other)
            assert all(served.position is None for served in plain.winners)
        assert all(served.position for served in answer.winners)
    service.close()


def world_version(shop: Path) -> str:
    """The bundle that serves."""
    version = Bundles(load_settings(shop).bundles_path).current()
    assert version is not None
    return version
