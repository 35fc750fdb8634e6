"""Advertisers, campaigns, ad groups, ads, creatives; their store and the snapshot that serving reads."""

from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, Creative, FrequencyCap, Offer, Targeting

__all__ = ["Ad", "AdGroup", "Advertiser", "Campaign", "Creative", "FrequencyCap", "Offer", "Targeting"]
