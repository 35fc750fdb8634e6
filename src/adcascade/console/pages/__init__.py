"""The pages in the order of the navigation; the first one stands at "/"."""

from adcascade.console.page import Page
from adcascade.console.pages import (
    access,
    campaigns,
    cascade,
    experiments,
    ledger,
    market,
    models,
    overview,
    reports,
)
from adcascade.console.pages.cascade import ad

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    campaigns.PAGE,
    reports.PAGE,
    ledger.PAGE,
    cascade.PAGE,
    ad.PAGE,
    models.PAGE,
    experiments.PAGE,
    market.PAGE,
    access.PAGE,
)
