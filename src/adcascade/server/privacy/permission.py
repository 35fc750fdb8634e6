"""Permission: what the signals of a request allow. Strict: what cannot be read is no consent.

A user is recognised only where nobody objects. Objections, in the order in which they are told:

    a child (COPPA); the device (do not track, limited tracking); the browser's Global Privacy Control;
    TCF, where GDPR applies or a string came without word that it does not: each of `purposes` must be allowed;
    a US Privacy string that opts out of sale; and of GPP the sections that apply, each by its own law.

The purposes that one user key serves here: storage (1), basic ads (2, caps), a profile (3) and ads by it (4), and
measurement (7). A vendor id of 0 says that the house is not in the vendor list, as one that works for its own pages:
then the purposes that the user granted decide. Without permission there is neither user nor segment, and no city; for
a child no region either.
"""

from collections.abc import Iterable
from typing import NamedTuple

from adcascade.server.privacy import usa
from adcascade.server.privacy.bits import UnreadableError
from adcascade.server.privacy.gpp import TCF_EU, US_PRIVACY, parse_gpp
from adcascade.server.privacy.tcf import parse_tcf

PURPOSES = (1, 2, 3, 4, 7)


class Signals(NamedTuple):
    """What a request says of laws and wishes; empty or None: nothing."""

    gdpr: bool | None = None
    tcf: str = ""
    us_privacy: str = ""
    gpp: str = ""
    gpp_sections: tuple[int, ...] | None = None  # that apply; None: all that are there
    coppa: bool = False
    gpc: bool = False
    limited: bool = False  # do not track, limited ad tracking


class Policy(NamedTuple):
    """Who we are in the vendor list, and for which purposes a user key is wanted."""

    vendor: int = 0
    purposes: tuple[int, ...] = PURPOSES


class Permission(NamedTuple):
    """objection: a short word for the first objection to recognising the user; empty: there is none."""

    objection: str = ""

    @property
    def user(self) -> bool:
        """Whether a user key, segments and a city may be read."""
        return not self.objection

    @property
    def region(self) -> bool:
        """Whether it may be read where in the country the device is."""
        return self.objection != "coppa"


def permission(signals: Signals, policy: Policy) -> Permission:
    """What may be done; never raises, whatever the strings hold."""
    for refused, word in (
        (signals.coppa, "coppa"),
        (signals.limited, "device"),
        (signals.gpc, "gpc"),
    ):
        if refused:
            return Permission(word)
    try:
        return Permission(_by_strings(signals, policy))
    except UnreadableError:
        return Permission("unreadable")


def _by_strings(signals: Signals, policy: Policy) -> str:
    if (signals.gdpr or (signals.tcf and signals.gdpr is None)) and not _tcf_allows(signals.tcf, policy):
        return "tcf"
    if signals.us_privacy and usa.sale_refused(signals.us_privacy):
        return "us_privacy"
    if not signals.gpp:
        return "gpp" if _applying(signals.gpp_sections or ()) else ""
    sections = parse_gpp(signals.gpp)
    applying = sections if signals.gpp_sections is None else _applying(signals.gpp_sections)
    return "gpp" if any(not _section_allows(one, sections, policy) for one in applying) else ""


def _applying(sections: Iterable[int]) -> list[int]:
    """-1 and 0 say that none applies."""
    return [section for section in sections if section > 0]


def _section_allows(section: int, sections: dict[int, str], policy: Policy) -> bool:
    """By the law of one section; a law that is not read here, or that applies and is not there, allows nothing."""
    text = sections.get(section, "")
    if section == TCF_EU:
        return _tcf_allows(text, policy)
    if section == US_PRIVACY:
        return not usa.sale_refused(text)
    return section in usa.SECTIONS and not usa.refuses(section, text)


def _tcf_allows(text: str, policy: Policy) -> bool:
    if not text:
        return False
    consent = parse_tcf(text)
    return all(consent.allows(purpose, policy.vendor) for purpose in policy.purposes)
