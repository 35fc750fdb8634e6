"""The compiled pass over bids says what the laws of money say."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.contracts.bids import paced_bids
from adcascade.contracts.ecpm import ecpm_of, parts_per_billion
from adcascade.contracts.worth import ecpms_of, parts_of, worth_of

probabilities = st.one_of(st.sampled_from([0.0, 1.0, np.nan, 1.5, -0.5]), st.floats(0, 1, width=32))
ads = st.tuples(probabilities, st.integers(0, 9 * 10**15), st.booleans(), st.integers(-1, 5))


@dataclass(frozen=True)
class Books:
    """The money side of a catalog."""

    campaign: NDArray[np.int32]
    bid: NDArray[np.int64]
    billing_click: NDArray[np.bool_]


@given(
    told=st.lists(ads, max_size=20),
    alpha=st.lists(st.floats(1e-9, 1.0), max_size=4),
    seed=st.integers(0, 99),
    own=st.booleans(),
)
def test_worth_is_the_paced_bid_and_its_ecpm(
    told: list[tuple[float, int, bool, int]], alpha: list[float], seed: int, *, own: bool
) -> None:
    """Of any rows, with any pacing, of the catalog's bids or of given ones: the same whole numbers as the twins."""
    ctr, bid, per_click, campaign = (list(column) for column in zip(*told, strict=True)) if told else ([], [], [], [])
    books = Books(np.array(campaign, np.int32), np.array(bid, np.int64), np.array(per_click, np.bool_))
    ad = np.random.default_rng(seed).integers(0, max(len(told), 1), len(told)).astype(np.int32)
    p, factor = np.array(ctr, np.float32), np.array(alpha, np.float64)
    given_bid = books.bid[ad] // 2 if own else None
    paced = paced_bids(books.bid[ad] if given_bid is None else given_bid, books.campaign[ad], factor)
    found = worth_of(ad, p, books, factor, given_bid)
    assert found[0].tolist() == paced.tolist()
    assert found[1].tolist() == ecpm_of(p, paced, books.billing_click[ad]).tolist()


@given(told=st.lists(ads, max_size=20))
def test_ecpm_and_parts_compiled_are_the_laws(told: list[tuple[float, int, bool, int]]) -> None:
    """The same whole numbers for any probability, bid and billing."""
    ctr, bid, per_click, _ = (list(column) for column in zip(*told, strict=True)) if told else ([], [], [], [])
    p, own, click = np.array(ctr, np.float32), np.array(bid, np.int64), np.array(per_click, np.bool_)
    assert ecpms_of(p, own, click).tolist() == ecpm_of(p, own, click).tolist()
    assert parts_of(p).tolist() == parts_per_billion(p).tolist()
