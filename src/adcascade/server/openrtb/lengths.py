"""How long the lists of a bid request may be: far longer than any exchange sends, and short enough to walk through."""

from collections.abc import Sized

from adcascade.errors import InputError
from adcascade.server.openrtb.objects import BidRequest

SIZES = 128  # of one banner
ASSETS = 128  # of one native request
NAMES = 10_000  # blocked or allowed categories, domains, seats


def check_lengths(request: BidRequest) -> None:
    """InputError for the first list that is too long; the imps themselves are counted elsewhere."""
    for name in ("bcat", "badv", "wseat", "bseat", "cur"):
        check_length(name, getattr(request, name), NAMES)
    for place, imp in enumerate(request.imp):
        if imp.banner is not None:
            check_length(f"imp[{place}].banner.format", imp.banner.format, SIZES)


def check_length(field: str, values: Sized | None, most: int) -> None:
    """InputError where there are more than `most`."""
    if values is not None and len(values) > most:
        raise InputError(field, f"{len(values)} entries", f"at most {most}", "leave out what no bidder needs")
