"""Every dial of the simulated world, with what it does. A dial of an effect at 0 switches the effect off exactly."""

from dataclasses import dataclass, fields

from adcascade.errors import InputError

_AT_LEAST_ONE = ("users", "ads", "campaigns", "advertisers", "scenarios", "life_ticks", "user_life_days", "organic")


@dataclass(frozen=True, kw_only=True)
class MarketConfig:
    """Sizes, effects in log-odds, and money of the market."""

    # --- sizes
    users: int = 3_000  # shoppers alive at any time, U
    ads: int = 2_600  # ads over the market's life, A
    campaigns: int = 400
    advertisers: int = 120
    scenarios: int = 12  # S; the first few are big, the others a long tail
    life_ticks: int = 2_016  # 14 days: the time over which ads come and go
    views_per_tick: float = 60.0  # page views per 10 minutes, mean over the day
    ads_alive_share: float = 0.77  # of all ads, how many live at the same time
    user_life_days: float = 45.0  # mean time before a shopper leaves and a new one takes the place
    no_consent_share: float = 0.04  # views whose request does not name the user
    organic: int = 4  # organic items around the slots, M

    # --- what makes a click, in log-odds
    base_ctr: float = 0.035  # mean true CTR of a random ad in the first slot
    interest_strength: float = 3.6  # a full match of the shopper's interest and the ad
    context_strength: float = 1.8  # the ad is of the page's (or the query's) category
    query_strength: float = 1.0  # every word of the query stands in the ad's title or keywords
    quality_strength: float = 0.28  # one standard deviation of the ad's latent quality
    price_strength: float = 0.12  # squared distance between the ad's price level and the shopper's
    picture_strength: float = 0.25  # one standard deviation of the look of the creative
    device_strength: float = 0.1  # difference between devices
    position_decay: float = 0.55  # examination of slot k is (k + 1) ** -decay, times the scenario's own factor
    neighbour_strength: float = 0.3  # same-category neighbours cannibalise, attractive ones draw attention
    scenario_spread: float = 0.35  # how much scenarios differ in click level and weights (log scale)
    noise: float = 0.25  # per-view mood that nothing visible tells
    drift: float = 0.8  # how far interests swing over days; 0: they stay
    attribute_noise: float = 0.12  # share of visible attributes that are wrong

    # --- what makes a conversion
    base_cvr: float = 0.06  # mean P(conversion | click) of a random ad
    conversion_strength: float = 1.0  # multiplies everything that makes conversions differ
    delay: float = 1.0  # multiplies the time from click to conversion; 0: at once
    delay_spread: float = 1.0  # how much the delay's law depends on price and category; 0: one law for all

    # --- money, in USD
    median_price_usd: float = 40.0  # of the products
    median_daily_budget_usd: float = 30.0  # of the campaigns
    bid_noise: float = 0.2  # log scale, of the bid around its share of the value
    impression_billing_share: float = 0.12  # campaigns that pay per impression
    targeting_share: float = 0.3  # campaigns that are restricted to scenarios, devices or keywords
    floor_usd_per_thousand: float = 0.2  # of every slot
    embed_pictures: bool = False  # put each creative's picture into its image_url as a data: URI

    def __post_init__(self) -> None:
        """Raise InputError for a dial that no world can have."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0:
                raise InputError(field.name, value, "a number from 0 upward")
            if field.name in _AT_LEAST_ONE and value < 1:
                raise InputError(field.name, value, "at least 1")
            if field.name.endswith("_share") and value > 1:
                raise InputError(field.name, value, "a share from 0 to 1")
        for name in ("base_ctr", "base_cvr"):
            if not 0 < getattr(self, name) < 0.5:
                raise InputError(name, getattr(self, name), "a probability above 0 and below 0.5")
        if self.ads < self.campaigns or self.campaigns < self.advertisers:
            raise InputError("ads", self.ads, "at least as many ads as campaigns and campaigns as advertisers")
