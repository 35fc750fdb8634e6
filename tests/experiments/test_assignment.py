"""Assignment: chance sends each unit to an arm once, and it stays there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.errors import InputError
from adcascade.experiments.assignment import Assignment, hash_of, place_of
from adcascade.experiments.experiment import (
    Allocation,
    Experiment,
    Variant,
    arm_at,
    checked,
    checked_shares,
    chosen,
    even_shares,
    variant_of,
)

PLAN = Experiment(name="plan", variants=(Variant(name="a"), Variant(name="b"), Variant(name="c")))
allocations = st.lists(
    st.lists(st.floats(0.01, 1), min_size=3, max_size=3).map(lambda w: tuple(x / sum(w) for x in w)), min_size=1
)


def first(shares: tuple[float, ...] = (0.5, 0.3, 0.2), experiment: Experiment = PLAN) -> Assignment:
    """Before anybody came."""
    return Assignment(experiment, (Allocation(number=1, from_us=0, shares=shares),), {})


@given(moves=allocations, users=st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=30))
def test_who_came_once_keeps_the_arm_whatever_the_allocation_becomes(
    moves: list[tuple[float, ...]], users: list[str]
) -> None:
    """Also through a restart at any moment, by the pins that were kept."""
    assignment = first()
    arms = {user: assignment.exposure(user, "r")[0] for user in users}
    for number, shares in enumerate(moves, 2):
        assignment.allocate(Allocation(number=number, from_us=number, shares=shares))
        assert {user: assignment.exposure(user, "r")[0] for user in users} == arms
    again = Assignment(PLAN, tuple(assignment.allocations.values()), assignment.take_fresh())
    assert {user: again.exposure(user, "r")[0] for user in users} == arms
    assert not again.fresh


def test_the_exposures_of_the_log_are_pins_too() -> None:
    """What the store had not got is recalled; the first exposure of a unit decides, and strangers are passed over."""
    before = first()
    told = [before.exposure(f"u{n}", "r")[1] for n in range(200)]
    moved = Allocation(number=2, from_us=1, shares=(0.0, 0.0, 1.0))
    after = Assignment(PLAN, (before.current, moved), {})
    for exposure in told:
        after.recall(exposure)
    other = Assignment(PLAN, (before.current,), {}).exposure("stranger", "r")[1]
    after.recall(type(other)(**{**{f: getattr(other, f) for f in other.__struct_fields__}, "experiment": "another"}))
    assert [after.exposure(f"u{n}", "r")[1] for n in range(200)] == told
    assert len(after.fresh) == 200
    assert after.exposure("new", "r")[1].arm == "c"


def test_shares_are_kept_by_users_and_by_requests() -> None:
    """20,000 of them: each arm within 1.5 points of its share; the experiment's name mixes them anew."""
    assignment = first()
    arms = np.array([assignment.exposure(f"u{n}", "r")[0] for n in range(20_000)])
    assert np.abs(np.bincount(arms) / 20_000 - (0.5, 0.3, 0.2)).max() < 0.015
    other = np.array([arm_at(place_of(hash_of("other", f"u{n}")), (0.5, 0.3, 0.2)) for n in range(20_000)])
    assert abs(np.mean(arms == other) - (0.25 + 0.09 + 0.04)) < 0.015


def test_without_consent_the_request_is_the_unit_and_nothing_is_kept() -> None:
    """No user key: each request falls anew, and no pin is made; likewise where requests were asked for."""
    assignment = first()
    exposures = [assignment.exposure(None, f"r{n}")[1] for n in range(100)]
    assert {e.arm for e in exposures} == {"a", "b", "c"}
    assert {e.unit for e in exposures} == {f"r{n}" for n in range(100)}
    by_request = first(experiment=Experiment(name="plan", variants=PLAN.variants, unit="request"))
    assert by_request.exposure("u", "r1")[1].unit == "r1"
    assert not assignment.pins
    assert not by_request.pins


def test_an_exposure_tells_the_chance_that_made_it() -> None:
    """The share of the unit's own arm, under the allocation it came with."""
    assignment = first()
    arm, exposure = assignment.exposure("u", "r")
    assignment.allocate(Allocation(number=2, from_us=1, shares=(1 / 3, 1 / 3, 1 / 3)))
    assert assignment.exposure("u", "r")[1] == exposure
    assert (exposure.share, exposure.allocation, exposure.pinned) == ((0.5, 0.3, 0.2)[arm], 1, True)


@given(place=st.floats(0, 1, exclude_max=True), moves=allocations)
def test_every_place_has_an_arm_that_has_traffic(place: float, moves: list[tuple[float, ...]]) -> None:
    """Rounding never leaves a gap at the end."""
    for shares in moves:
        assert shares[arm_at(place, shares)] > 0
    assert arm_at(place, (1.0, 0.0, 0.0)) == 0


@pytest.mark.parametrize(
    ("arms", "said"),
    [(("a",), "two different"), (("a", "a"), "two different"), (("a", "B c"), "short name")],
)
def test_what_cannot_be_run_is_refused(arms: tuple[str, ...], said: str) -> None:
    """Names, number of arms."""
    with pytest.raises(InputError, match=said):
        checked(Experiment(name="x", variants=tuple(Variant(name=arm) for arm in arms)))


def test_arms_and_shares_are_read_as_commands_write_them() -> None:
    """And what is not so is answered with an example."""
    variant = variant_of("b:bundle=20260101T000000-aaaaaaaa,auction.rule=first_price")
    assert (variant.bundle, variant.settings) == ("20260101T000000-aaaaaaaa", {"auction.rule": "first_price"})
    assert chosen(PLAN, {"c": 0.2, "a": 0.5, "b": 0.3}) == (0.5, 0.3, 0.2)
    assert even_shares(PLAN) == (1 / 3, 1 / 3, 1 / 3)
    for wrong in ({"a": 1.0}, {"a": 0.5, "b": 0.5, "d": 0.0}):
        with pytest.raises(InputError):
            chosen(PLAN, wrong)
    with pytest.raises(InputError, match="sum to 1"):
        checked_shares(PLAN, (0.5, 0.5, 0.5))
    with pytest.raises(InputError, match="reserve_micros"):
        variant_of("b:first_price")
