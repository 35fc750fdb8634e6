"""Creatives for exchanges: the market's ads have looks for a shop's own pages; these make them fit for OpenRTB too."""

import msgspec

from adcascade.catalog.nouns import Ad, Creative

BANNERS = ((300, 250), (728, 90), (320, 50))  # pixels


def with_exchange_creatives(ad: Ad) -> Ad:
    """The ad with a banner of each usual size and a native creative behind its own looks, whose numbers stay."""
    picture = ad.creatives[0].image_url if ad.creatives else ""
    banners = tuple(
        Creative(id=f"{ad.id}-{w}x{h}", format="banner", title=ad.title, image_url=picture, width=w, height=h)
        for w, h in BANNERS
    )
    native = Creative(id=f"{ad.id}-native", format="native", title=ad.title, image_url=picture)
    return msgspec.structs.replace(ad, creatives=(*ad.creatives, *banners, native))
