"""Amounts as people write them: units of the currency with a point, exactly; the books keep micros."""

from decimal import Decimal, InvalidOperation

from adcascade.errors import InputError

UNIT = 1_000_000


def micros_of(amount: str) -> int:
    """Micros of an amount in units; InputError where it is none, or finer than a micro.

    >>> micros_of("12.50")
    12500000
    """
    try:
        micros = Decimal(amount) * UNIT
        whole = int(micros)
    except (InvalidOperation, ValueError, OverflowError):
        raise InputError("amount", amount, "units of the currency, as 12.50") from None
    if whole != micros or not 0 < whole < 2**62:
        raise InputError("amount", amount, "more than 0, with at most six decimals")
    return whole


def units(micros: int) -> str:
    """Micros as people write them, exactly, with at least two decimals.

    >>> units(1_234_500_000), units(-123)
    ('1,234.50', '-0.000123')
    """
    sign, (whole, rest) = "-" if micros < 0 else "", divmod(abs(micros), UNIT)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole:,}.{decimals}"
