"""The markup of a won native place: the parts that the page asked for, as JSON (native 1.2, sections 5 and 7)."""

import msgspec

from adcascade.catalog.nouns import Creative
from adcascade.server.backend import Served
from adcascade.server.links import Links, is_web_url
from adcascade.server.openrtb import native
from adcascade.server.openrtb.markup import image_of, title_of
from adcascade.server.openrtb.places import Place

IMPRESSION, VIEWABLE, PIXEL = 1, 2, 1  # events and method of native trackers
ICON, MAIN = 1, 3  # image types
NAMED = {3: "rating", 4: "likes", 5: "downloads", 7: "sale_price", 8: "phone", 9: "address"}  # keys of Ad.attributes


def native_json(served: Served, links: Links, place: Place, privacy_url: str = "") -> str | None:
    """The parts that the page asked for; None where a required one cannot be given."""
    request = place.native
    if request is None:
        return None
    assets = []
    for asset in request.assets:
        filled = _fill(asset, served, secure=place.secure)
        if filled is not None:
            assets.append(filled)
        elif asset.required == 1:
            return None
    pixel, viewable = links.impression(served.token), links.viewable(served.token)
    asked = request.eventtrackers or ()
    wanted = {tracker.event for tracker in asked if tracker.methods is None or PIXEL in tracker.methods}
    trackers = ((IMPRESSION, pixel), (VIEWABLE, viewable))
    answer = native.NativeResponse(
        ver=request.ver or "1.2",
        assets=assets,
        link=native.Link(links.click(served.token)),
        imptrackers=[] if IMPRESSION in wanted else [pixel],
        eventtrackers=[native.Tracker(event, PIXEL, url) for event, url in trackers if event in wanted],
        privacy=privacy_url if request.privacy == 1 else "",
    )
    return msgspec.json.encode(native.WrappedResponse(answer) if place.wrapped else answer).decode()


def _fill(asset: native.Asset, served: Served, *, secure: bool) -> native.FilledAsset | None:
    filled = native.FilledAsset(id=asset.id, required=asset.required or 0)
    if asset.title is not None and title_of(served):
        filled.title = native.TitleText(_cut(title_of(served), asset.title.len))
    elif asset.img is not None and (image := _image(asset.img, served, secure=secure)) is not None:
        filled.img = image
    elif asset.data is not None and (text := _text(asset.data.type, served)):
        filled.data = native.DataValue(_cut(text, asset.data.len), asset.data.type)
    else:
        return None
    return filled


def _image(wanted: native.ImageAsset, served: Served, *, secure: bool) -> native.ImageUrl | None:
    """The icon, or the picture where it is at least as large as wanted, as far as its size is known."""
    creative = served.creative
    if creative is None:
        return None
    if wanted.type == ICON and is_web_url(creative.icon_url, secure=secure):
        return native.ImageUrl(creative.icon_url, type=ICON)
    url = image_of(served, secure=secure)
    if not url or not _large_enough(wanted, creative):
        return None
    return native.ImageUrl(url, creative.width, creative.height, wanted.type or MAIN)


def _large_enough(wanted: native.ImageAsset, creative: Creative) -> bool:
    wide_enough = not creative.width or creative.width >= (wanted.wmin or 0)
    return wide_enough and (not creative.height or creative.height >= (wanted.hmin or 0))


def _text(kind: int, served: Served) -> str:
    """A data asset by its type, section 7.4; what only some ads have is an attribute of theirs."""
    creative, price = served.creative, served.ad.price_micros
    match kind:
        case 1:
            text = served.advertiser.name or served.advertiser.domain
        case 2:
            text = (creative.text if creative is not None else "") or served.ad.title
        case 6:
            text = f"{price / 1e6:.2f} {served.campaign.currency}" if price else ""
        case 10:
            text = served.ad.brand
        case 11:
            text = served.advertiser.domain
        case 12:
            text = (creative.call_to_action if creative is not None else "") or "Learn more"
        case _:
            text = str(served.ad.attributes.get(NAMED.get(kind, ""), ""))
    return text


def _cut(text: str, length: int | None) -> str:
    return (
        text
        if length is None or length <= 0 or len(text) <= length
        else text[: max(1, length - 1)] + "…" * (length > 1)
    )
