"""Laws of the bidding stage."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.bidding import BiddingStage, FixedPacer
from adcascade.contracts import AdRequest, Batch, Candidates, Opportunity, Slot, Stage
from adcascade.contracts.bids import paced_bids
from adcascade.contracts.ecpm import ecpm_of


@dataclass
class Book:
    """Bids by row."""

    campaign: NDArray[np.int32]
    bid: NDArray[np.int64]
    billing_click: NDArray[np.bool_]


BOOK = Book(
    campaign=np.array([0, 0, 1, 2, 2, 3], np.int32),
    bid=np.array([100, 300, 200, 10**12, 50, 70], np.int64) * 1000,
    billing_click=np.array([True, True, True, True, False, True]),
)


def opportunity() -> Opportunity:
    """Any request."""
    batch = Batch(
        ids=np.zeros((1, 0), np.int64),
        dense=np.zeros((1, 0), np.float32),
        history=np.zeros((1, 0, 1), np.int64),
        history_length=np.zeros(1, np.int64),
        scenario=np.zeros(1, np.int64),
    )
    request = AdRequest(id="r", time_us=0, slots=(Slot(id="0"),))
    return Opportunity(request=request, seen={}, features=batch, random=np.random.default_rng(0))


def candidates(ctr: list[float]) -> Candidates:
    """The rows of the book with these click probabilities."""
    return Candidates.of(np.arange(len(ctr), dtype=np.int32)).with_(ctr=np.array(ctr, np.float32))


def test_it_is_a_stage_and_ranks_by_ecpm() -> None:
    """Bid and ecpm are set, order is falling ecpm in whole micros, an unknown ctr comes last."""
    stage = BiddingStage(BOOK, FixedPacer())
    assert isinstance(stage, Stage)
    ranked = stage(opportunity(), candidates([0.1, 0.1, 0.5, float("nan"), 0.01, 0.0]))
    assert ranked.ad.tolist()[:4] == [2, 4, 1, 0]
    assert ranked.bid.tolist() == BOOK.bid[ranked.ad].tolist()
    assert ranked.ecpm.tolist() == sorted(ranked.ecpm.tolist(), reverse=True)
    np.testing.assert_array_equal(ranked.ecpm, ecpm_of(ranked.ctr, ranked.bid, BOOK.billing_click[ranked.ad]))
    assert ranked.ecpm.tolist()[-2:] == [0, 0]


def test_order_is_decided_where_float32_sees_no_difference() -> None:
    """Two eCPM that are one float32 apart in no digit are still told apart."""
    book = Book(
        campaign=np.zeros(2, np.int32),
        bid=np.array([10**12, 10**12 + 1], np.int64),
        billing_click=np.array([False, False]),
    )
    ranked = BiddingStage(book, FixedPacer())(opportunity(), candidates([0.5, 0.5]))
    assert ranked.score[0] == ranked.score[1]
    assert ranked.ad.tolist() == [1, 0]


def test_alpha_is_the_campaigns() -> None:
    """Each ad's bid is multiplied by its campaign's factor; a campaign beyond the pacer's list bids in full."""
    pacer = SimpleNamespace(alpha=np.array([0.5, 0.25]))
    ranked = BiddingStage(BOOK, pacer)(opportunity(), candidates([0.1] * 6))
    paid = dict(zip(ranked.ad.tolist(), ranked.bid.tolist(), strict=True))
    assert paid == {0: 50_000, 1: 150_000, 2: 50_000, 3: 10**15, 4: 50_000, 5: 70_000}


@given(bid=st.lists(st.integers(0, 9 * 10**15), min_size=1, max_size=5), alpha=st.floats(0, 1))
def test_no_bid_is_raised(bid: list[int], alpha: float) -> None:
    """floor(alpha bid) is at most the bid, and the bid itself at alpha 1, for all of int64."""
    bids, campaign = np.array(bid, np.int64), np.zeros(len(bid), np.int32)
    assert np.all(paced_bids(bids, campaign, np.array([alpha])) <= bids)
    assert paced_bids(bids, campaign, np.array([1.0])).tolist() == bid
