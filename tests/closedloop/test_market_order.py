"""What the simulator is asked for: by fields, by arguments, and what no run takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.closedloop.market_order import DIALS, MOST_PAIRS, MOST_TICKS, MOST_VIEWS, Order, order_of_texts
from adcascade.errors import InputError


def texts_of(arguments: list[str]) -> dict[str, str]:
    """What the command line makes of arguments."""
    found = {}
    for one in arguments:
        name, _, value = one.removeprefix("--set=").removeprefix("--").partition("=")
        found[name.replace("-", "_")] = value or "yes"
    return found


@given(
    st.fixed_dictionaries({}, optional={"drift": st.floats(0, 10), "users": st.integers(1, 9000)}),
    st.integers(0, 2**31 - 1),
    st.integers(6, 500),
    st.integers(1, MOST_TICKS),
    st.booleans(),
)
def test_an_order_survives_the_command_line(
    dials: dict[str, float], seed: int, warm_up: int, ticks: int, cascade: bool
) -> None:
    """Its arguments mean the same order; dials as usual are left out."""
    turned = {name: value for name, value in dials.items() if value != DIALS[name][1]}
    order = Order(dials=turned, seed=seed, warm_up=warm_up, ticks=ticks, cascade=cascade)
    assert order_of_texts(texts_of(order.arguments())) == order


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({"ads": "100"}, "ads"),
        ({"campaigns": "50"}, "campaigns"),
        ({"life_ticks": "40"}, "life_ticks"),
        ({"ads": "50000", "scenarios": "50"}, "scenarios"),
        ({"views_per_tick": "5000", "ticks": "1000"}, "views_per_tick"),
        ({"base_ctr": "0.5"}, "base_ctr"),
        ({"ticks": "0"}, "ticks"),
        ({"warm_up": "5"}, "warm_up"),
        ({"seed": "-1"}, "seed"),
        ({"cascade": "perhaps"}, "cascade"),
    ],
)
def test_what_no_run_takes_is_said_of_the_field_that_can_mend_it(texts: dict[str, str], field: str) -> None:
    """Alone, or beside the others."""
    with pytest.raises(InputError) as caught:
        order_of_texts(texts)
    assert caught.value.field == field


def test_a_dial_that_there_is_not_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(InputError, match="expected one of users, ads"):
        order_of_texts({"colour": "3"})


@given(st.integers(400, 50_000), st.integers(1, 50), st.floats(0, 5000), st.integers(1, MOST_TICKS))
def test_every_order_that_is_taken_fits_the_memory(ads: int, scenarios: int, views: float, ticks: int) -> None:
    """Ads times scenarios and page views are bounded, and what is refused would have been beyond."""
    texts = {"ads": str(ads), "scenarios": str(scenarios), "views_per_tick": repr(views), "ticks": str(ticks)}
    fits = ads * scenarios <= MOST_PAIRS and views * (72 + ticks) <= MOST_VIEWS
    try:
        order_of_texts(texts)
    except InputError:
        assert not fits
    else:
        assert fits
