"""Amounts are exact: a bid never lies below the floor that it answers, nor above what its advertiser pays."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from adcascade.server.openrtb.amounts import floor_micros, offer, rate_of

MONEY = st.decimals(0, 10_000, places=6).map(float)
RATES = st.decimals(Decimal("0.001"), 1000, places=4)


@given(floor=MONEY, rate=RATES)
def test_a_floor_is_the_least_that_reaches_it(floor: float, rate: Decimal) -> None:
    """In the floor's currency, by fractions: these micros reach it, one less does not."""
    micros = floor_micros(floor, rate)
    wanted = Fraction(Decimal(repr(floor)))
    assert Fraction(micros, 10**6) * Fraction(rate) >= wanted
    assert micros == 0 or Fraction(micros - 1, 10**6) * Fraction(rate) < wanted


@given(micros=st.integers(0, 10**12), rate=RATES)
def test_an_offer_is_at_most_what_is_paid_and_less_than_a_micro_below(micros: int, rate: Decimal) -> None:
    """In the offer's currency, by fractions."""
    exact = Fraction(micros, 10**6) * Fraction(rate)
    told = Fraction(Decimal(repr(offer(micros, rate))))
    assert 0 <= exact - told < Fraction(1, 10**6)


@given(floor=MONEY, rate=RATES, above=st.integers(0, 1000))
def test_what_reaches_the_floor_here_reaches_it_there(floor: float, rate: Decimal, above: int) -> None:
    """A price of at least the floor's micros, written in the floor's currency, is at least the floor."""
    assert offer(floor_micros(floor, rate) + above, rate) >= floor


def test_a_currency_without_a_rate_has_none() -> None:
    """Our own is one; others as they are told."""
    assert rate_of("USD", "USD", {}) == 1
    assert rate_of("EUR", "USD", {"EUR": 0.1}) == Decimal("0.1")
    assert rate_of("JPY", "USD", {"EUR": 0.1}) is None


@given(floor=MONEY | st.floats(0, 1e9), micros=st.integers(0, 10**15))
def test_our_own_currency_is_exact_without_decimals(floor: float, micros: int) -> None:
    """Floors and offers at our own rate are those at a rate of one that somebody told, which takes the long way."""
    own, told = rate_of("USD", "USD", {}), Decimal("1.0")
    assert own is not None
    assert floor_micros(floor, own) == floor_micros(floor, told)
    assert offer(micros, own) == offer(micros, told)
