"""The markup of a won imp: HTML for a banner, JSON for native. Nothing from the catalog gets in unescaped."""

from html import escape

import msgspec

from adcascade.server.backend import Served
from adcascade.server.links import Links, is_web_url
from adcascade.server.openrtb import native
from adcascade.server.openrtb.places import Place

BOX = "display:block;width:{w}px;height:{h}px;overflow:hidden;text-decoration:none;color:#111;font:16px sans-serif"
FLUID = "display:block;overflow:hidden;text-decoration:none;color:#111;font:16px sans-serif"
IMPRESSION, VIEWABLE, PIXEL = 1, 2, 1  # events and method of native trackers
ICON, MAIN = 1, 3  # image types of native


def banner_html(served: Served, links: Links, size: tuple[int, int], *, secure: bool) -> str:
    """A link around the picture, or around the title where there is none, the impression pixel, and the script that
    sees whether the link can be seen.
    """
    width, height = size
    style = BOX.format(w=width, h=height) if width and height else FLUID
    inside = escape(title_of(served))
    image = image_of(served, secure=secure)
    if image:
        fit = "width:100%;height:100%;object-fit:contain;border:0"
        inside = f'<img src="{escape(image)}" alt="{inside}" style="{fit}">'
    return (
        f'<a href="{escape(links.click(served.token))}" target="_blank" rel="noopener sponsored" style="{style}" '
        f'data-adcascade-view="{escape(links.viewable(served.token))}">'
        f'{inside}</a><img src="{escape(links.impression(served.token))}" width="1" height="1" alt="" '
        'style="position:absolute;left:0;top:0;opacity:0">'
        f'<script src="{escape(links.script)}" async></script>'
    )


def native_json(served: Served, links: Links, place: Place) -> str | None:
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
    wanted = {tracker.event for tracker in asked if PIXEL in (tracker.methods or (PIXEL,))}
    trackers = ((IMPRESSION, pixel), (VIEWABLE, viewable))
    answer = native.NativeResponse(
        ver=request.ver or "1.2",
        assets=assets,
        link=native.Link(links.click(served.token)),
        imptrackers=[] if IMPRESSION in wanted else [pixel],
        eventtrackers=[native.Tracker(event, PIXEL, url) for event, url in trackers if event in wanted],
    )
    return msgspec.json.encode(native.WrappedResponse(answer) if place.wrapped else answer).decode()


def title_of(served: Served) -> str:
    """The creative's title, or the ad's."""
    return (served.creative.title if served.creative is not None else "") or served.ad.title


def image_of(served: Served, *, secure: bool) -> str:
    """The creative's picture where a browser may load it; else empty."""
    url = served.creative.image_url if served.creative is not None else ""
    return url if is_web_url(url, secure=secure) else ""


def _fill(asset: native.Asset, served: Served, *, secure: bool) -> native.FilledAsset | None:
    filled = native.FilledAsset(id=asset.id, required=asset.required or 0)
    if asset.title is not None and title_of(served):
        filled.title = native.TitleText(_cut(title_of(served), asset.title.len))
    elif asset.img is not None and _image_fits(asset.img, served, secure=secure):
        filled.img = _image(asset.img, served, secure=secure)
    elif asset.data is not None and (text := _text(asset.data.type, served)):
        filled.data = native.DataValue(_cut(text, asset.data.len), asset.data.type)
    else:
        return None
    return filled


def _image_fits(wanted: native.ImageAsset, served: Served, *, secure: bool) -> bool:
    """Whether the picture is at least as large as wanted, as far as its size is known."""
    creative = served.creative
    if creative is None or not image_of(served, secure=secure):
        return False
    wide_enough = not creative.width or creative.width >= (wanted.wmin or 0)
    return wide_enough and (not creative.height or creative.height >= (wanted.hmin or 0))


def _image(wanted: native.ImageAsset, served: Served, *, secure: bool) -> native.ImageUrl:
    creative = served.creative
    width, height = (creative.width, creative.height) if creative is not None else (0, 0)
    return native.ImageUrl(image_of(served, secure=secure), width, height, wanted.type or MAIN)


def _text(kind: int, served: Served) -> str:
    """Data types of native 1.2, section 7.4: sponsored, description, price, display URL, call to action."""
    price = served.ad.price_micros
    match kind:
        case 1:
            return served.advertiser.name or served.advertiser.domain
        case 2:
            return served.ad.title
        case 6:
            return f"{price / 1e6:.2f} {served.campaign.currency}" if price else ""
        case 11:
            return served.advertiser.domain
        case 12:
            return "Learn more"
        case _:
            return ""


def _cut(text: str, length: int | None) -> str:
    return (
        text
        if length is None or length <= 0 or len(text) <= length
        else text[: max(1, length - 1)] + "…" * (length > 1)
    )
