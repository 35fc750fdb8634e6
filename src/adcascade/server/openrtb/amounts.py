"""Amounts: CPMs of an exchange's currency and micros of ours, in exact decimals.

A float stands for the shortest decimal that reads as it: 0.1 is one tenth. Floors are rounded up and offers down, so a
bid never lies below a floor and never above what its advertiser pays.
"""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

MICRO = Decimal(1_000_000)
WHOLE = Decimal(1)
EXACT = 10**15  # below it a float stands for one decimal of 15 digits only


def floor_micros(floor: float | None, rate: Decimal) -> int:
    """A floor per thousand impressions as micros of our currency, rounded up. rate: of its currency.

    >>> floor_micros(0.1, Decimal(1)), floor_micros(1.0, Decimal("0.3"))
    (100000, 3333334)
    """
    if not floor:
        return 0
    if rate is WHOLE and (micros := round(floor * 1_000_000)) < EXACT and micros / 1_000_000 == floor:
        return micros  # it has no more than six digits behind the point
    return int((Decimal(repr(floor)) * MICRO / rate).quantize(WHOLE, ROUND_CEILING))


def offer(micros: int, rate: Decimal) -> float:
    """Micros per thousand impressions as a CPM in the currency of the rate, rounded down to its micros.

    >>> offer(3_333_334, Decimal("0.3"))
    1.0
    """
    if rate is WHOLE:
        return micros / 1_000_000  # correctly rounded, as the decimal below
    return float((Decimal(micros) * rate).quantize(WHOLE, ROUND_FLOOR) / MICRO)


def rate_of(currency: str, own: str, rates: Mapping[str, float]) -> Decimal | None:
    """Units of a currency for one unit of our own; None where nobody said."""
    if currency == own:
        return WHOLE
    rate = rates.get(currency)
    return None if rate is None else Decimal(repr(rate))
