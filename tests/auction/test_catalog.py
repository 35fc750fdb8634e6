"""The stages of money over the real catalog: bidding, auction and creative read the same snapshot."""

from pathlib import Path

import numpy as np
import pytest

from adcascade.auction import METHODS, AuctionStage
from adcascade.bidding import BiddingStage, Pacer
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.contracts import AdRequest, Batch, Candidates, Opportunity, Slot
from adcascade.creative import CreativeStage, VariantCounts


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """Four campaigns of three ads each, every other one billed per impression; the last ad is gone."""
    store = CatalogStore(f"sqlite:///{tmp_path / 'catalog.db'}")
    looks = (Creative(id="text", format="native"), Creative(id="tile"))
    store.put(
        advertisers=[Advertiser(id="a")],
        campaigns=[
            Campaign(
                id=f"c{i}",
                advertiser="a",
                billing="impression" if i % 2 else "click",
                bid_micros=20_000 if i % 2 else 500_000 + i,
            )
            for i in range(4)
        ],
        ads=[Ad(id=f"ad{i}", campaign=f"c{i // 3}", product=f"p{i % 5}", creatives=looks) for i in range(12)],
    )
    store.remove_ads(["ad11"])
    taken = Snapshot.from_store(store)
    store.close()
    return taken


def opportunity() -> Opportunity:
    """A page with three slots."""
    batch = Batch(
        ids=np.zeros((1, 0), np.int64),
        dense=np.zeros((1, 0), np.float32),
        history=np.zeros((1, 0, 1), np.int64),
        history_length=np.zeros(1, np.int64),
        scenario=np.zeros(1, np.int64),
    )
    request = AdRequest(id="r", time_us=0, slots=tuple(Slot(id=str(k), floor_micros=1000) for k in range(3)))
    return Opportunity(request=request, seen={}, features=batch, random=np.random.default_rng(0))


@pytest.mark.parametrize("rule", sorted(METHODS))
def test_from_click_probabilities_to_winners_with_prices_and_looks(rule: str, snapshot: Snapshot) -> None:
    """Each winner pays at most its bid, campaigns differ, the look fits the slot, a removed ad bids nothing."""
    rows = np.arange(12, dtype=np.int32)
    entered = Candidates.of(rows).with_(ctr=np.linspace(0.01, 0.05, 12).astype(np.float32))
    ranked = BiddingStage(snapshot, Pacer())(opportunity(), entered)
    auction = AuctionStage(METHODS[rule], snapshot, slot_factors=[1, 0.6, 0.4], one_per="product")
    winners = CreativeStage(VariantCounts(), snapshot)(opportunity(), auction(opportunity(), ranked))
    assert len(winners) == (1 if rule == "second_price" else 3)
    assert np.all((winners.price > 0) & (winners.price <= snapshot.bid[winners.ad]))
    assert len(set(snapshot.campaign[winners.ad].tolist())) == len(winners)
    assert set(winners.creative.tolist()) == {1}
    assert ranked.ad[-1] == 11
    assert ranked.bid[-1] == 0
