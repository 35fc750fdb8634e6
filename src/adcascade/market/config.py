"""Every dial of the simulated world, with what it does. A dial of an effect at 0 switches the effect off exactly."""

from dataclasses import dataclass, fields

from adcascade.errors import InputError
from adcascade.market.dials import check, dial, dial_of


@dataclass(frozen=True, kw_only=True)
class MarketConfig:
    """Sizes (U users, A ads, S scenarios, M organic), effects in log-odds, and money of the market."""

    # --- sizes
    users: int = dial(3_000, "Shoppers alive at any time.", "size", most=200_000, first=True)
    ads: int = dial(2_600, "Ads over the market's life.", "size", most=50_000, first=True)
    campaigns: int = dial(400, "At most as many as ads.", "size", most=20_000, first=True)
    advertisers: int = dial(120, "At most as many as campaigns.", "size", most=20_000)
    scenarios: int = dial(12, "Kinds of page; the first few are big, the others a long tail.", "size", most=50)
    life_ticks: int = dial(
        2_016,
        "The time over which ads come and go; 2,016 are 14 days.",
        "size",
        most=20_160,
        unit="10 minutes each",
    )
    views_per_tick: float = dial(60.0, "Page views per 10 minutes, mean over the day.", most=5_000, first=True)
    ads_alive_share: float = dial(0.77, "Of all ads, how many live at the same time.", "share")
    user_life_days: float = dial(
        45.0, "Mean time before a shopper leaves and a new one takes the place.", "size", most=3_650
    )
    no_consent_share: float = dial(0.04, "Views whose request does not name the user.", "share")
    organic: int = dial(4, "Organic items around the slots.", "size", most=20)

    # --- what makes a click, in log-odds
    base_ctr: float = dial(0.035, "Mean true CTR of a random ad in the first slot.", "probability", first=True)
    interest_strength: float = dial(
        3.6, "A full match of the shopper's interest and the ad.", most=20, unit="log-odds", first=True
    )
    context_strength: float = dial(1.8, "The ad is of the page's (or the query's) category.", most=20, unit="log-odds")
    query_strength: float = dial(
        1.0, "Every word of the query stands in the ad's title or keywords.", most=20, unit="log-odds"
    )
    quality_strength: float = dial(0.28, "One standard deviation of the ad's latent quality.", most=20, unit="log-odds")
    price_strength: float = dial(
        0.12, "Squared distance between the ad's price level and the shopper's.", most=20, unit="log-odds"
    )
    picture_strength: float = dial(
        0.25, "One standard deviation of the look of the creative.", most=20, unit="log-odds"
    )
    device_strength: float = dial(0.1, "Difference between devices.", most=20, unit="log-odds")
    position_decay: float = dial(
        0.55, "Examination of slot k is (k + 1) to the minus this, times the scenario's own factor.", most=5, first=True
    )
    neighbour_strength: float = dial(
        0.3, "Same-category neighbours cannibalise, attractive ones draw attention.", most=20, unit="log-odds",
        first=True,
    )  # fmt: skip
    scenario_spread: float = dial(
        0.35, "How much scenarios differ in click level and weights.", most=3, unit="log scale"
    )
    noise: float = dial(0.25, "Mood of each view that nothing visible tells.", most=10, unit="log-odds", first=True)
    drift: float = dial(0.8, "How far interests swing over days; 0: they stay.", most=10, first=True)
    attribute_noise: float = dial(0.12, "Share of visible attributes that are wrong.", "share")

    # --- what makes a conversion
    base_cvr: float = dial(0.06, "Mean P(conversion | click) of a random ad.", "probability", first=True)
    conversion_strength: float = dial(1.0, "Multiplies everything that makes conversions differ.", most=10)
    delay: float = dial(1.0, "Multiplies the time from click to conversion; 0: at once.", most=20, first=True)
    delay_spread: float = dial(
        1.0, "How much the delay's law depends on price and category; 0: one law for all.", most=10
    )

    # --- money
    median_price_usd: float = dial(40.0, "Of the products.", most=100_000, unit="USD")
    median_daily_budget_usd: float = dial(30.0, "Of the campaigns.", most=1_000_000, unit="USD", first=True)
    bid_noise: float = dial(0.2, "Of the bid around its share of the value.", most=3, unit="log scale")
    impression_billing_share: float = dial(0.12, "Campaigns that pay per impression.", "share")
    targeting_share: float = dial(0.3, "Campaigns that are restricted to scenarios, devices or keywords.", "share")
    floor_usd_per_thousand: float = dial(
        0.2, "Of every slot, for a thousand impressions.", most=1_000, unit="USD", first=True
    )
    embed_pictures: bool = dial(False, "Put each creative's picture into its image_url as a data: URI.", "switch")

    def __post_init__(self) -> None:
        """Raise InputError for a dial that no world can have."""
        for field in fields(self):
            check(field.name, getattr(self, field.name), dial_of(field))
        if self.ads < self.campaigns:
            raise InputError("ads", self.ads, f"at least as many ads as campaigns, {self.campaigns}")
        if self.campaigns < self.advertisers:
            raise InputError(
                "campaigns", self.campaigns, f"at least as many campaigns as advertisers, {self.advertisers}"
            )
