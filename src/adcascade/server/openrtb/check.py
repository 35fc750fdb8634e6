"""What types cannot say about a bid request: presence, ranges, uniqueness. InputError names the field."""

import math

from msgspec import Raw

from adcascade.errors import InputError
from adcascade.server.openrtb.lengths import check_lengths
from adcascade.server.openrtb.objects import NOTHING, Banner, BidRequest, Imp, Video

MAX_ID = 1024  # characters
MAX_PIXELS = 100_000
MAX_FLOOR = 1e9  # CPM
MAX_TMAX = 3_600_000  # milliseconds
MAX_SECONDS = 86_400  # of a video
MAX_KBPS = 10_000_000


def check_request(request: BidRequest, max_imps: int) -> None:
    """Raise InputError at the first thing that no bidder could answer."""
    _check_id("id", request.id)
    if not request.imp:
        raise InputError("imp", [], "at least one imp", "offer a place for an ad")
    if len(request.imp) > max_imps:
        raise InputError("imp", f"{len(request.imp)} imps", f"at most {max_imps}", "split the request")
    check_lengths(request)
    if request.site is not None and request.app is not None:
        raise InputError("app", "present beside site", "site or app, not both")
    if request.at is not None and request.at < 1:
        raise InputError("at", request.at, "1 (first price), 2 (second price) or an exchange's own above 500")
    _check_range("tmax", request.tmax, MAX_TMAX, "milliseconds")
    _check_flag("test", request.test)
    if request.regs is not None:
        _check_flag("regs.coppa", request.regs.coppa)
        _check_flag("regs.gdpr", request.regs.gdpr)
    seen: set[str] = set()
    for place, imp in enumerate(request.imp):
        _check_imp(imp, f"imp[{place}]", seen)


def _check_imp(imp: Imp, field: str, seen: set[str]) -> None:
    _check_id(f"{field}.id", imp.id)
    if imp.id in seen:
        raise InputError(f"{field}.id", imp.id, "an id that no other imp of the request has")
    seen.add(imp.id)
    if imp.banner is None and imp.native is None and imp.video is None and not _given(imp.audio):
        raise InputError(field, imp.id, "a banner, native, video or audio object", "say what may be shown there")
    _check_floor(f"{field}.bidfloor", imp.bidfloor)
    _check_flag(f"{field}.secure", imp.secure)
    if imp.banner is not None:
        _check_banner(imp.banner, f"{field}.banner")
    if imp.video is not None:
        _check_video(imp.video, f"{field}.video")
    if imp.pmp is not None:
        _check_flag(f"{field}.pmp.private_auction", imp.pmp.private_auction)
        for place, deal in enumerate(imp.pmp.deals or ()):
            _check_id(f"{field}.pmp.deals[{place}].id", deal.id)
            _check_floor(f"{field}.pmp.deals[{place}].bidfloor", deal.bidfloor)


def _check_banner(banner: Banner, field: str) -> None:
    _check_range(f"{field}.w", banner.w, MAX_PIXELS, "pixels")
    _check_range(f"{field}.h", banner.h, MAX_PIXELS, "pixels")
    for place, size in enumerate(banner.format or ()):
        _check_range(f"{field}.format[{place}].w", size.w, MAX_PIXELS, "pixels")
        _check_range(f"{field}.format[{place}].h", size.h, MAX_PIXELS, "pixels")


def _check_video(video: Video, field: str) -> None:
    _check_range(f"{field}.w", video.w, MAX_PIXELS, "pixels")
    _check_range(f"{field}.h", video.h, MAX_PIXELS, "pixels")
    for name in ("minduration", "maxduration", "poddur", "skipmin", "skipafter"):
        _check_range(f"{field}.{name}", getattr(video, name), MAX_SECONDS, "seconds")
    for name in ("minbitrate", "maxbitrate"):
        _check_range(f"{field}.{name}", getattr(video, name), MAX_KBPS, "kbps")
    _check_floor(f"{field}.mincpmpersec", video.mincpmpersec)


def _check_floor(field: str, floor: float | None) -> None:
    if floor is not None and not (math.isfinite(floor) and 0 <= floor <= MAX_FLOOR):
        raise InputError(field, floor, f"a CPM from 0 to {MAX_FLOOR:.0f}")


def _given(raw: Raw) -> bool:
    return raw is not NOTHING and bytes(raw) != b"null"


def _check_id(field: str, value: str) -> None:
    if not value or len(value) > MAX_ID:
        raise InputError(field, value, f"1 to {MAX_ID} characters")


def _check_flag(field: str, value: int | None) -> None:
    if value not in (None, 0, 1):
        raise InputError(field, value, "0 or 1")


def _check_range(field: str, value: int | None, most: int, unit: str) -> None:
    if value is not None and not 0 <= value <= most:
        raise InputError(field, value, f"0 to {most} {unit}")
