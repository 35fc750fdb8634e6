"""Consent: may this user be recognised? Where a law or the user says no, the engine sees no user at all."""

from adcascade.server.openrtb.extension import extension, text_of
from adcascade.server.openrtb.objects import BidRequest, Regs, User


def user_key(request: BidRequest) -> str | None:
    """Our id of the user, else the exchange's; None where there is none or no consent.

    No: children (COPPA), GDPR without a consent string, a US opt-out of sale, the browser's Global
    Privacy Control, do-not-track, limited ad tracking. Version 2.6 fields and their older places in `ext`.
    """
    user = request.user
    if user is None or _device_refuses(request) or _law_refuses(request.regs, user):
        return None
    return user.buyeruid or user.id or None


def _device_refuses(request: BidRequest) -> bool:
    return request.device is not None and (request.device.dnt == 1 or request.device.lmt == 1)


def _law_refuses(regs: Regs | None, user: User) -> bool:
    if regs is None:
        return False
    old = extension(regs.ext)
    gdpr = regs.gdpr if regs.gdpr is not None else old.get("gdpr")
    sale = regs.us_privacy or text_of(old, "us_privacy")
    return (
        regs.coppa == 1
        or (gdpr in (1, "1") and not (user.consent or text_of(extension(user.ext), "consent")))
        or sale[2:3].upper() == "Y"
        or old.get("gpc") in (1, "1")
    )
