"""GPP: the string of the IAB Global Privacy Platform, which holds the strings of many laws.

    header ~ section ~ section ...

The header is a type, a version, and the ids of the sections in rising order: each the distance from the one before, in
Fibonacci code, or a range of them.
"""

from adcascade.server.privacy.bits import Bits, UnreadableError

TYPE, VERSION = 3, 1
TCF_EU, US_PRIVACY = 2, 6  # ids of sections
MOST = 64  # sections of one string


def parse_gpp(text: str) -> dict[int, str]:
    """The sections by id, still encoded; UnreadableError where header and sections do not agree."""
    header, *sections = text.split("~")
    ids = _ids(Bits(header))
    if len(ids) != len(sections):
        raise UnreadableError(f"the header names {len(ids)} sections; {len(sections)} are there")
    return dict(zip(ids, sections, strict=True))


def _ids(bits: Bits) -> list[int]:
    if (kind := bits.number(6)) != TYPE or (version := bits.number(6)) != VERSION:
        raise UnreadableError(f"type {kind} or its version is not known" if kind != TYPE else f"version {version}")
    ids: list[int] = []
    last = 0
    for _ in range(bits.number(12)):
        several = bits.flag()
        first = last + bits.fibonacci()
        last = first + bits.fibonacci() if several else first
        if last - first + len(ids) >= MOST:
            raise UnreadableError(f"more than {MOST} sections")
        ids.extend(range(first, last + 1))
    return ids
