"""Preview: a creative as it will look, as a whole document with a policy of its own.

The console's pages load nothing from elsewhere. This document does: its picture, icon or film, from the very hosts
that the creative names, and nothing else. It runs nothing (`sandbox`), sends no referrer, leads nowhere, and lies in a
sandboxed frame. This server fetches nothing: an address is asked for by the browser of who looks at it.
"""

import base64
import hashlib
import re
from html import escape
from urllib.parse import urlsplit

from adcascade.catalog.nouns import Ad, Creative
from adcascade.console.page import Sheet

STYLE = (
    "html{color-scheme:light}body{margin:0;padding:12px;font:14px/1.45 system-ui,sans-serif;color:#16201f;"
    "background:#fff}"
    "article{max-width:22rem;border:1px solid #d5dbda;border-radius:8px;overflow:hidden}"
    "article.banner{max-width:none;border:0;border-radius:0}img,video{display:block;max-width:100%;height:auto}"
    "img.whole{width:100%;max-height:12rem;object-fit:contain}"
    ".head{display:flex;gap:8px;align-items:center}.words{padding:10px 12px;display:grid;gap:6px}"
    "h1{font-size:15px;line-height:1.3;margin:0}p{margin:0}.price{font-weight:600}"
    ".action{justify-self:start;padding:4px 12px;border:1px solid #0f766e;border-radius:6px;color:#0f766e;"
    "font-weight:600}"
    "small{display:block;margin-top:8px;color:#51605e;overflow-wrap:anywhere}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


def source_of(address: str) -> str:
    """What a policy names to allow one address: its host, or `data:`; "" for what no policy can name.

    >>> source_of("https://img.example:8443/a.png"), source_of("data:image/png;base64,AA"), source_of("https://a;b/")
    ('https://img.example:8443', 'data:', '')
    """
    if address.startswith("data:image/"):
        return "data:"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    host = f"[{host}]" if ":" in host else host
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return ""
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def policy_of(pictures: tuple[str, ...], films: tuple[str, ...] = ()) -> str:
    """The policy of a document that shows these addresses and nothing else."""
    kinds = [f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'"]
    for kind, addresses in (("img-src", pictures), ("media-src", films)):
        sources = dict.fromkeys(filter(None, map(source_of, addresses)))
        kinds += [f"{kind} {' '.join(sources)}"] if sources else []
    return "; ".join([*kinds, "form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox"])


def _page(body: str) -> str:
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Preview</title>'
    return f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{body}</body></html>'


def sheet_of(creative: Creative, ad: Ad | None = None, price: str = "") -> Sheet:
    """The document. ad: whose title is shown where the creative has none; price: in words."""
    title = creative.title or ("" if ad is None else ad.title)
    match creative.format:
        case "banner":
            body = f'<article class="banner">{_image(creative, title, own_size=True)}</article>'
        case "video":
            body = f"<article>{_film(creative)}{_words(creative, title, '')}</article>"
        case "native":
            body = f"<article>{_image(creative, title)}{_words(creative, title, '', icon=True)}</article>"
        case _:
            body = f"<article>{_image(creative, title)}{_words(creative, title, price)}</article>"
    films = (creative.video_url,) if creative.format == "video" else ()
    return Sheet(
        html=_page(f"{body}<small>{escape(_size(creative))}</small>"),
        policy=policy_of((creative.image_url, creative.icon_url), films),
    )


def sorry(words: str) -> Sheet:
    """A document with a sentence instead."""
    return Sheet(html=_page(f"<p>{escape(words)}</p>"), policy=policy_of(()))


def _size(creative: Creative) -> str:
    size = f"{creative.width} × {creative.height} pixels" if creative.width and creative.height else "any size"
    words = f"{creative.format}, {size}"
    if creative.format == "video":
        words += f", {creative.duration_ms / 1000:g} s {creative.mime}"
    return words


def _image(creative: Creative, title: str, *, own_size: bool = False) -> str:
    if not source_of(creative.image_url):
        return ""
    size = ' class="whole"'
    if own_size:
        size = f' width="{creative.width}" height="{creative.height}"' if creative.width and creative.height else ""
    return f'<img src="{escape(creative.image_url)}" alt="{escape(title or "The picture")}"{size}>'


def _film(creative: Creative) -> str:
    if not source_of(creative.video_url):
        return f'<div class="words"><p>Plays what {escape(creative.vast_url or "nobody yet")} answers.</p></div>'
    poster = f' poster="{escape(creative.image_url)}"' if source_of(creative.image_url) else ""
    return f'<video controls preload="metadata" src="{escape(creative.video_url)}"{poster}></video>'


def _words(creative: Creative, title: str, price: str, *, icon: bool = False) -> str:
    small = ""
    if icon and source_of(creative.icon_url):
        small = f'<img src="{escape(creative.icon_url)}" alt="" width="32" height="32">'
    parts = [f'<div class="head">{small}<h1>{escape(title)}</h1></div>' if title or small else ""]
    parts += [f"<p>{escape(creative.text)}</p>" if creative.text else ""]
    parts += [f'<p class="price">{escape(price)}</p>' if price else ""]
    parts += [f'<p class="action">{escape(creative.call_to_action)}</p>' if creative.call_to_action else ""]
    return f'<div class="words">{"".join(parts)}</div>' if any(parts) else ""
