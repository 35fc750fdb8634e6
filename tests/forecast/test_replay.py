"""A bid on the logged pages: more is never less, nobody pays above the bid, caps hold for every user."""

from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.forecast.test_bars import entries
from tests.forecast.world import RULES, log_of, records_of

from adcascade.catalog.nouns import CapLevel, FrequencyCap
from adcascade.forecast.replay import Entries, replay, within_caps

LOG = log_of(records_of(11, 300))
MINE = entries(LOG, [], 2, RULES)[0]
LEVELS: list[CapLevel] = ["campaign", "advertiser", "ad"]
Views = list[tuple[int, int, int, bool]]


@settings(deadline=None, max_examples=30)
@given(low=st.integers(1, 2_000_000), more=st.integers(0, 2_000_000), rule=st.sampled_from(["gsp", "vcg"]))
def test_a_higher_bid_never_loses(low: int, more: int, rule: str) -> None:
    """Page by page: the slot is as good or better, the spend as high or higher; no price is above the bid."""
    one, other = (replay(MINE, np.full(len(MINE.at), float(bid)), rule) for bid in (low, low + more))
    assert ((one.slot < 0) | ((other.slot >= 0) & (other.slot <= one.slot))).all()
    assert (other.clicks >= one.clicks - 1e-12).all()
    assert (one.spend <= one.clicks * low + 1e-6).all()
    if rule == "gsp":
        assert one.spend.sum() <= other.spend.sum() * (1 + 1e-9) + len(MINE.at)  # prices are whole micros


@settings(deadline=None, max_examples=60)
@given(
    views=st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 2), st.integers(0, 1), st.booleans()), max_size=40),
    caps=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 20), st.sampled_from(LEVELS)), min_size=1, max_size=3),
)
def test_caps_are_kept_as_by_hand(views: Views, caps: list[tuple[int, int, CapLevel]]) -> None:
    """View by view, each cap counted over all earlier views of the user; to nobody nothing is shown."""
    time_us = np.cumsum([gap * 1_000_000 for gap, _, _, _ in views], dtype=np.int64)
    user, ad = (np.array([view[n] for view in views], np.int64) for n in (1, 2))
    wanted = np.array([view[3] for view in views], np.bool_)
    told = tuple(FrequencyCap(impressions=most, window_s=window, level=level) for most, window, level in caps)
    nothing = np.zeros(len(views))
    one = Entries(
        at=np.arange(len(views)), time_us=time_us, user=user, seen=wanted, ctr=nothing, cvr=nothing, ad=ad, bid=nothing,
        bar=nothing[:, None], factor=np.ones(1), per_click=True, caps=told,
    )  # fmt: skip
    shown = wanted.copy()
    within_caps(one, shown)
    seen: dict[tuple[int, int], list[int]] = defaultdict(list)
    for n in range(len(views)):
        here = bool(wanted[n]) and user[n] >= 0
        for cap in told:
            ads = (int(ad[n]),) if cap.level == "ad" else (0, 1)
            past = [at for which in ads for at in seen[int(user[n]), which]]
            here = here and sum(int(time_us[n]) - at < cap.window_s * 1_000_000 for at in past) < cap.impressions
        if here:
            seen[int(user[n]), int(ad[n])].append(int(time_us[n]))
        assert shown[n] == here
