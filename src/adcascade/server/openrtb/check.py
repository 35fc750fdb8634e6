"""What types cannot say about a bid request: presence, ranges, uniqueness. InputError names the field.

Nearly all requests are right, so a field's whole name is put together only where it is wrong.
"""

from msgspec import Raw

from adcascade.errors import InputError
from adcascade.server.openrtb.lengths import LEAST, check_lengths
from adcascade.server.openrtb.objects import NOTHING, Banner, BidRequest, Imp, Video

MAX_ID = 1024  # characters
MAX_PIXELS = 100_000
MAX_FLOOR = 1e9  # CPM
MAX_TMAX = 3_600_000  # milliseconds
MAX_SECONDS = 86_400  # of a video
MAX_KBPS = 10_000_000


def check_request(request: BidRequest, max_imps: int, *, entries: int) -> None:
    """Raise InputError at the first thing that no bidder could answer. entries: that no list of it exceeds."""
    _check_id("", "id", request.id)
    if not request.imp:
        raise InputError("imp", [], "at least one imp", "offer a place for an ad")
    if len(request.imp) > max_imps:
        raise InputError("imp", f"{len(request.imp)} imps", f"at most {max_imps}", "split the request")
    if entries > LEAST:
        check_lengths(request)
    if request.site is not None and request.app is not None:
        raise InputError("app", "present beside site", "site or app, not both")
    if request.at is not None and request.at < 1:
        raise InputError("at", request.at, "1 (first price), 2 (second price) or an exchange's own above 500")
    _check_range("", "tmax", request.tmax, MAX_TMAX, "milliseconds")
    _check_flag("", "test", request.test)
    if request.regs is not None:
        _check_flag("regs.", "coppa", request.regs.coppa)
        _check_flag("regs.", "gdpr", request.regs.gdpr)
    seen: set[str] = set()
    for place, imp in enumerate(request.imp):
        _check_imp(imp, f"imp[{place}].", seen)


def _check_imp(imp: Imp, where: str, seen: set[str]) -> None:
    _check_id(where, "id", imp.id)
    if imp.id in seen:
        raise InputError(f"{where}id", imp.id, "an id that no other imp of the request has")
    seen.add(imp.id)
    if imp.banner is None and imp.native is None and imp.video is None and not _given(imp.audio):
        expected = "a banner, native, video or audio object"
        raise InputError(where.removesuffix("."), imp.id, expected, "say what may be shown there")
    _check_floor(where, "bidfloor", imp.bidfloor)
    _check_flag(where, "secure", imp.secure)
    if imp.banner is not None:
        _check_banner(imp.banner, where)
    if imp.video is not None:
        _check_video(imp.video, where)
    if imp.pmp is not None:
        _check_flag(where, "pmp.private_auction", imp.pmp.private_auction)
        for place, deal in enumerate(imp.pmp.deals or ()):
            _check_id(where, f"pmp.deals[{place}].id", deal.id)
            _check_floor(where, f"pmp.deals[{place}].bidfloor", deal.bidfloor)


def _check_banner(banner: Banner, where: str) -> None:
    _check_range(where, "banner.w", banner.w, MAX_PIXELS, "pixels")
    _check_range(where, "banner.h", banner.h, MAX_PIXELS, "pixels")
    if not banner.format:
        return
    for place, size in enumerate(banner.format):
        if not (0 <= (size.w or 0) <= MAX_PIXELS and 0 <= (size.h or 0) <= MAX_PIXELS):
            _check_range(where, f"banner.format[{place}].w", size.w, MAX_PIXELS, "pixels")
            _check_range(where, f"banner.format[{place}].h", size.h, MAX_PIXELS, "pixels")


def _check_video(video: Video, where: str) -> None:
    _check_range(where, "video.w", video.w, MAX_PIXELS, "pixels")
    _check_range(where, "video.h", video.h, MAX_PIXELS, "pixels")
    for name in ("minduration", "maxduration", "poddur", "skipmin", "skipafter"):
        _check_range(where, f"video.{name}", getattr(video, name), MAX_SECONDS, "seconds")
    for name in ("minbitrate", "maxbitrate"):
        _check_range(where, f"video.{name}", getattr(video, name), MAX_KBPS, "kbps")
    _check_floor(where, "video.mincpmpersec", video.mincpmpersec)


def _check_floor(where: str, name: str, floor: float | None) -> None:
    if floor is not None and not 0 <= floor <= MAX_FLOOR:  # NaN neither
        raise InputError(f"{where}{name}", floor, f"a CPM from 0 to {MAX_FLOOR:.0f}")


def _given(raw: Raw) -> bool:
    return raw is not NOTHING and bytes(raw) != b"null"


def _check_id(where: str, name: str, value: str) -> None:
    if not value or len(value) > MAX_ID:
        raise InputError(f"{where}{name}", value, f"1 to {MAX_ID} characters")


def _check_flag(where: str, name: str, value: int | None) -> None:
    if value is not None and value not in (0, 1):
        raise InputError(f"{where}{name}", value, "0 or 1")


def _check_range(where: str, name: str, value: int | None, most: int, unit: str) -> None:
    if value is not None and not 0 <= value <= most:
        raise InputError(f"{where}{name}", value, f"0 to {most} {unit}")
