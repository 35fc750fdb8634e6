"""Candidates keep their arrays in step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.contracts import Candidates
from adcascade.contracts.candidates import NOTHING, SHARED, UNKNOWN


@given(scores=st.lists(st.floats(-10, 10, width=32), max_size=40), n=st.integers(0, 50))
def test_top_is_the_head_of_a_stable_sort(scores: list[float], n: int) -> None:
    """top(n) equals sorting all by falling score and taking n; equal scores keep their order."""
    candidates = Candidates.of(np.arange(len(scores), dtype=np.int32), np.array(scores, np.float32))
    expected = sorted(range(len(scores)), key=lambda i: -np.float32(scores[i]))[:n]
    assert candidates.top(n).ad.tolist() == expected


def test_what_no_stage_said_is_unknown() -> None:
    """Fresh candidates know their rows alone."""
    fresh = Candidates.of(np.array([3, 1], np.int32))
    assert np.isnan(fresh.ctr).all()
    assert np.isnan(fresh.score).all()
    assert (fresh.slot == -1).all()
    assert (fresh.price == 0).all()
    assert len(fresh) == 2


def test_better_informed_candidates_leave_the_old_ones_alone() -> None:
    """with_ returns new candidates; take keeps all arrays in step."""
    old = Candidates.of(np.array([3, 1, 2], np.int32))
    new = old.with_(ctr=np.array([0.1, 0.2, 0.3], np.float32)).take(np.array([2, 0]))
    assert np.isnan(old.ctr).all()
    assert new.ad.tolist() == [2, 3]
    assert np.allclose(new.ctr, [0.3, 0.1])


@given(n=st.integers(0, 2 * SHARED), seed=st.integers(0, 99))
def test_what_is_unknown_costs_nothing_and_stays_unknown(n: int, seed: int) -> None:
    """However many are taken, in whatever order: unknown arrays have their length, and none is copied while shared."""
    fresh = Candidates.of(np.arange(n, dtype=np.int32))
    places = np.random.default_rng(seed).integers(0, max(n, 1), n // 2)
    taken = fresh.take(places)
    assert taken.ad.tolist() == places.tolist()
    assert len(taken.cvr) == len(taken.price) == len(taken.creative) == len(places)
    assert np.isnan(taken.cvr).all()
    assert not taken.price.any()
    assert (taken.creative == -1).all()
    if n <= SHARED:
        assert taken.cvr.base is UNKNOWN
        assert fresh.take(np.zeros(n, np.bool_)).price.base is NOTHING


def test_nobody_writes_into_what_all_share() -> None:
    """A stage that forgets to copy is stopped."""
    fresh = Candidates.of(np.arange(3, dtype=np.int32))
    with pytest.raises(ValueError, match="read-only"):
        fresh.slot[0] = 1
