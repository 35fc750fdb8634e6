"""What an exchange or a player puts into the URL of a notice: filled macros, each read on its own.

A macro that nobody filled, or filled with what it cannot be, is as if it were not there: no notice is refused for it.
"""

import math
from collections.abc import Mapping

from adcascade.cascade.answer import NoticeKind
from adcascade.server.backend import IncomingNotice
from adcascade.server.openrtb.amounts import WHOLE, floor_micros

LARGEST = 1e9  # a CPM, a ratio or a multiplier
LONGEST = 256  # characters of a name
LOSSES = 9_999  # loss reasons; from 1000 on the exchange's own
CURRENCY = 3  # letters
MILLISECOND = 1_000
LATEST = 2**53  # milliseconds since 1970


def read_notice(kind: NoticeKind, token: str, time_us: int, query: Mapping[str, str]) -> IncomingNotice:
    """The notice that a URL's query tells."""
    currency = query.get("cur", "")
    code = _whole(query.get("code" if kind == "error" else "loss", ""), LOSSES)
    seen = _whole(query.get("seen", ""), LATEST)
    return IncomingNotice(
        kind=kind,
        token=token,
        time_us=time_us,
        price_micros=_micros(query.get("price", "")),
        currency=currency if len(currency) == CURRENCY and currency.isascii() and currency.isalpha() else "",
        seat=_name(query.get("seat", "")),
        loss=code,
        min_to_win_micros=_micros(query.get("min", "")),
        bid_ratio=_number(query.get("mbr", "")),
        multiplier=_number(query.get("multiplier", "")),
        seen_us=None if seen is None else seen * MILLISECOND,
    )


def _name(text: str) -> str:
    return "" if text.startswith("${") else text[:LONGEST]


def _whole(text: str, most: int) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    return int(text) if int(text) <= most else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= LARGEST else None


def _micros(text: str) -> int | None:
    value = _number(text)
    return None if value is None else floor_micros(value, WHOLE)
