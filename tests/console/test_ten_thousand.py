"""With 10,000 campaigns of 1,000 advertisers no page and no part sends more than a person can look at."""

from collections.abc import Callable

import pytest
from tests.console.conftest import Browser, Open

from adcascade.catalog.nouns import Advertiser, Campaign
from adcascade.server.admin.app import Admin

CAMPAIGNS, ADVERTISERS = 10_000, 1_000
ROWS, BYTES = 50, 200_000
PATHS = (
    "/campaigns",
    "/campaigns?sort=-name",
    "/campaigns?search=campaign+99",
    "/campaigns?sort=changed&status=active",
    "/ledger",
    "/ledger?sort=-free&search=house",
    "/wallets?sort=advertiser",
    "/reports",
)


@pytest.fixture
def browser(admin: Admin, opened: Open, key: Callable[..., tuple[str, str]]) -> Browser:
    """An administrator's, before a large house."""
    admin.catalog.put(
        [Advertiser(id=f"a{number:04}", name=f"House number {number}") for number in range(ADVERTISERS)],
        [
            Campaign(
                id=f"c{number:05}", advertiser=f"a{number % ADVERTISERS:04}", name=f"Campaign {number}", bid_micros=1
            )
            for number in range(CAMPAIGNS)
        ],
    )
    one = opened()
    one.sign_in(key()[1])
    return one


def test_every_page_of_a_large_house_is_small(browser: Browser) -> None:
    """At most 50 rows and 200 kB, whatever is sorted or searched; with "Show more" where there are more."""
    for path in PATHS:
        page = browser.get(path)
        assert page.status_code == 200, path
        rows = page.text.count('<th scope="row">')
        assert rows <= ROWS, path
        assert len(page.content) < BYTES, path
        if path.startswith(("/campaigns", "/ledger", "/wallets")):
            assert rows == ROWS, path
            assert "Show more" in page.text, path
