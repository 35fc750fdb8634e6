"""Forms of campaigns and ads over the small shop: what is typed is what is saved, by the rules and rights of the API."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from msgspec.structs import replace
from tests.console.conftest import Browser, Open
from tests.server.shop import NOW

from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative, FrequencyCap, Targeting
from adcascade.server.admin.app import Admin

Key = Callable[..., tuple[str, str]]
FIELD = re.compile(
    r'<input type="(?P<type>\w[\w-]*)"[^>]*?value="(?P<value>[^"]*)"[^>]*?name="(?P<name>[^"]+)"'
    r'|<input type="hidden" name="(?P<hidden>[^"]+)" value="(?P<told>[^"]*)"'
    r'|<select id="[^"]+" name="(?P<select>[^"]+)".*?</select>'
    r'|<textarea[^>]*?name="(?P<area>[^"]+)"[^>]*>(?P<text>[^<]*)</textarea>',
    re.DOTALL,
)
CHOSEN = re.compile(r'<option value="([^"]*)" selected>')
FIRST = re.compile(r'<option value="([^"]*)"')


def fields_in(page: str) -> dict[str, str]:
    """What a browser would send of the page's form, as it was shown."""
    form = page.split('<form class="fields wide"')[1].split("</form>")[0]
    told: dict[str, str] = {}
    for one in FIELD.finditer(form):
        if one["hidden"]:
            told[one["hidden"]] = one["told"]
        elif one["select"]:
            told[one["select"]] = (CHOSEN.findall(one[0]) or FIRST.findall(one[0]))[0]
        elif one["area"]:
            told[one["area"]] = one["text"]
        else:
            told[one["name"]] = one["value"]
    told.pop("csrf")
    return {name: unescape(value) for name, value in told.items()}


@pytest.fixture
def manager(opened: Open, key: Key) -> Browser:
    """Somebody who may write."""
    browser = opened()
    browser.sign_in(key("manager")[1])
    return browser


GOOD = {"name": "Summer", "advertiser": "Veloce", "id": "summer", "bid": "0.50", "daily": "20", "total": "100.000001"}


def test_a_whole_campaign_is_made_by_one_form(manager: Browser, admin: Admin) -> None:
    """With its ad and creative, money exact, times of the advertiser's zone, keywords as the catalog writes them; the
    log names who did it; sent twice, it is there once."""
    admin.catalog.put([Advertiser(id="v", name="Veloce", timezone="Europe/Berlin")])
    told = fields_in(manager.get("/campaign-new").text) | GOOD
    told |= {
        "start": "2026-07-01T08:00", "times": "mon-fri 08:00-18:30\r\nsat", "countries": "DE\r\n\r\nAT",
        "keywords_exact": "red shoe", "keywords_phrase": "shoe", "cap0_times": "3", "cap0_many": "2",
        "ad_title": "Shoe", "ad_url": "https://v.example/s", "ad_price": "49.9", "ad_attributes": "colour: red\nsize: 42",
        "look0_format": "banner", "look0_image_url": "https://img.example/s.png", "look0_width": "300",
        "look0_height": "250",
    }  # fmt: skip
    for _ in range(2):
        answer = manager.send("/campaign-new", told)
        assert answer.headers.get("location") == "/campaigns/summer", answer.text
    campaign = admin.catalog.find_campaign("summer")
    assert campaign == Campaign(
        id="summer", advertiser="v", name="Summer", bid_micros=500_000, daily_budget_micros=20_000_000,
        total_budget_micros=100_000_001, start_us=1_782_885_600_000_000,
        caps=(FrequencyCap(impressions=3, window_s=172_800),),
        targeting=Targeting(
            countries=("DE", "AT"), times=("mon-fri 08:00-18:30", "sat"), keywords=("shoe", "exact:red shoe")
        ),
    )  # fmt: skip
    ads = [ad for _, ad in admin.catalog.ads()]
    assert ads == [
        Ad(
            id=told["ad_id"], campaign="summer", title="Shoe", url="https://v.example/s", price_micros=49_900_000,
            attributes={"colour": "red", "size": 42.0}, creatives=(
                Creative(id="look1", format="banner", image_url="https://img.example/s.png", width=300, height=250),
            ),
        )
    ]  # fmt: skip
    line = admin.catalog.history("campaigns", "summer")
    assert [(one.action, one.who.endswith(":manager 0"), one.time_us) for one in line] == [("create", True, NOW)]
