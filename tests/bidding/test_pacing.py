"""Laws of multiplicative pacing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.bidding import Pace, PacingRule, paced, wanted_share

RULE = PacingRule()
shares = st.floats(0.0, 1.0)
alphas = st.floats(0.1, 1.0)


def one(alpha: float, spent: float, planned: float) -> Pace:
    """One campaign that has followed its plan so far."""
    a = np.array([alpha])
    return Pace(alpha=a, spent=np.array([spent]), planned=np.array([planned]), recent=0 * a, recent_wanted=0 * a)


def move(pace: Pace, spent: float, planned: float) -> float:
    """alpha after one control slot."""
    return float(paced(pace, np.array([spent]), np.array([planned]), RULE).alpha[0])


@given(alpha=alphas, spent=shares, planned=st.floats(0, 0.99), step=shares)
def test_spending_as_wanted_moves_nothing(alpha: float, spent: float, planned: float, step: float) -> None:
    """Whoever spends what is left in proportion to the traffic that is left keeps alpha."""
    due = min(planned + step, 1.0)
    wanted = float(wanted_share(np.array([spent]), np.array([planned]), np.array([due]))[0])
    assert move(one(alpha, spent, planned), spent + wanted, due) == pytest.approx(alpha, abs=1e-9)


@given(alpha=st.floats(0.2, 0.9), planned=st.floats(0, 0.9), step=st.floats(0.001, 0.1), off=st.floats(0.001, 1))
def test_overspending_lowers_and_underspending_raises(alpha: float, planned: float, step: float, off: float) -> None:
    """More than wanted lowers alpha, less raises it."""
    pace = one(alpha, planned, planned)
    assert move(pace, planned + step * (1 + off), planned + step) < alpha
    assert move(pace, planned + step * (1 - off), planned + step) > alpha


@given(alpha=alphas, planned=st.floats(0, 0.9), step=st.floats(0, 0.1), a=shares, b=shares)
def test_who_spends_more_never_bids_more(alpha: float, planned: float, step: float, a: float, b: float) -> None:
    """alpha falls (or stays) as spending grows, all else equal."""
    pace = one(alpha, planned, planned)
    low, high = sorted((planned + a, planned + b))
    assert move(pace, high, planned + step) <= move(pace, low, planned + step)


@given(alpha=alphas, spent=shares, planned=shares, more=st.floats(0, 5), due=st.floats(-0.5, 1))
def test_alpha_stays_within_its_bounds(alpha: float, spent: float, planned: float, more: float, due: float) -> None:
    """Nobody bids above its bid, nobody below a tenth of it, whatever is reported."""
    assert RULE.lowest <= move(one(alpha, spent, planned), spent + more, due) <= 1.0


@given(alpha=alphas, planned=shares, spent=shares, more=shares)
def test_no_traffic_due_moves_nothing(alpha: float, planned: float, spent: float, more: float) -> None:
    """Without plan time there is no verdict."""
    assert move(one(alpha, spent, planned), spent + more, planned) == pytest.approx(alpha)


def test_the_law_is_the_same_for_long_and_short_control_slots() -> None:
    """A steady overspending of 30 % moves alpha about as far in 10 slots as in 1,000."""
    ends = []
    for slots in (10, 1000):
        pace = Pace.start(np.array([0.9]))
        for k in range(1, slots + 1):
            due = 0.2 * k / slots
            pace = paced(pace, np.array([1.3 * due]), np.array([due]), RULE)
        ends.append(float(pace.alpha[0]))
    assert ends[0] == pytest.approx(ends[1], rel=0.1)
    assert ends[1] < 0.8


def test_a_batch_of_campaigns_equals_a_loop() -> None:
    """Pacing C campaigns together is pacing each alone."""
    random = np.random.default_rng(3)
    together = Pace.start(random.uniform(0.1, 1, 7))
    alone = [Pace.start(together.alpha[c : c + 1]) for c in range(7)]
    spent = np.zeros(7)
    for planned in np.linspace(0.05, 1, 20):
        spent = spent + random.uniform(0, 0.1, 7)
        due = np.full(7, planned)
        together = paced(together, spent, due, RULE)
        alone = [paced(pace, spent[c : c + 1], due[c : c + 1], RULE) for c, pace in enumerate(alone)]
    np.testing.assert_allclose(together.alpha, [pace.alpha[0] for pace in alone], rtol=1e-12)


@pytest.mark.parametrize("wrong", [{"gain": 0.0}, {"memory": -1.0}, {"lowest": 0.0}, {"lowest": 1.5}])
def test_dials_that_cannot_steer_are_refused(wrong: dict[str, float]) -> None:
    """A rule without gain, memory or room is an error."""
    with pytest.raises(ValueError, match="cannot steer"):
        PacingRule(**wrong)
