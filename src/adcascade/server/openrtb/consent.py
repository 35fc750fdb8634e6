"""Where a bid request puts what it says of privacy: fields of 2.6, and their older places in `ext`."""

from adcascade.server.openrtb.extension import extension, text_of
from adcascade.server.openrtb.objects import NOTHING, BidRequest
from adcascade.server.privacy.bits import LONGEST
from adcascade.server.privacy.permission import Signals

YES, NO = (1, "1", True), (0, "0", False)


def signals_of(request: BidRequest, *, gpc: bool = False) -> Signals:
    """The signals of a request. gpc: the caller's own header says so."""
    user, regs, device = request.user, request.regs, request.device
    tcf = ""
    if user is not None:
        tcf = user.consent or ""
        if not tcf and user.ext is not NOTHING:
            tcf = text_of(extension(user.ext), "consent", LONGEST)
    limited = device is not None and (device.dnt == 1 or device.lmt == 1)
    if regs is None:
        return Signals(tcf=tcf, gpc=gpc, limited=limited)
    old = extension(regs.ext)
    sections = regs.gpp_sid if regs.gpp_sid is not None else old.get("gpp_sid")
    return Signals(
        gdpr=_flag(regs.gdpr if regs.gdpr is not None else old.get("gdpr")),
        tcf=tcf,
        us_privacy=regs.us_privacy or text_of(old, "us_privacy"),
        gpp=regs.gpp or text_of(old, "gpp", LONGEST),
        gpp_sections=_sections(sections),
        coppa=regs.coppa == 1,
        gpc=gpc or _flag(old.get("gpc")) is True,
        limited=limited,
    )


def _flag(value: object) -> bool | None:
    """None where it is neither yes nor no."""
    return True if value in YES else False if value in NO else None


def _sections(value: object) -> tuple[int, ...] | None:
    """Ids of sections; None, so that all apply, where it is no list of whole numbers."""
    if not isinstance(value, list) or not value or not all(isinstance(one, int) for one in value):
        return None
    return tuple(value)
