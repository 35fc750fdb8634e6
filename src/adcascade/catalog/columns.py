"""The raw ad-side feature columns of ads, as `features` reads them in training and in serving."""

from collections.abc import Iterable, Sequence

import msgspec

from adcascade.catalog.nouns import Ad, Campaign

MICROS = 1_000_000


def ad_columns(
    ads: Sequence[Ad | None], campaigns: Sequence[Campaign | None], attributes: Iterable[str]
) -> dict[str, list[object]]:
    """One list of len(ads) per column; None is "missing", and all there is of an ad that was removed.

    ad, campaign, advertiser, ad_category, ad_department (the first part of the category), brand, title:
    texts; price: units of the currency; picture: list of floats; and each of `attributes`.
    """
    columns: dict[str, list[object]] = {
        "ad": [ad and ad.id for ad in ads],
        "campaign": [campaign and campaign.id for campaign in campaigns],
        "advertiser": [campaign and campaign.advertiser for campaign in campaigns],
        "ad_category": [(ad and ad.category) or None for ad in ads],
        "ad_department": [(ad and ad.category.partition("/")[0]) or None for ad in ads],
        "brand": [(ad and ad.brand) or None for ad in ads],
        "price": [None if ad is None else ad.price_micros / MICROS for ad in ads],
        "title": [(ad and ad.title) or None for ad in ads],
        "picture": [list(ad.picture) if ad is not None and ad.picture else None for ad in ads],
    }
    for name in attributes:
        columns[name] = [None if ad is None else ad.attributes.get(name) for ad in ads]
    return columns


def same_columns(old: Ad, new: Ad) -> bool:
    """Whether nothing changed that features, or rules of retrieval, read of an ad that keeps its id and campaign."""
    return new == msgspec.structs.replace(
        old,
        stock=new.stock,
        margin_micros=new.margin_micros,
        bid_micros=new.bid_micros,
        status=new.status,
        url=new.url,
        iab=new.iab,
        creatives=new.creatives,
    )
