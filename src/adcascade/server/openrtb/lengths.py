"""How long the lists of a bid request may be: far longer than any exchange sends, and short enough to walk through."""

from collections.abc import Sized

from adcascade.errors import InputError
from adcascade.server.openrtb.objects import BidRequest, Imp

SIZES = 128  # of one banner
ASSETS = 128  # of one native request
NAMES = 10_000  # blocked or allowed categories, domains, seats
DEALS = 256  # of one imp
FEW = 512  # codes, media types, providers of data and their segments, hops of a supply chain
LEAST = min(SIZES, ASSETS, NAMES, DEALS, FEW)  # a request without a longer list need not be walked through


def check_lengths(request: BidRequest) -> None:
    """InputError for the first list that is too long; the imps themselves are counted elsewhere."""
    for name in ("bcat", "badv", "bapp", "acat", "wseat", "bseat", "cur", "wlang"):
        check_length(name, getattr(request, name), NAMES)
    for place, imp in enumerate(request.imp):
        _check_imp(imp, f"imp[{place}]")
    if request.user is not None:
        check_length("user.data", request.user.data, FEW)
        for place, data in enumerate(request.user.data or ()):
            check_length(f"user.data[{place}].segment", data.segment, FEW)
    chain = request.source.schain if request.source is not None else None
    if chain is not None:
        check_length("source.schain.nodes", chain.nodes, FEW)


def _check_imp(imp: Imp, field: str) -> None:
    if imp.banner is not None:
        check_length(f"{field}.banner.format", imp.banner.format, SIZES)
        for name in ("btype", "battr", "mimes", "expdir", "api"):
            check_length(f"{field}.banner.{name}", getattr(imp.banner, name), FEW)
    if imp.video is not None:
        for name in ("mimes", "rqddurs", "protocols", "battr", "delivery", "api"):
            check_length(f"{field}.video.{name}", getattr(imp.video, name), FEW)
    if imp.pmp is not None:
        check_length(f"{field}.pmp.deals", imp.pmp.deals, DEALS)
        for place, deal in enumerate(imp.pmp.deals or ()):
            check_length(f"{field}.pmp.deals[{place}].wseat", deal.wseat, NAMES)
            check_length(f"{field}.pmp.deals[{place}].wadomain", deal.wadomain, NAMES)


def check_length(field: str, values: Sized | None, most: int) -> None:
    """InputError where there are more than `most`."""
    if values is not None and len(values) > most:
        raise InputError(field, f"{len(values)} entries", f"at most {most}", "leave out what no bidder needs")
