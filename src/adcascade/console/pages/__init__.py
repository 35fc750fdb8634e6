"""The pages in the order of the navigation; the first one stands at "/"."""

from adcascade.console.page import Page
from adcascade.console.pages import access, models, overview

PAGES: tuple[Page, ...] = (overview.PAGE, models.PAGE, access.PAGE)
