"""Draft of an ad: the texts of its form with its creatives, and the ad that they mean; see `draft.py`."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from itertools import count
from typing import Any

from msgspec.structs import replace

from adcascade.catalog.nouns import Ad, Creative
from adcascade.console.pages.campaigns.draft import amount, made, same

TEXTS = ("title", "text", "call_to_action", "image_url", "icon_url", "video_url", "vast_url", "mime")
NUMBERS = ("width", "height", "bitrate_kbps")

PARTS = (
    same("title", "ad_title"), same("url", "ad_url"), same("status", "ad_status"), same("product", "ad_product"),
    same("category", "ad_category"), same("brand", "ad_brand"), same("price_micros", "ad_price", 0),
    same("margin_micros", "ad_margin"), same("bid_micros", "ad_bid"), same("stock", "ad_stock"),
    same("keywords", "ad_keywords"), same("iab", "ad_iab"), same("attributes", "ad_attributes"),
)  # fmt: skip


def texts_of(ad: Ad) -> dict[str, str]:
    """What the fields of its form hold."""
    texts = {
        "ad_title": ad.title, "ad_url": ad.url, "ad_status": ad.status, "ad_product": ad.product,
        "ad_category": ad.category, "ad_brand": ad.brand, "ad_price": amount(ad.price_micros or None),
        "ad_margin": amount(ad.margin_micros), "ad_bid": amount(ad.bid_micros),
        "ad_stock": "" if ad.stock is None else str(ad.stock), "ad_keywords": "\n".join(ad.keywords),
        "ad_iab": "\n".join(ad.iab), "ad_attributes": "\n".join(f"{k}: {v}" for k, v in ad.attributes.items()),
    }  # fmt: skip
    for i, creative in enumerate(ad.creatives):
        texts |= look_texts(i, creative)
    return texts


def look_texts(i: int, creative: Creative) -> dict[str, str]:
    """What the fields of a creative hold; its id is one of them, which nobody sees."""
    at = f"look{i}_"
    texts = {f"{at}{name}": getattr(creative, name) for name in ("id", "format", *TEXTS)}
    texts |= {f"{at}{name}": str(getattr(creative, name) or "") for name in NUMBERS}
    return texts | {f"{at}seconds": f"{creative.duration_ms / 1000:.10g}" if creative.duration_ms else ""}


def looks_in(values: Mapping[str, Any]) -> int:
    """How many creatives a form has room for."""
    return next(i for i in count() if f"look{i}_format" not in values)


def creative_of(good: Mapping[str, Any], i: int, look_id: str) -> Creative:
    """The creative that checked fields mean."""
    at = f"look{i}_"
    told: dict[str, Any] = {name: good[at + name] for name in ("format", *TEXTS)}
    told |= {name: good[at + name] or 0 for name in NUMBERS}
    return Creative(id=look_id, duration_ms=good[f"{at}seconds"], **told)


def look_ids(values: Mapping[str, str], looks: int) -> list[str]:
    """The id of each: as it was, or one that no other has."""
    told = [values.get(f"look{i}_id", "") for i in range(looks)]
    free = (f"look{number}" for number in range(1, 10**6) if f"look{number}" not in told)
    return [one or next(free) for one in told]


def ad_of(good: Mapping[str, Any], base: Ad, values: Mapping[str, str], kept: AbstractSet[str] = frozenset()) -> Ad:
    """The ad that checked fields mean. values: as they were sent, for the creatives' ids; a creative whose format is
    none is taken away; base, kept: as `draft.campaign_of` has them."""
    looks = looks_in(good)
    creatives = tuple(
        creative_of(good, i, look_id)
        for i, look_id in enumerate(look_ids(values, looks)) if good[f"look{i}_format"]
    )  # fmt: skip
    return replace(base, creatives=creatives, **made(PARTS, good, kept))
