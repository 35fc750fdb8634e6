"""The tally of a control slot against a loop over what happened."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adcascade.cascade.slot_tally import SlotTally
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.snapshot import Snapshot
from adcascade.catalog.store import CatalogStore
from adcascade.contracts import Candidates
from adcascade.contracts.ecpm import ecpm_of


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """Two campaigns billed by click and one by impression, with two ads each."""
    campaigns = [
        Campaign(id=f"c{i}", advertiser="v", bid_micros=1000 * (i + 1), billing="impression" if i == 2 else "click")
        for i in range(3)
    ]
    ads = [Ad(id=f"a{i}", campaign=f"c{i // 2}") for i in range(6)]
    with CatalogStore(f"sqlite:///{tmp_path / 'catalog.db'}") as store:
        store.put([Advertiser(id="v")], campaigns, ads)
        return Snapshot.from_store(store)


def ranked(snapshot: Snapshot, ad: list[int], ctr: list[float], alpha: float) -> Candidates:
    """Candidates by falling eCPM at bids that were paced."""
    rows, p = np.array(ad, np.int32), np.array(ctr, np.float32)
    bid = (snapshot.bid[rows] * alpha).astype(np.int64)
    ecpm = ecpm_of(p, bid, snapshot.billing_click[rows])
    candidates = Candidates.of(rows).with_(ctr=p, bid=bid, ecpm=ecpm)
    return candidates.take(np.argsort(-ecpm, kind="stable"))


def test_a_slot_holds_what_happened_in_it(snapshot: Snapshot) -> None:
    """A campaign takes part once a request, with its best ad; values are at full bids; then all begins anew."""
    tally = SlotTally(snapshot)
    order = [snapshot.row_of[f"a{i}"] for i in range(6)]
    first = ranked(snapshot, [order[0], order[1], order[4]], [0.1, 0.3, 0.2], 0.5)
    tally.answered(first, np.array([order[4]], np.int32))
    tally.answered(ranked(snapshot, [order[0]], [0.2], 0.5), np.array([order[0]], np.int32))
    tally.seen(order[4], 0.2)
    tally.seen(order[0], 0.1)
    tally.clicked("c0")
    tally.charged("c0", 700)
    tally.charged("gone", 1)
    ended = tally.end()
    number = [snapshot.campaign_index_of[f"c{i}"] for i in range(3)]
    assert ended.opportunities[number].tolist() == [2, 0, 1]
    assert ended.won[number].tolist() == [1, 0, 1]
    assert ended.seen[number].tolist() == [1, 0, 1]
    assert ended.actions[number].tolist() == [1, 0, 0]
    assert ended.spent[number].tolist() == [700, 0, 0]
    assert ended.value[number] == pytest.approx([1000 * 0.3 + 1000 * 0.2, 0, 3000], rel=1e-6)
    assert ended.bid[number] == pytest.approx(ended.value[number] / 2, rel=1e-2)
    assert ended.reward[number] == pytest.approx([1000 * 0.1, 0, 3000])
    assert not tally.end().opportunities.any()


def test_what_nobody_knows_is_worth_nothing(snapshot: Snapshot) -> None:
    """An ad without a probability takes part with the value 0, and is worth nothing when seen by the click."""
    tally = SlotTally(snapshot)
    row = snapshot.row_of["a0"]
    tally.answered(ranked(snapshot, [row], [float("nan")], 1.0), np.empty(0, np.int32))
    tally.seen(row, float("nan"))
    ended = tally.end()
    assert (ended.opportunities.sum(), ended.value.sum(), ended.reward.sum()) == (1, 0.0, 0.0)


request = st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1, width=32)), unique_by=lambda one: one[0], max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(st.tuples(request, st.floats(0.1, 1)), max_size=5))
def test_sums_are_those_of_a_loop(snapshot: Snapshot, requests: list[tuple[list[tuple[int, float]], float]]) -> None:
    """Over any requests: to the last bit what a loop over campaigns and their best ads adds up."""
    tally, count = SlotTally(snapshot), len(snapshot.campaigns)
    taken, won, bid, value = (np.zeros(count) for _ in range(4))
    for told, alpha in requests:
        entered = ranked(snapshot, [row for row, _ in told], [ctr for _, ctr in told], alpha)
        tally.answered(entered, entered.ad[:2])
        worth = ecpm_of(entered.ctr, snapshot.bid[entered.ad], snapshot.billing_click[entered.ad])
        seen: set[int] = set()
        for place, number in enumerate(snapshot.campaign[entered.ad].tolist()):
            if number not in seen:
                taken[number] += 1
                bid[number] += entered.ecpm[place] / 1000
                value[number] += worth[place] / 1000
            seen.add(number)
            won[number] += place < 2
    ended = tally.end()
    assert ended.opportunities.tolist() == taken.tolist()
    assert ended.won.tolist() == won.tolist()
    assert (ended.bid.tolist(), ended.value.tolist()) == (bid.tolist(), value.tolist())
