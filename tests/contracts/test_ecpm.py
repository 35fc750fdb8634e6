"""Laws of the exact arithmetic of eCPM."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.contracts.ecpm import BILLION, ecpm_of, least_amount, least_bid, parts_per_billion, share_of

probabilities = st.floats(0.0, 1.0, width=32)
bids = st.integers(0, 9 * 10**15)
parts = st.integers(1, BILLION)


@given(p=probabilities)
def test_parts_per_billion_is_the_exact_floor(p: float) -> None:
    """A float32 probability is counted in parts per billion as exact arithmetic would."""
    assert parts_per_billion(np.float32(p)) == floor(Fraction(float(np.float32(p))) * BILLION)


def test_no_probability_counts_as_nothing_and_excess_is_clipped() -> None:
    """NaN is 0; what lies outside [0, 1] is taken as its end."""
    assert parts_per_billion(np.array([np.nan, -0.5, 1.5, np.inf, -np.inf])).tolist() == [0, 0, BILLION, BILLION, 0]


@given(amount=st.integers(0, 9 * 10**18), share=st.integers(0, BILLION))
def test_share_is_exact_where_float_is_not(amount: int, share: int) -> None:
    """share_of equals the floor of unlimited integers over the whole range of int64."""
    assert share_of(np.array([amount]), share)[0] == amount * share // BILLION


@given(amount=st.integers(0, 9 * 10**18), share=parts)
def test_least_amount_is_the_inverse_of_share(amount: int, share: int) -> None:
    """The least amount reaches the share, one less does not, and it is at most any amount that does."""
    reached = share_of(np.array([amount]), share)
    least = int(least_amount(reached, share)[0])
    assert least <= amount
    assert least * share // BILLION >= reached[0]
    assert least == 0 or (least - 1) * share // BILLION < reached[0]


@given(ctr=probabilities, bid=bids, per_click=st.booleans())
def test_ecpm_equals_unlimited_integers(ctr: float, bid: int, per_click: bool) -> None:
    """Per click floor(ppb(ctr) * 1000 bid / 10^9), per impression 1000 bid."""
    got = ecpm_of(np.array([ctr], np.float32), np.array([bid]), np.array([per_click]))[0]
    ppb = floor(Fraction(float(np.float32(ctr))) * BILLION)
    assert got == (ppb * bid * 1000 // BILLION if per_click else bid * 1000)


@given(ctr=probabilities, bid=bids)
def test_ecpm_is_within_a_part_per_million_of_the_bid_from_the_formula(ctr: float, bid: int) -> None:
    """floor(ctr * bid * 1000) and the counted one differ by less than bid / 10^6 + 1 micros, and never upwards."""
    got = int(ecpm_of(np.array([ctr], np.float32), np.array([bid]), np.array([True]))[0])
    formula = Fraction(float(np.float32(ctr))) * bid * 1000
    assert 0 <= formula - got < Fraction(bid, 10**6) + 1


def test_an_unknown_ad_is_worth_nothing() -> None:
    """NaN ctr gives 0, per click and per impression."""
    nan = np.full(2, np.nan, np.float32)
    assert ecpm_of(nan, np.array([10**6, 10**6]), np.array([True, False])).tolist() == [0, 0]


@given(ctr=st.floats(2**-20, 1.0, width=32), bid=bids, per_click=st.booleans(), wanted=st.floats(0, 1))
def test_least_bid_reaches_the_ecpm_and_one_micro_less_does_not(
    ctr: float,
    bid: int,
    per_click: bool,
    wanted: float,
) -> None:
    """The inverse is exact, and never above a bid that reaches it."""
    p, click = np.array([ctr], np.float32), np.array([per_click])
    reached = ecpm_of(p, np.array([bid]), click)
    target = np.array([int(int(reached[0]) * Fraction(wanted))])
    least = least_bid(target, parts_per_billion(p), click)
    assert least[0] <= bid
    assert ecpm_of(p, least, click)[0] >= target[0]
    assert least[0] == 0 or ecpm_of(p, least - 1, click)[0] < target[0]


@given(ctr=st.floats(2**-20, 1.0, width=32), ecpm=st.integers(0, 10**12))
def test_least_bid_is_the_known_formula_of_gsp(ctr: float, ecpm: int) -> None:
    """Per click it is ceil(eCPM / (1000 ctr)), up to the counting of ctr in parts per billion."""
    ppb = parts_per_billion(np.array([ctr], np.float32))
    least = int(least_bid(np.array([ecpm]), ppb, np.array([True]))[0])
    assert least == ceil(Fraction(ecpm * BILLION, int(ppb[0]) * 1000))
