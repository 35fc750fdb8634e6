"""Campaigns: the list, one of them, and what is done to many at once. Each file brings its routes.

A campaign's id may be any text, "new" too: what is no campaign stands beside `/campaigns/`, never below it.
"""

from collections.abc import Sequence

from adcascade.console.page import At, Page
from adcascade.console.pages.campaigns import forecast, many, one, switching

ROUTES: Sequence[At] = (*many.ROUTES, *switching.ROUTES, *one.ROUTES, *forecast.ROUTES)
PAGE = Page(name="campaigns", title="Campaigns", path="/campaigns", needs="catalog:read", routes=ROUTES)
