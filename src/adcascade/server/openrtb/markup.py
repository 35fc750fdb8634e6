"""The markup of a won banner: a link around a picture or a title. Nothing from the catalog gets in unescaped."""

from html import escape

from adcascade.server.backend import Served
from adcascade.server.links import Links, is_web_url

BOX = "display:block;width:{w}px;height:{h}px;overflow:hidden;text-decoration:none;color:#111;font:16px sans-serif"
FLUID = "display:block;overflow:hidden;text-decoration:none;color:#111;font:16px sans-serif"


def banner_html(
    served: Served, links: Links, size: tuple[int, int], *, secure: bool, pictures: bool = True, scripts: bool = True
) -> str:
    """A link around the picture, or around the title where there is none, the impression pixel, and the script that
    sees whether the link can be seen.
    """
    width, height = size
    style = BOX.format(w=width, h=height) if width and height else FLUID
    inside = escape(title_of(served))
    image = image_of(served, secure=secure) if pictures else ""
    if image:
        fit = "width:100%;height:100%;object-fit:contain;border:0"
        inside = f'<img src="{escape(image)}" alt="{inside}" style="{fit}">'
    return (
        f'<a href="{escape(links.click(served.token))}" target="_blank" rel="noopener sponsored" style="{style}" '
        f'data-adcascade-view="{escape(links.viewable(served.token))}">'
        f'{inside}</a><img src="{escape(links.impression(served.token))}" width="1" height="1" alt="" '
        'style="position:absolute;left:0;top:0;opacity:0">'
        + (f'<script src="{escape(links.script)}" async></script>' if scripts else "")
    )


def title_of(served: Served) -> str:
    """The creative's title, or the ad's."""
    return (served.creative.title if served.creative is not None else "") or served.ad.title


def image_of(served: Served, *, secure: bool) -> str:
    """The creative's picture where a browser may load it; else empty."""
    url = served.creative.image_url if served.creative is not None else ""
    return url if is_web_url(url, secure=secure) else ""
