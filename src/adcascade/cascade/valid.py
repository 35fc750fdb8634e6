"""From the settings to the filter of invalid traffic."""

from adcascade.events.traffic.filter import Limits, TrafficFilter
from adcascade.events.traffic.rules import Paces
from adcascade.sections import TrafficSettings
from adcascade.settings import Settings


def limits_of(traffic: TrafficSettings) -> Limits:
    """How much a person does."""
    return Limits(
        window_us=round(traffic.window_s * 1e6),
        user_clicks=traffic.user_clicks,
        source_clicks=traffic.source_clicks,
        source_impressions=traffic.source_impressions,
        bid_clicks=traffic.bid_clicks,
    )


def traffic_filter(settings: Settings) -> TrafficFilter:
    """The filter of the settings; ConfigurationError where one of its files cannot be used."""
    traffic = settings.traffic
    return TrafficFilter(
        limits_of(traffic),
        Paces(
            click_us=round(traffic.click_after_s * 1e6),
            late_impression_us=round(traffic.impression_after_click_s * 1e6),
        ),
        data_centres=settings.file(traffic.data_centres),
        agents=settings.file(traffic.agents),
        own=traffic.own_networks,
    )
