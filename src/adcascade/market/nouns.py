"""The market's advertisers, campaigns and ads in the nouns of the catalog, and its views as requests."""

from dataclasses import dataclass

import numpy as np

from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative, Targeting
from adcascade.contracts.request import AdRequest, Slot
from adcascade.market.ads import Ads
from adcascade.market.arrays import Flags
from adcascade.market.categories import CategoryTree
from adcascade.market.clock import MICROS
from adcascade.market.config import MarketConfig
from adcascade.market.economy import Economy
from adcascade.market.pictures import data_uri
from adcascade.market.scenarios import MOST_SLOTS, Scenarios
from adcascade.market.shoppers import People, Shoppers
from adcascade.market.views import PageViews
from adcascade.market.words import AGES, BRANDS, COUNTRIES, DEVICES, GENDERS


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogState:
    """What the catalog holds at one tick."""

    advertisers: list[Advertiser]
    campaigns: list[Campaign]
    ads: list[Ad]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogChanges:
    """What to put into the catalog and what to remove when a tick begins; ids are those of the nouns."""

    advertisers: list[Advertiser]
    campaigns: list[Campaign]
    ads: list[Ad]
    removed_ads: list[str]
    removed_campaigns: list[str]
    removed_advertisers: list[str]


def advertisers(config: MarketConfig) -> list[Advertiser]:
    """All advertisers that ever live."""
    return [
        Advertiser(id=f"v{i}", name=brand_of(i), domain=f"{brand_of(i).lower().replace(' ', '')}.example")
        for i in range(config.advertisers)
    ]


def brand_of(advertiser: int) -> str:
    """The brand of an advertiser: one each."""
    round_, number = divmod(advertiser, len(BRANDS))
    return BRANDS[number] + (f" {round_ + 1}" if round_ else "")


def campaigns(
    config: MarketConfig, tree: CategoryTree, scenarios: Scenarios, ads: Ads, economy: Economy
) -> list[Campaign]:
    """All campaigns that ever live."""
    owner = np.zeros(config.campaigns, np.int64)
    owner[ads.campaign] = ads.advertiser
    bid = np.zeros(config.campaigns, np.int64)
    np.maximum.at(bid, ads.campaign, economy.bid_micros)
    targets = economy.targets
    return [
        Campaign(
            id=f"c{i}",
            advertiser=f"v{owner[i]}",
            name=f"{brand_of(int(owner[i]))} {i}",
            billing="impression" if economy.per_impression[i] else "click",
            bid_micros=int(bid[i]),
            daily_budget_micros=int(economy.daily_budget_micros[i]),
            targeting=Targeting(
                scenarios=_named(targets.scenario[i], scenarios.names),
                devices=_named(targets.device[i], DEVICES),
                countries=_named(targets.country[i], COUNTRIES),
                keywords=_named(targets.keyword[i], (*tree.words, "")),
            ),
        )
        for i in range(config.campaigns)
    ]


def _named(allowed: Flags, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of what is allowed; empty if everything is."""
    return () if allowed.all() else tuple(name for name, yes in zip(names, allowed, strict=True) if yes)


def ad_nouns(config: MarketConfig, tree: CategoryTree, ads: Ads, economy: Economy) -> list[Ad]:
    """All ads that ever live, in the order of their numbers."""
    return [_ad(config, tree, ads, economy, i) for i in range(len(ads))]


def _ad(config: MarketConfig, tree: CategoryTree, ads: Ads, economy: Economy, i: int) -> Ad:
    """One ad. Its picture vector is the look of the first creative; its rating is a noisy view of its quality."""
    brand = brand_of(int(ads.advertiser[i]))
    title = " ".join((brand, *(tree.words[word] for word in ads.words[i])))
    path = tree.paths[ads.category[i]]
    return Ad(
        id=f"a{i}",
        campaign=f"c{ads.campaign[i]}",
        product=f"p{i}",
        category=path,
        brand=brand,
        title=title,
        url=f"https://{brand.lower().replace(' ', '')}.example/p{i}",
        price_micros=int(ads.price_micros[i]),
        bid_micros=int(economy.bid_micros[i]),
        keywords=tuple(tree.words[word] for word in ads.words[i, 1:]),
        creatives=tuple(
            Creative(
                id=f"a{i}-{c}",
                title=title,
                image_url=data_uri(ads.picture[i, c])
                if config.embed_pictures
                else f"https://pictures.example/a{i}-{c}.png",
                width=8,
                height=8,
            )
            for c in range(ads.creatives[i])
        ),
        picture=tuple(float(x) for x in ads.look[i, 0]),
        attributes={"department": path.split("/")[0], "rating": round(float(ads.rating[i]), 1)},
    )


@dataclass(frozen=True, slots=True)
class RequestWriter:
    """Writes page views as the requests that a page would send."""

    config: MarketConfig
    tree: CategoryTree
    scenarios: Scenarios
    shoppers: Shoppers

    def requests(self, views: PageViews) -> list[AdRequest]:
        """One request a view. Without consent it holds neither user nor what is known about the user."""
        people = self.shoppers.people(views.user)
        floor = round(self.config.floor_usd_per_thousand * MICROS)
        places = tuple(Slot(id=str(k + 1), floor_micros=floor) for k in range(MOST_SLOTS))
        return [self._request(views, people, i, places) for i in range(len(views))]

    def _request(self, views: PageViews, people: People, i: int, places: tuple[Slot, ...]) -> AdRequest:
        """The request of view i."""
        consent = bool(views.consent[i])
        category = views.category[i]
        return AdRequest(
            id=f"r{views.view[i]}",
            time_us=int(views.time_us[i]),
            slots=places[: views.slots[i]],
            scenario=self.scenarios.names[views.scenario[i]],
            user=f"u{views.user[i]}" if consent else None,
            query=" ".join(self.tree.words[word] for word in views.query[i] if word >= 0),
            category=self.tree.paths[category] if category >= 0 else "",
            device=DEVICES[views.device[i]],
            country=COUNTRIES[views.country[i]],
            context=self._visible(people, i) if consent else {},
            organic=tuple(f"p{ad}" for ad in views.organic[i] if ad >= 0),
        )

    def _visible(self, people: People, i: int) -> dict[str, str | float]:
        """The visible attributes of shopper i that are known."""
        return {
            **_known("age", people.seen_age[i], AGES),
            **_known("gender", people.seen_gender[i], GENDERS),
            **_known("segment", people.seen_segment[i], self.tree.departments),
        }


def _known(name: str, number: np.integer, names: tuple[str, ...]) -> dict[str, str | float]:
    """The attribute, if it is known."""
    return {name: names[number]} if number >= 0 else {}
