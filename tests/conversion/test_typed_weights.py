"""The table of fixed points: where each loss has its minimum when the auxiliary models are right."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.conversion import typed_weights as tw
from adcascade.conversion.delayed_stream import IMMEDIATE, LATE, NEGATIVE
from adcascade.conversion.typed_weights import Rule, Seen, answer_of_fnc, fixed_point

TABLE = [  # q, r: Vanilla, Vanilla-Win, DEFUSE with z := 0, released
    (0.20, 0.3, 0.140, 0.1887, 0.1861, 0.3289),
    (0.05, 0.6, 0.020, 0.0485, 0.0477, 0.0947),
    (0.40, 0.1, 0.360, 0.3846, 0.3837, 0.5671),
]
share = st.floats(0.01, 0.9)


def population(q: float, r: float, *, late: bool = True, window: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Mass and kind of immediate positives, fake negatives, real negatives and late positives, per click."""
    r = r if window else 1.0  # without a window every conversion is late
    mass = np.array([q * (1 - r), q * r, 1 - q, q * r if late else 0.0])
    return mass, np.array([IMMEDIATE, NEGATIVE, NEGATIVE, LATE])


def seen_by(q: float, r: float, kind: np.ndarray) -> Callable[[float], Seen]:
    """Exact auxiliary models beside a main model that says f."""
    ones = np.ones(len(kind))
    rn = (1 - q) / (1 - q + q * r)
    return lambda f: Seen(kind=kind, f=f * ones, f_dp=q * r * ones, f_rn=rn * ones, late=r * ones)


def settled(q: float, r: float, rule: Rule, *, late: bool = True, window: bool = True) -> float:
    """The fixed point of a rule on its stream."""
    mass, kind = population(q, r, late=late, window=window)
    return fixed_point(mass, rule, seen_by(q, r if window else 1.0, kind))


@pytest.mark.parametrize("line", TABLE)
def test_the_table_of_fixed_points(line: tuple[float, ...]) -> None:
    """Biased losses settle where the card computed them."""
    q, r, vanilla, win, blind, released = line
    assert settled(q, r, tw.plain, late=False) == pytest.approx(vanilla, abs=1e-4)
    assert settled(q, r, tw.plain) == pytest.approx(win, abs=1e-4)
    assert settled(q, r, tw.defuse_blind) == pytest.approx(blind, abs=1e-4)
    assert settled(q, r, tw.released) == pytest.approx(released, abs=1e-4)


@given(share, share)
def test_corrected_losses_settle_at_the_truth(q: float, r: float) -> None:
    """FNW, ES-DFM, DEFUSE with either z, FNC and Bi-DEFUSE, for any rates."""
    assert settled(q, r, tw.fnw, window=False) == pytest.approx(q, abs=1e-4)
    assert settled(q, r, tw.es_dfm) == pytest.approx(q, abs=1e-4)
    assert settled(q, r, tw.defuse) == pytest.approx(q, abs=1e-4)
    b = settled(q, r, tw.plain, window=False)
    assert float(answer_of_fnc(np.array(b))) == pytest.approx(q, abs=1e-3)


@given(share, share)
def test_the_two_heads_of_bi_defuse_settle_at_their_parts(q: float, r: float) -> None:
    """F_IP at q (1 - r), F_DP at q r: the sum is q."""
    mass, kind = population(q, r)
    assert fixed_point(mass, tw.in_window, seen_by(q, r, kind)) == pytest.approx(q * (1 - r), abs=1e-4)
    assert fixed_point(mass, tw.out_of_window, seen_by(q, r, kind)) == pytest.approx(q * r, abs=1e-4)


@given(share, share)
def test_defer_settles_at_the_truth_on_its_doubled_stream(q: float, r: float) -> None:
    """Every click once more with its final label."""
    mass = np.array([q * (1 - r), q * r, 1 - q, q, 1 - q])
    kind = np.array([IMMEDIATE, NEGATIVE, NEGATIVE, LATE, NEGATIVE])
    assert fixed_point(mass, tw.defer, seen_by(q, r, kind)) == pytest.approx(q, abs=1e-4)


@given(share, share)
def test_the_fixed_point_of_defuse_is_a_minimum(q: float, r: float) -> None:
    """Around q the expected loss is larger: a brute-force look."""
    mass, kind = population(q, r)
    positive, negative = tw.defuse(seen_by(q, r, kind)(q))

    def loss(f: float) -> float:
        return float(-(mass * (positive * np.log(f) + negative * np.log(1 - f))).sum())

    assert loss(q) < min(loss(q * 0.98), loss(min(q * 1.02, 0.999)))
