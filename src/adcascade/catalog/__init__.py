"""Advertisers, campaigns, ads, creatives; their store and the snapshot that serving reads."""

from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative, Targeting

__all__ = ["Ad", "Advertiser", "Campaign", "Creative", "Targeting"]
