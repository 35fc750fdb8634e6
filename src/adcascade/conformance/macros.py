"""The substitution macros of OpenRTB 2.6, section 4.4, and how an exchange fills them."""

import base64
from collections.abc import Mapping
from functools import reduce

NAMES = "ID BID_ID IMP_ID SEAT_ID AD_ID PRICE CURRENCY MBR LOSS MIN_TO_WIN MULTIPLIER IMP_TS"
MACROS = tuple(f"AUCTION_{name}" for name in NAMES.split())


def filled(text: str, values: Mapping[str, str]) -> str:
    """Replace `${NAME}` and `${NAME:B64}`; a macro without a value becomes empty."""
    written = [(f"${{{name}}}", values.get(name, "")) for name in MACROS]
    written += [(f"${{{name}:B64}}", base64.b64encode(values.get(name, "").encode()).decode()) for name in MACROS]
    return reduce(lambda so_far, pair: so_far.replace(*pair), written, text)
