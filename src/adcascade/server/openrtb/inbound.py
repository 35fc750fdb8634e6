"""From an exchange's BidRequest to the engine's AdRequest."""

from collections.abc import Sequence

from adcascade.contracts import AdRequest
from adcascade.server.openrtb.consent import user_key
from adcascade.server.openrtb.countries import two_letters
from adcascade.server.openrtb.extension import extension, text_of
from adcascade.server.openrtb.objects import BidRequest, Inventory
from adcascade.server.openrtb.places import Place
from adcascade.server.options import ServerOptions

DEVICES = {1: "mobile", 2: "desktop", 3: "tv", 4: "mobile", 5: "tablet", 6: "tv", 7: "tv", 8: "outdoor"}
SHORTEST_US = 1_000  # what the engine gets of a tmax that our way back would eat up


def ad_request(
    request: BidRequest,
    places: Sequence[Place],
    options: ServerOptions,
    *,
    id: str,  # noqa: A002  the contract's name
    time_us: int,
) -> AdRequest:
    """The request in the engine's words. id: ours, since exchanges reuse theirs; time_us: now."""
    inventory = request.site or request.app
    told = extension(request.ext)
    around = extension(inventory.ext) if inventory is not None else {}
    device = request.device
    return AdRequest(
        id=id,
        time_us=time_us,
        slots=tuple(place.slot for place in places),
        scenario=text_of(told, "scenario") or text_of(around, "scenario") or options.scenario,
        user=user_key(request),
        query=_query(inventory, text_of(told, "query") or text_of(around, "query")),
        category=_category(inventory, options),
        device=DEVICES.get(device.devicetype or 0, "") if device is not None else "",
        country=_country(request),
        blocked_categories=_blocked(request.bcat or (), options),
        blocked_advertisers=(*_domains(request.badv or ()), *(request.bseat or ())),
        timeout_us=_timeout(request.tmax, options),
        test=request.test == 1,
    )


def _blocked(codes: Sequence[str], options: ServerOptions) -> tuple[str, ...]:
    known = options.categories
    return tuple([known.get(code, code) for code in codes]) if known else tuple(codes)


def _domains(named: Sequence[str]) -> tuple[str, ...]:
    """Domains mean the same in capitals: each as it came, and in lower case."""
    return tuple(dict.fromkeys(form for name in named for form in (name, name.lower())))


def _timeout(tmax: int | None, options: ServerOptions) -> int:
    if not tmax:
        return options.timeout_us
    return max(SHORTEST_US, tmax * 1_000 - options.network_reserve_us)


def _query(inventory: Inventory | None, told: str) -> str:
    return told or (inventory.search if inventory is not None and inventory.search else "")


def _category(inventory: Inventory | None, options: ServerOptions) -> str:
    """The narrowest category that is translated; else the narrowest."""
    if inventory is None:
        return ""
    content = inventory.content.cat if inventory.content is not None else None
    codes = [*(inventory.pagecat or ()), *(inventory.sectioncat or ()), *(content or ()), *(inventory.cat or ())]
    known = (options.categories[code] for code in codes if code in options.categories)
    return next(known, codes[0] if codes else "")


def _country(request: BidRequest) -> str:
    """Where the device is, else where the user lives."""
    owners = (owner for owner in (request.device, request.user) if owner is not None)
    found = (owner.geo.country for owner in owners if owner.geo is not None and owner.geo.country)
    return two_letters(next(found, ""))
