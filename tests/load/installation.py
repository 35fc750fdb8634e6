"""A small real installation for loads: a catalog whose ads fit banners and shop pages, and requests that ask much."""

from pathlib import Path
from typing import Any

from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.catalog.store import CatalogStore
from adcascade.settings import FILE, load_settings

WHEN = "2025-06-15T15:06:40Z"
AUCTION = {"auctions": [{"type": "listings", "slots": 2}]}


def make_catalog(folder: Path, *, campaigns: int = 40, billing: str = "impression") -> None:
    """So many campaigns with money for a day and two ads each; clicks faster than a person's count here."""
    if not (folder / FILE).exists():
        (folder / FILE).write_text("[traffic]\nenabled = false\n")
    looks = (
        Creative(id="product", title="look"),
        Creative(id="banner", format="banner", title="b", image_url="https://v.example/b.png", width=300, height=250),
    )
    with CatalogStore(load_settings(folder).catalog_url) as store:
        store.put(
            [Advertiser(id="v", domain="v.example")],
            [
                Campaign(id=f"k{n}", advertiser="v", billing=billing, bid_micros=500_000, daily_budget_micros=10**13)  # type: ignore[arg-type]
                for n in range(campaigns)
            ],
            [
                Ad(
                    id=f"k{n}-{m}",
                    campaign=f"k{n}",
                    product=f"p{n}-{m}",
                    title="shoe",
                    url="https://v.example/x",
                    creatives=looks,
                )
                for n in range(campaigns)
                for m in range(2)
            ],
        )


def bid_request(number: int, *, imps: int = 1, tmax: int = 120) -> dict[str, Any]:
    """An OpenRTB request for so many banners."""
    banner = {"w": 300, "h": 250}
    return {
        "id": f"load-{number}",
        "tmax": tmax,
        "cur": ["USD"],
        "imp": [{"id": str(place), "banner": banner} for place in range(1, imps + 1)],
        "site": {"domain": "news.example"},
    }


def impressions(name: str, tokens: list[str]) -> dict[str, Any]:
    """A body of impressions, ids made of a name."""
    return {
        "impressions": [
            {"id": f"{name}-{place}", "resolvedBidId": token, "occurredAt": WHEN} for place, token in enumerate(tokens)
        ]
    }
