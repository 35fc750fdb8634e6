"""From an exchange's BidRequest to the engine's AdRequest."""

from collections.abc import Mapping, Sequence
from typing import Any

from adcascade.contracts import AdRequest, Rules
from adcascade.server.openrtb.categories import named
from adcascade.server.openrtb.chain import chain_of, serialized
from adcascade.server.openrtb.countries import two_letters
from adcascade.server.openrtb.extension import extension, text_of, texts_of
from adcascade.server.openrtb.objects import BidRequest, Geo, Inventory
from adcascade.server.openrtb.places import Place
from adcascade.server.options import ServerOptions
from adcascade.server.privacy.permission import Permission

DEVICES = {1: "mobile", 2: "desktop", 3: "tv", 4: "mobile", 5: "tablet", 6: "tv", 7: "tv", 8: "outdoor"}
SHORTEST_US = 1_000  # what the engine gets of a tmax that our way back would eat up
MOST_SEGMENTS = 200


def ad_request(
    request: BidRequest,
    places: Sequence[Place],
    options: ServerOptions,
    *,
    id: str,  # noqa: A002  the contract's name
    time_us: int,
    codes: Mapping[str, str],
    allowed: Permission,
) -> AdRequest:
    """The request in the engine's words. id: ours, since exchanges reuse theirs; time_us: now; codes: to paths.

    allowed: what may be read of the user; what may not is not in the answer.
    """
    inventory = request.site or request.app
    said = _said(request, inventory)
    device, geo = request.device, _geo(request)
    country = two_letters(geo.country) if geo is not None and geo.country else ""
    blocked = tuple(request.bcat or ())
    return AdRequest(
        id=id,
        time_us=time_us,
        slots=tuple([place.slot for place in places]),
        scenario=_text(said, "scenario") or options.scenario,
        user=_user(request) if allowed.user else None,
        query=_query(inventory, _text(said, "query")),
        category=_category(inventory, codes),
        device=DEVICES.get(device.devicetype or 0, "") if device is not None else "",
        country=country,
        region=_region(geo, country) if allowed.region else "",
        city=(geo.city or "") if allowed.user and geo is not None else "",
        segments=_segments(request) if allowed.user else (),
        page_products=_products(said) if said else (),
        blocked_categories=named(blocked, codes),
        blocked_advertisers=_blocked(request),
        rules=Rules(
            seats=tuple(request.wseat or ()),
            categories=_allowed(request.acat, codes) if request.acat else (),
            blocked_codes=blocked,
            blocked_apps=tuple(request.bapp or ()),
        ),
        chain=serialized(chain_of(request)) if request.source is not None else "",
        timeout_us=_timeout(request.tmax, options),
        test=request.test == 1,
    )


def _user(request: BidRequest) -> str | None:
    """Our id of the user, else the exchange's."""
    user = request.user
    return None if user is None else user.buyeruid or user.id or None


def _said(request: BidRequest, inventory: Inventory | None) -> list[dict[str, Any]]:
    """The fields of those `ext` that hold some: the request's, then the page's or app's."""
    around = extension(inventory.ext) if inventory is not None else {}
    return [fields for fields in (extension(request.ext), around) if fields]


def _text(said: Sequence[dict[str, Any]], name: str) -> str:
    for fields in said:
        if text := text_of(fields, name):
            return text
    return ""


def _products(said: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    for fields in said:
        if ids := texts_of(fields, "products"):
            return ids
    return ()


def _segments(request: BidRequest) -> tuple[str, ...]:
    user = request.user
    if user is None or not user.data:
        return ()
    told = [one.id for data in user.data for one in data.segment or ()]
    return tuple([one for one in dict.fromkeys(told) if one][:MOST_SEGMENTS])


def _blocked(request: BidRequest) -> tuple[str, ...]:
    """Seats as they are, domains also in small letters, as the catalog keeps them."""
    domains = request.badv or ()
    return tuple(dict.fromkeys((*domains, *map(str.casefold, domains), *(request.bseat or ()))))


def _allowed(codes: Sequence[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """Codes and what they stand for: an ad is known by either."""
    return tuple(dict.fromkeys((*codes, *named(codes, known))))


def _timeout(tmax: int | None, options: ServerOptions) -> int:
    if not tmax:
        return options.timeout_us
    return max(SHORTEST_US, tmax * 1_000 - options.network_reserve_us)


def _query(inventory: Inventory | None, told: str) -> str:
    return told or (inventory.search if inventory is not None and inventory.search else "")


def _category(inventory: Inventory | None, known: Mapping[str, str]) -> str:
    """The narrowest category that is translated; else the narrowest."""
    if inventory is None:
        return ""
    content = inventory.content.cat if inventory.content is not None else None
    codes = [*(inventory.pagecat or ()), *(inventory.sectioncat or ()), *(content or ()), *(inventory.cat or ())]
    first = codes[0] if codes else ""
    return next((known[code] for code in codes if code in known), first) if known else first


def _geo(request: BidRequest) -> Geo | None:
    """Where the device is, else where the user lives."""
    for owner in (request.device, request.user):
        if owner is not None and owner.geo is not None and owner.geo.country:
            return owner.geo
    return None


def _region(geo: Geo | None, country: str) -> str:
    """With its country: "US-CA"."""
    if geo is None or not geo.region or not country:
        return ""
    region = geo.region.upper()
    return region if region.startswith(f"{country}-") else f"{country}-{region}"
