"""Log: the newest traffic with what the catalog says of it.

To read twenty thousand auctions takes about a second, and to forecast from them some hundredths of one: whoever tries
bid after bid keeps it a while (console/kept.py) and waits once.
"""

from pathlib import Path

import numpy as np

from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign
from adcascade.catalog.pages import MOST, Filters
from adcascade.catalog.store import CatalogStore
from adcascade.forecast.bars import Rules
from adcascade.forecast.draft import Draft
from adcascade.forecast.forecast import Forecast, forecast
from adcascade.forecast.sample import sampled
from adcascade.forecast.traffic import NOBODY, Log, Places, traffic_of
from adcascade.settings import AuctionSettings


def read_log(journal: Path, store: CatalogStore) -> Log | None:
    """The newest traffic; None where there is none. Raises StoreError where log or catalog cannot be read."""
    sample = sampled(journal)
    if sample is None:
        return None
    traffic = traffic_of(sample)
    return Log(traffic, places_of(traffic.rows.tolist(), store))


def places_of(rows: list[int], store: CatalogStore) -> Places:
    """What the catalog says of these rows, in their order."""
    found = store.ad_places(rows)
    names = sorted({place.campaign for place in found.values()})
    nouns = {name: stored.noun for name, stored in store.find_many("campaigns", names).items()}
    campaigns = [noun for name in names if isinstance(noun := nouns.get(name), Campaign)]
    number = {campaign.id: n for n, campaign in enumerate(campaigns)}
    categories = {category: n for n, category in enumerate(sorted({"", *(one.category for one in found.values())}))}
    told = [found.get(row) for row in rows]
    owner = np.array([NOBODY if one is None else number.get(one.campaign, NOBODY) for one in told], np.int64)
    by_click = np.array([*(campaign.billing == "click" for campaign in campaigns), True], np.bool_)
    return Places(
        campaign=owner,
        per_click=by_click[owner],
        category=np.array([categories["" if one is None else one.category] for one in told], np.int64),
        campaigns=tuple(campaign.id for campaign in campaigns),
        advertisers=tuple(campaign.advertiser for campaign in campaigns),
        categories=tuple(categories),
    )


def drafted(store: CatalogStore, campaign: Campaign, ads: tuple[Ad, ...], advertiser: Advertiser) -> Draft:
    """The draft with its ad groups, and with the campaign as the catalog holds it."""
    groups = store.page("ad_groups", filters=Filters(campaign=campaign.id), limit=MOST).nouns
    return Draft(
        campaign=campaign,
        advertiser=advertiser,
        ads=ads,
        groups=tuple(one.noun for one in groups if isinstance(one.noun, AdGroup)),
        before=store.find_campaign(campaign.id),
    )


def ads_of(store: CatalogStore, campaign: str) -> tuple[Ad, ...]:
    """Its ads; of more than a page of the catalog holds, the first."""
    page = store.page("ads", filters=Filters(campaign=campaign), limit=MOST)
    return tuple(one.noun for one in page.nouns if isinstance(one.noun, Ad))


def foretold(log: Log, store: CatalogStore, draft: Draft, rules: Rules) -> Forecast:
    """The forecast of a draft, whose ads may be in the catalog or not."""
    rows = store.ad_rows([ad.id for ad in draft.ads])
    return forecast(log, draft, rows, rules)


def rules_of(auction: AuctionSettings) -> Rules:
    """How the installation sells."""
    return Rules(rule=auction.rule, reserve_micros=auction.reserve_micros, one_per=auction.one_per)
