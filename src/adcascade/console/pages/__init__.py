"""The pages in the order of the navigation; the first one stands at "/"."""

from adcascade.console.page import Page
from adcascade.console.pages import access, campaigns, cascade, ledger, market, models, overview, reports

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    campaigns.PAGE,
    reports.PAGE,
    ledger.PAGE,
    cascade.PAGE,
    models.PAGE,
    market.PAGE,
    access.PAGE,
)
