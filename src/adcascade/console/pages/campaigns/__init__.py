"""Campaigns: the list, one of them, and what is done to many at once. Each file brings its routes.

A campaign's id may be any text, "new" too: what is no campaign stands beside `/campaigns/`, never below it.
"""

from collections.abc import Sequence

from adcascade.console.page import At, Page
from adcascade.console.pages.campaigns import ads, editing, forecast, many, one, payers, previews, switching

ROUTES: Sequence[At] = (
    *many.ROUTES, *switching.ROUTES, *one.ROUTES, *forecast.ROUTES,
    *editing.ROUTES, *payers.ROUTES, *ads.ROUTES, *previews.ROUTES,
)  # fmt: skip
PAGE = Page(name="campaigns", title="Campaigns", path="/campaigns", needs="catalog:read", routes=ROUTES)
