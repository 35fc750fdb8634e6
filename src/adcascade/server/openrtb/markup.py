"""The markup of a won banner: a link around a picture or a title. Nothing from the catalog gets in unescaped.

All but the token is the same whenever a creative is shown in a place of the same kind, so the pieces around it are
kept.
"""

from functools import lru_cache
from html import escape
from typing import NamedTuple

from adcascade.server.backend import Served
from adcascade.server.links import Links, is_web_url, one_step

BOX = "display:block;width:{w}px;height:{h}px;overflow:hidden;text-decoration:none;color:#111;font:16px sans-serif"
FLUID = "display:block;overflow:hidden;text-decoration:none;color:#111;font:16px sans-serif"


class Pieces(NamedTuple):
    """What stands before, between and behind the links to click, view and impression."""

    click: str
    view: str
    impression: str
    end: str


def banner_html(
    served: Served, links: Links, size: tuple[int, int], *, secure: bool, pictures: bool = True, scripts: bool = True
) -> str:
    """A link around the picture, or around the title where there is none, the impression pixel, and the script that
    sees whether the link can be seen.
    """
    image = image_of(served, secure=secure) if pictures else ""
    click, view, impression, end = _pieces(links.base, size, title_of(served), image, scripts=scripts)
    step = one_step(served.token)
    return f"{click}{step}{view}{step}{impression}{step}{end}"


@lru_cache(maxsize=4_096)
def _pieces(base: str, size: tuple[int, int], title: str, image: str, *, scripts: bool) -> Pieces:
    """base: what links begin with; title and image as the catalog has them. A token is one step and needs no escape."""
    width, height = size
    style = BOX.format(w=width, h=height) if width and height else FLUID
    inside, links = escape(title), Links(escape(base))
    if image:
        fit = "width:100%;height:100%;object-fit:contain;border:0"
        inside = f'<img src="{escape(image)}" alt="{inside}" style="{fit}">'
    script = f'<script src="{links.script}" async></script>' if scripts else ""
    return Pieces(
        f'<a href="{links.click("")}',
        f'" target="_blank" rel="noopener sponsored" style="{style}" data-adcascade-view="{links.viewable("")}',
        f'">{inside}</a><img src="{links.impression("")}',
        f'" width="1" height="1" alt="" style="position:absolute;left:0;top:0;opacity:0">{script}',
    )


def title_of(served: Served) -> str:
    """The creative's title, or the ad's."""
    return (served.creative.title if served.creative is not None else "") or served.ad.title


def image_of(served: Served, *, secure: bool) -> str:
    """The creative's picture where a browser may load it; else empty."""
    url = served.creative.image_url if served.creative is not None else ""
    return url if is_web_url(url, secure=secure) else ""
