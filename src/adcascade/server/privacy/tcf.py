"""TCF: the consent string of the IAB Europe Transparency and Consent Framework, version 2, core segment.

    header | purposes by consent, by legitimate interest | vendors by consent, by interest | publisher's restrictions

A set of vendors is a bit field or a list of ranges; it is kept as it came, since one asks it for a single vendor.
"""

from typing import NamedTuple

from adcascade.server.privacy.bits import Bits, UnreadableError, members

VERSION = 2
PURPOSES = 24
BY_INTEREST = frozenset({2, 7, 8, 9, 10})  # purposes for which a legitimate interest may stand in for consent
NOT_ALLOWED, CONSENT_ONLY, INTEREST_ONLY = 0, 1, 2  # types of restrictions


class Vendors(NamedTuple):
    """A set of vendor ids: bits of the first `width` ids, or ranges with both ends."""

    width: int = 0
    bits: int = 0
    ranges: tuple[tuple[int, int], ...] = ()

    def holds(self, vendor: int) -> bool:
        """Whether the vendor is among them."""
        if 0 < vendor <= self.width and self.bits >> (self.width - vendor) & 1:
            return True
        return any(first <= vendor <= last for first, last in self.ranges)


class Restriction(NamedTuple):
    """What a publisher forbids some vendors."""

    purpose: int
    kind: int
    vendors: Vendors


class TcfConsent(NamedTuple):
    """What a user said, and a publisher beside."""

    consents: frozenset[int]  # purposes
    interests: frozenset[int]  # purposes whose legitimate interest was disclosed and not objected to
    vendors: Vendors
    vendors_by_interest: Vendors
    restrictions: tuple[Restriction, ...]

    def allows(self, purpose: int, vendor: int) -> bool:
        """Whether the vendor may process for the purpose. vendor 0: not in the list, so purposes decide alone."""
        known = vendor != 0
        consent = purpose in self.consents and (not known or self.vendors.holds(vendor))
        interest = purpose in BY_INTEREST and purpose in self.interests
        interest = interest and (not known or self.vendors_by_interest.holds(vendor))
        for restriction in self.restrictions:
            if known and restriction.purpose == purpose and restriction.vendors.holds(vendor):
                consent = consent and restriction.kind == CONSENT_ONLY
                interest = interest and restriction.kind == INTEREST_ONLY
        return consent or interest


def parse_tcf(text: str) -> TcfConsent:
    """The core segment of a consent string; UnreadableError where it is damaged or of another version."""
    bits = Bits(text.partition(".")[0])
    if (version := bits.number(6)) != VERSION:
        raise UnreadableError(f"version {version}; expected {VERSION}")
    bits.number(72)  # when it was made and changed
    bits.number(42)  # by which consent manager, on which screen, in which language
    bits.number(20)  # under which vendor list and policy; for this site alone; with texts of its own
    bits.number(12)  # special features
    consents, interests = bits.number(PURPOSES), bits.number(PURPOSES)
    bits.number(13)  # how purpose 1 is treated, and the publisher's country
    vendors, by_interest = _vendors(bits), _vendors(bits)
    restrictions = tuple([_restriction(bits) for _ in range(bits.number(12))])
    return TcfConsent(members(consents, PURPOSES), members(interests, PURPOSES), vendors, by_interest, restrictions)


def _vendors(bits: Bits) -> Vendors:
    width = bits.number(16)
    if bits.flag():
        return Vendors(ranges=_ranges(bits))
    return Vendors(width, bits.number(width))


def _restriction(bits: Bits) -> Restriction:
    purpose, kind = bits.number(6), bits.number(2)
    return Restriction(purpose, kind, Vendors(ranges=_ranges(bits)))


def _ranges(bits: Bits) -> tuple[tuple[int, int], ...]:
    return tuple([_range(bits) for _ in range(bits.number(12))])


def _range(bits: Bits) -> tuple[int, int]:
    several = bits.flag()
    first = bits.number(16)
    return first, bits.number(16) if several else first
