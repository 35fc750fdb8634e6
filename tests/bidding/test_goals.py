"""Laws of bids from goals: exact, never above the truth, and the bid that was told where nobody knows."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.bidding.goals import goal_bids

MICROS = st.integers(0, 10**15)
CHANCE = st.floats(0, 1, width=32)
NOBODY = st.just(math.nan)
ads = st.tuples(
    MICROS, st.just(-1) | MICROS, st.just(-(2**63)) | MICROS, st.booleans(), NOBODY | CHANCE, NOBODY | CHANCE
)


def bids(many: list[tuple[int, int, int, bool, float, float]]) -> list[int]:
    """By the vectorised function."""
    bid, target, limit, per_click, ctr, cvr = zip(*many, strict=True)
    told, targets, limits = (np.array(values, np.int64) for values in (bid, target, limit))
    clicks, sales = (np.array(values, np.float32) for values in (ctr, cvr))
    found: list[int] = goal_bids(told, targets, limits, np.array(per_click), clicks, sales).tolist()
    return found


def worth(amount: int, per_click: bool, ctr: float, cvr: float) -> int:
    """Micros for one billing event, in Python's own integers."""
    for chance in (cvr,) if per_click else (ctr, cvr):
        amount = amount * math.floor(Fraction(chance) * 10**9) // 10**9
    return amount


def one_by_one(ad: tuple[int, int, int, bool, float, float]) -> int:
    """The twin: one ad, rule by rule."""
    bid, target, limit, per_click, ctr, cvr = ad
    if math.isnan(cvr) or (math.isnan(ctr) and not per_click):
        return bid
    if target >= 0:
        bid = worth(target, per_click, ctr, cvr)
    return bid if limit < 0 else min(bid, worth(limit, per_click, ctr, cvr))


@given(st.lists(ads, min_size=1, max_size=6))
def test_many_at_once_are_one_by_one(many: list[tuple[int, int, int, bool, float, float]]) -> None:
    """The vectorised bids are those of the twin, micro by micro, beside whatever else stands in the request."""
    assert bids(many) == [one_by_one(ad) for ad in many]


@given(MICROS, st.booleans(), CHANCE, CHANCE)
def test_a_target_is_never_exceeded(target: int, per_click: bool, ctr: float, cvr: float) -> None:
    """bid <= target * P(conversion), and no further below than rounding down says."""
    [bid] = bids([(7, target, -1, per_click, ctr, cvr)])
    exact = target * Fraction(cvr) * (1 if per_click else Fraction(ctr))
    assert 0 <= exact - bid < 2 + 2 * Fraction(target, 10**9)


@given(MICROS, MICROS, st.booleans(), CHANCE, CHANCE)
def test_a_margin_limit_only_lowers(bid: int, limit: int, per_click: bool, ctr: float, cvr: float) -> None:
    """Never above the bid that was told; nothing where the product leaves nothing; more margin, no lower bid."""
    limited, nothing, free = bids(
        [(bid, -1, limit, per_click, ctr, cvr), (bid, -1, 0, per_click, ctr, cvr), (bid, -1, -1, per_click, ctr, cvr)]
    )
    assert 0 == nothing <= limited <= free == bid


def test_what_nobody_knows_changes_nothing() -> None:
    """Without cvr, or without ctr where impressions are billed, the told bid stands."""
    nan = math.nan
    assert bids([(7, 100, 50, True, 0.1, nan), (7, 100, 50, False, nan, 0.5), (7, 100, -1, True, nan, 0.5)]) == [
        7,
        7,
        50,
    ]
