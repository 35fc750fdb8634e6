"""The pages in the order of the navigation; the first one stands at "/"."""

from adcascade.console.page import Page
from adcascade.console.pages import (
    access,
    campaigns,
    cascade,
    cascade_ad,
    experiments,
    ledger,
    market,
    models,
    overview,
    reports,
)

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    campaigns.PAGE,
    reports.PAGE,
    ledger.PAGE,
    cascade.PAGE,
    cascade_ad.PAGE,
    models.PAGE,
    experiments.PAGE,
    market.PAGE,
    access.PAGE,
)
