"""The pages in the order of the navigation; the first one stands at "/"."""

from adcascade.console.page import Page
from adcascade.console.pages import access, ledger, overview

PAGES: tuple[Page, ...] = (overview.PAGE, ledger.PAGE, access.PAGE)
