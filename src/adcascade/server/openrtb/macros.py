"""Substitution macros of OpenRTB 2.6, section 4.4: the exchange fills them in markup and notices.

${AUCTION_PRICE}        the value
${AUCTION_PRICE:B64}    the value in base64
${AUCTION_PRICE:X}      with an encoding that we do not know: the value becomes empty
"""

import base64
import re
from collections.abc import Mapping

MACROS = (
    "AUCTION_ID",
    "AUCTION_BID_ID",
    "AUCTION_IMP_ID",
    "AUCTION_SEAT_ID",
    "AUCTION_AD_ID",
    "AUCTION_PRICE",
    "AUCTION_CURRENCY",
    "AUCTION_MBR",
    "AUCTION_LOSS",
    "AUCTION_MIN_TO_WIN",
    "AUCTION_MULTIPLIER",
    "AUCTION_IMP_TS",
)
_MACRO = re.compile(r"\$\{(" + "|".join(MACROS) + r")(?::([A-Za-z0-9_]*))?\}")


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Fill the macros as an exchange does; a macro without a value becomes empty, as the specification asks."""

    def filled(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        match match[2]:
            case None:
                return value
            case "B64":
                return base64.b64encode(value.encode()).decode()
            case _:
                return ""

    return _MACRO.sub(filled, text)
