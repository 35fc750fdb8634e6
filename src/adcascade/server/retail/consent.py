"""What a shop says of a shopper's consent: one object for a whole body, and the browser's own header."""

from collections.abc import Mapping

from adcascade.server.privacy.permission import Permission, Policy, Signals, permission
from adcascade.server.retail.objects import Consent


def permission_of(consent: Consent | None, headers: Mapping[bytes, bytes], policy: Policy) -> Permission:
    """What the object and the header allow."""
    gpc = headers.get(b"sec-gpc") == b"1"
    if consent is None:
        return permission(Signals(gpc=gpc), policy)
    signals = Signals(
        gdpr=consent.gdpr,
        tcf=consent.tcf,
        us_privacy=consent.us_privacy,
        gpp=consent.gpp,
        gpp_sections=None if consent.gpp_sections is None else tuple(consent.gpp_sections),
        coppa=consent.coppa,
        gpc=consent.gpc or gpc,
    )
    return permission(signals, policy)
