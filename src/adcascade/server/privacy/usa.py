"""The laws of US states: the old US Privacy string, and the sections of GPP for the nation and its states.

A section is a version, notices and choices of two bits each: 1 means opted out. Where the choices lie differs by the
number of notices before them. A later segment may hold the browser's Global Privacy Control.
"""

import re

from adcascade.server.privacy.bits import Bits, UnreadableError

US_PRIVACY = re.compile(r"1[YN-]{3}", re.IGNORECASE)
OPTED_OUT = 1
GPC_SEGMENT = 1
NATIONAL, CALIFORNIA, UTAH, IOWA, LAST = 7, 8, 11, 18, 24
NOTICES = {NATIONAL: 6, UTAH: 4, IOWA: 4}  # two-bit fields between the version and the choices; other states: 3
CHOICES = {NATIONAL: 3}  # sale, sharing, targeted advertising; states: sale, and sharing or targeted advertising
VERSIONS = {NATIONAL: (1, 2)}
SECTIONS = range(NATIONAL, LAST + 1)


def sale_refused(us_privacy: str) -> bool:
    """Whether a US Privacy string opts out of sale ("1YYN"); UnreadableError where it is none."""
    if not US_PRIVACY.fullmatch(us_privacy):
        raise UnreadableError("expected four letters such as 1YNN")
    return us_privacy[2] in "yY"


def refuses(section: int, text: str) -> bool:
    """Whether a state's section opts out of sale, sharing or targeting; UnreadableError where it is damaged."""
    core, *segments = text.split(".")
    bits = Bits(core)
    if (version := bits.number(6)) not in VERSIONS.get(section, (1,)):
        raise UnreadableError(f"section {section} has version {version}")
    bits.number(2 * NOTICES.get(section, 3))
    choices = [bits.number(2) for _ in range(CHOICES.get(section, 2))]
    return OPTED_OUT in choices or any(_controlled(segment) for segment in segments)


def _controlled(segment: str) -> bool:
    bits = Bits(segment)
    return bits.number(2) == GPC_SEGMENT and bits.flag()
