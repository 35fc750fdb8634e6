"""The four kinds of nouns that a catalog holds, in the order in which they name each other."""

from typing import Literal

from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign

Kind = Literal["advertisers", "campaigns", "ad_groups", "ads"]
Noun = Advertiser | Campaign | AdGroup | Ad

KINDS: tuple[Kind, ...] = ("advertisers", "campaigns", "ad_groups", "ads")  # what a kind names stands before it
NOUN_OF: dict[Kind, type[Noun]] = {"advertisers": Advertiser, "campaigns": Campaign, "ad_groups": AdGroup, "ads": Ad}
ONE_OF: dict[Kind, str] = {"advertisers": "advertiser", "campaigns": "campaign", "ad_groups": "ad_group", "ads": "ad"}


def name_of(noun: Noun) -> str:
    """What a person calls it: its name, or an ad's title."""
    return noun.title if isinstance(noun, Ad) else noun.name
