"""Forms of campaigns and ads over the small shop: what is typed is saved, by the rules and rights of the API."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from tests.console.conftest import URL, Browser, Open
from tests.server.shop import NOW, Shop

from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative, FrequencyCap, Targeting
from adcascade.console.console import Console
from adcascade.console.form import Form
from adcascade.console.history import History
from adcascade.console.machine import Machine
from adcascade.console.market_runs import MarketRuns
from adcascade.console.page import At, Desk, Download, Page, Visit
from adcascade.console.pages import PAGES
from adcascade.console.pages.campaigns.drafting import drafted
from adcascade.console.pages.campaigns.form_page import FormPage
from adcascade.console.render import Frame, Renderer
from adcascade.server.admin.app import Admin
from adcascade.server.app import create_app
from adcascade.server.front import Inside
from adcascade.server.options import ServerOptions
from adcascade.settings import Settings

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
    form = page.partition('<form class="fields wide"')[2].partition("</form>")[0]
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
        "ad_title": "Shoe", "ad_url": "https://v.example/s", "ad_price": "49.9",
        "ad_attributes": "colour: red\nsize: 42",
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


def test_a_campaign_of_a_new_advertiser(manager: Browser, admin: Admin) -> None:
    """Made together, on its clock; a name that there is twice, both, or none, is said at its field."""
    told = fields_in(manager.get("/campaign-new").text) | GOOD
    told |= {"advertiser": "", "payer_name": "Neu", "payer_zone": "Asia/Tokyo", "start": "2026-07-01T09:00"}
    assert manager.send("/campaign-new", told).status_code == 303
    made = admin.catalog.find_campaign("summer")
    assert made is not None
    assert made.start_us == 1_782_864_000_000_000
    assert admin.catalog.find_advertiser(made.advertiser) == Advertiser(
        id=made.advertiser, name="Neu", timezone="Asia/Tokyo"
    )
    admin.catalog.put([Advertiser(id="v2", name="Veloce")])
    for typed in ({"advertiser": "Veloce"}, {"advertiser": ""}, {"advertiser": "nobody"}):
        answer = manager.send("/campaign-new", told | {"id": "x", "payer_name": ""} | typed)
        assert (answer.status_code, answer.text.count('aria-invalid="true"')) == (422, 1)
        assert '<a href="#advertiser">' in answer.text
    both = manager.send("/campaign-new", told | {"id": "x", "advertiser": "w"}).text
    assert '<a href="#payer_name">' in both


def test_everything_wrong_comes_back_at_once_and_nothing_typed_is_lost(manager: Browser, admin: Admin) -> None:
    """Each at its field, bound to it, in a summary with links, folded groups open; nothing is written."""
    typed = {
        "name": "Ä <b>", "advertiser": "v", "id": "v-k", "bid": "5", "daily": "2", "total": "1", "margin": "0",
        "end": "2001-01-01T00:00", "cities": "Köln\r\nBonn", "times": "noon", "ad_title": "", "ad_url": "ftp://x",
        "ad_price": "1", "ad_stock": "-1", "look0_format": "banner", "cap0_times": "0",
    }  # fmt: skip
    told = fields_in(manager.get("/campaign-new").text) | typed
    answer = manager.send("/campaign-new", told)
    assert answer.status_code == 422
    wrong = set(re.findall(r'<li><a href="#(\w+)">', answer.text))
    assert wrong == {
        "bid", "daily", "margin", "end", "times", "ad_url", "ad_stock", "look0_image_url", "cap0_times",
    }  # fmt: skip
    assert answer.text.count('aria-invalid="true"') == len(wrong)
    assert fields_in(answer.text) == told
    assert "<b>" not in answer.text
    assert answer.text.count('<details class="group" open') == 2  # cities, and the ad's stock
    taken = manager.send("/campaign-new", fields_in(manager.get("/campaign-new").text) | GOOD | {"id": "v-k"})
    assert (taken.status_code, "an id that no other has" in taken.text) == (422, True)
    assert admin.catalog.version == 1


def test_what_the_catalog_refuses_is_said_at_its_field(manager: Browser, admin: Admin) -> None:
    """A rule that only the catalog knows ends in words beside a field, never in a page of errors."""
    told = fields_in(manager.get("/campaign-ad-new/v-k").text) | {"ad_title": "t", "ad_attributes": "brand: x"}
    answer = manager.send("/campaign-ad-new/v-k", told)
    assert answer.status_code == 422
    assert '<a href="#ad_attributes">' in answer.text
    assert "another name than" in answer.text
    assert admin.catalog.version == 1


def test_one_more_row_keeps_everything_and_has_the_focus(manager: Browser, admin: Admin) -> None:
    """Limits and creatives, as many as one likes; nothing is checked or saved by it."""
    told = fields_in(manager.get("/campaign-new").text) | {"name": "kept", "bid": "x"}
    more = fields_in(manager.send("/campaign-new", told | {"more": "cap0"}).text)
    assert more == told | {"cap1_times": "", "cap1_many": "", "cap1_unit": "day", "cap1_level": "campaign"}
    page = manager.send("/campaign-new", more | {"more": "look0"}).text
    assert (page.count(" autofocus"), 'id="look1_format" name="look1_format"' in page) == (1, True)
    assert fields_in(page)["bid"] == "x"
    assert admin.catalog.version == 1


def test_words_beside_a_field_as_one_types(manager: Browser) -> None:
    """Its own, those of a rule, and those that a rule ties to it; an id that is taken; no such field."""
    told = fields_in(manager.get("/campaign-new").text) | {"bid": "5", "daily": "2"}

    def said(field: str, more: dict[str, str], path: str = "/campaign-check") -> str:
        return manager.send(f"{path}/{field}", told | more, hx_request="true").text

    assert 'data-trouble="bid"' in said("bid", {})
    assert "at most the daily budget, 2.00" in said("bid", {})
    assert 'id="bid-trouble" data-trouble="bid" role="status" hx-swap-oob="true"></p>' in said("daily", {"daily": "9"})
    assert "an id that no other campaign has" in said("id", {"id": "w-k"})
    assert "the id or the name of an advertiser" in said("advertiser", {"advertiser": "x"})
    assert "over this one" in said(
        "start", {"payer_name": "n", "payer_zone": "Europe/Berlin", "start": "2026-03-29T02:30"}
    )
    assert manager.send("/campaign-check/colour", told).status_code == 400
    ad = {"campaign": "v-k", "look0_format": "banner", "ad_id": "x"}
    assert "a picture: a banner is nothing else" in said("look0_image_url", ad, "/ad-check")


def test_a_form_that_is_saved_as_it_is_changes_nothing(manager: Browser, admin: Admin) -> None:
    """Not even what it cannot show; and one field that is changed is one field of the history."""
    caps = tuple(FrequencyCap(impressions=2, window_s=90 + i) for i in range(25))
    targeting = Targeting(keywords=("phrase:b", "exact:a", "c"), cities=("x", " y "))
    whole = Campaign(
        id="odd/<id>", advertiser="v", bid_micros=1, start_us=1_000_000_123_456, end_us=1_900_000_000_123_456,
        margin_share=1 / 3, caps=caps, targeting=targeting,
    )  # fmt: skip
    ad = Ad(id="many", campaign=whole.id, creatives=tuple(Creative(id=f"l{i}", title="t") for i in range(25)))
    admin.catalog.put([Advertiser(id="v", timezone="Asia/Kathmandu")], [whole], [ad])
    manager.send("/ad-edit/many", fields_in(manager.get("/ad-edit/many").text) | {"ad_stock": "1"})
    assert admin.catalog.find_ad("many") == replace(ad, stock=1)
    page = manager.get("/campaign-edit/odd%2F%3Cid%3E").text
    told = fields_in(page)
    answer = manager.send("/campaign-edit/odd%2F%3Cid%3E", told)
    assert answer.headers["location"] == "/campaigns/odd%2F%3Cid%3E"
    assert admin.catalog.find_campaign(whole.id) == whole
    manager.send("/campaign-edit/odd%2F%3Cid%3E", told | {"daily": "20"})
    assert admin.catalog.find_campaign(whole.id) == replace(whole, daily_budget_micros=20_000_000)
    history = manager.get("/campaigns/odd%2F%3Cid%3E").text
    assert "<td>20.00 USD</td>" in history


def test_nobodys_change_is_lost(manager: Browser, admin: Admin) -> None:
    """What another changed meanwhile is told and joined with what was typed; saved when it is sent again."""
    told = fields_in(manager.get("/campaign-edit/v-k").text)
    old = admin.catalog.find_campaign("v-k")
    assert old is not None
    admin.catalog.put(campaigns=[replace(old, name="theirs", bid_micros=700_000)])
    admin.catalog.put(campaigns=[replace(old, name="theirs", bid_micros=800_000, pacing="fast")])
    answer = manager.send("/campaign-edit/v-k", told | {"daily": "30", "bid": "0.60"})
    assert answer.status_code == 412
    assert "Both of you changed: Bid." in answer.text
    for words in ("<td>0.70 USD</td>", "<td>0.80 USD</td>", "<td>theirs</td>"):
        assert words in answer.text
    now = fields_in(answer.text)
    assert (now["name"], now["bid"], now["daily"], now["pacing"]) == ("theirs", "0.60", "30", "fast")
    saved = manager.send("/campaign-edit/v-k", now)
    assert saved.status_code == 303
    found = admin.catalog.find_campaign("v-k")
    assert found == replace(old, name="theirs", bid_micros=600_000, daily_budget_micros=30_000_000, pacing="fast")


def test_what_the_log_does_not_tell_is_said_so(manager: Browser, admin: Admin) -> None:
    """After an import of many the form keeps what was typed, says that it cannot tell the change, and saves over it."""
    told = fields_in(manager.get("/campaign-edit/v-k").text) | {"daily": "30"}
    old = admin.catalog.find_campaign("v-k")
    assert old is not None
    admin.catalog.put(campaigns=[replace(old, name="imported")], audit="summary")
    answer = manager.send("/campaign-edit/v-k", told)
    assert (answer.status_code, "The log does not tell all" in answer.text) == (412, True)
    assert manager.send("/campaign-edit/v-k", fields_in(answer.text)).status_code == 303
    assert admin.catalog.find_campaign("v-k") == replace(old, daily_budget_micros=30_000_000)
    assert manager.send("/campaign-edit/v-k", told | {"version": "x"}).status_code == 400


def test_who_may(opened: Open, key: Key, admin: Admin) -> None:
    """A viewer has no form and saves nothing; a key of one advertiser makes and edits its own alone."""
    viewer, agency = opened(), opened()
    viewer.sign_in(key("viewer")[1])
    agency.sign_in(key("manager", advertisers=("v",))[1])
    for path in ("/campaign-new", "/campaign-edit/v-k", "/campaign-ad-new/v-k", "/campaign-advertisers"):
        assert (viewer.get(path).status_code, agency.get(path).status_code) == (403, 200)
    assert "campaign-new" not in viewer.get("/campaigns").text
    assert "campaign-edit" not in viewer.get("/campaigns/v-k").text
    for path in ("/campaign-new?copy=w-k", "/campaign-edit/w-k", "/campaign-ad-new/w-k"):
        assert agency.get(path).status_code == 404
    assert "Wolle" not in agency.get("/campaign-advertisers?advertiser=").text
    page = agency.get("/campaign-new").text
    assert ("Wolle" in page, "payer_name" in page) == (False, False)
    told = fields_in(page) | GOOD
    token = agency.token("/campaigns")
    foreign: tuple[tuple[dict[str, str], int], ...] = (
        ({"advertiser": "w"}, 422), ({"id": "w-k"}, 403),
        ({"advertiser": "", "payer_name": "Neu", "payer_id": "w"}, 403),
    )  # fmt: skip
    for typed, status in foreign:
        assert agency.send("/campaign-new", told | typed, token).status_code == status
    assert viewer.send("/campaign-new", told).status_code == 403
    assert admin.catalog.version == 1
    assert agency.send("/campaign-new", told, token).status_code == 303
    assert "Veloce" in agency.get("/campaign-advertisers?advertiser=vel").text


def test_a_copy_is_another_campaign(manager: Browser, admin: Admin) -> None:
    """Filled with the other's texts, under an id of its own, and paused until somebody wants it."""
    admin.catalog.put(campaigns=[Campaign(id="v-k", advertiser="v", name="n", bid_micros=9, deals=("d",))])
    told = fields_in(manager.get("/campaign-new?copy=v-k").text)
    answer = manager.send("/campaign-new", told)
    made = admin.catalog.find_campaign(answer.headers["location"].removeprefix("/campaigns/"))
    assert made == Campaign(id=told["id"], advertiser="v", name="n (copy)", bid_micros=9, deals=("d",), status="paused")


LOOK = Creative(id="own", format="native", title="Run", image_url="https://img.example/a.png", width=600, height=500)


def test_an_ad_is_made_edited_and_paused(manager: Browser, admin: Admin) -> None:
    """Its creatives keep their ids, what the form does not ask for stays; two who edit it lose nothing."""
    told = fields_in(manager.get("/campaign-ad-new/v-k").text)
    typed = {"ad_id": "a1", "ad_title": "Shoe", "ad_price": "1.5", "look0_title": "Run"}
    for _ in range(2):
        assert manager.send("/campaign-ad-new/v-k", told | typed).headers["location"] == "/campaigns/v-k"
    made = admin.catalog.find_ad("a1")
    assert made == Ad(
        id="a1", campaign="v-k", title="Shoe", price_micros=1_500_000, creatives=(Creative(id="look1", title="Run"),)
    )
    assert manager.send("/campaign-ad-new/v-k", told | typed | {"ad_title": "Other"}).status_code == 422
    whole = replace(made, creatives=(LOOK, *made.creatives), picture=(0.5,), parent="p")
    admin.catalog.put(ads=[whole])
    told = fields_in(manager.get("/ad-edit/a1").text)
    admin.catalog.put(ads=[replace(whole, stock=5)])
    both = manager.send("/ad-edit/a1", told | {"look1_format": "", "ad_title": "Shoes"})
    assert (both.status_code, "<td>Stock</td>" in both.text) == (412, True)
    assert manager.send("/ad-edit/a1", fields_in(both.text)).status_code == 303
    assert admin.catalog.find_ad("a1") == replace(whole, stock=5, title="Shoes", creatives=(LOOK,))
    version = re.search(r'name="version" value="(\d+)"', manager.get("/campaigns/v-k").text)
    assert version is not None
    for status, words in (("paused", "Paused the ad Shoes."), ("active", "Somebody else changed the ad Shoes")):
        manager.send("/ad-status", {"ad": "a1", "version": version[1], "status": status})
        assert words in manager.get("/campaigns/v-k").text
    assert admin.catalog.history("ads", "a1")[-1].action == "status"


def test_a_preview_has_a_policy_of_its_own_and_the_console_none_weaker(manager: Browser, admin: Admin) -> None:
    """Saved or as it is typed; pictures from one host, in a frame of ours alone; what is wrong or unknown is said."""
    admin.catalog.put(ads=[Ad(id="a/1", campaign="v-k", title="Shoe", price_micros=49_900_000, creatives=(LOOK,))])
    page = manager.get("/campaigns/v-k")
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "img.example" not in page.headers["content-security-policy"]
    link = re.search(r'<iframe[^>]*sandbox[^>]*src="(/creative-preview/saved[^"]+)"', page.text)
    assert link is not None
    told = fields_in(manager.get("/ad-edit/a%2F1").text)
    typed = manager.send("/creative-preview/0", told | {"look0_title": "<i>Typed</i>"})
    for answer, words in ((manager.get(unescape(link[1])), "Run"), (typed, "&lt;i&gt;Typed")):
        policy = answer.headers["content-security-policy"]
        assert "img-src https://img.example;" in policy
        assert policy.startswith("default-src 'none'")
        assert policy.endswith("frame-ancestors 'self'; sandbox")
        assert "unsafe" not in policy
        assert (answer.headers["x-frame-options"], answer.headers["referrer-policy"]) == ("SAMEORIGIN", "no-referrer")
        assert answer.headers["cache-control"] == "no-store"
        assert words in answer.text
    assert "to mend" in manager.send("/creative-preview/0", told | {"look0_width": "x"}).text
    assert "choose a format" in manager.send("/creative-preview/0", told | {"look0_format": ""}).text
    assert manager.send("/creative-preview/9999", told).status_code == 400
    for path in ("ad=none&look=own", "ad=a%2F1&look=none"):
        assert manager.get(f"/creative-preview/saved.html?{path}").status_code == 404


def test_a_picture_inside_its_address_fits_into_a_form(manager: Browser, admin: Admin) -> None:
    """As large as the catalog takes one."""
    picture = "data:image/png;base64," + "+" * (200_000 - 22)
    told = fields_in(manager.get("/campaign-ad-new/v-k").text) | {
        "ad_title": "t",
        "ad_id": "a",
        "look0_image_url": picture,
    }
    assert manager.send("/campaign-ad-new/v-k", told).status_code == 303
    made = admin.catalog.find_ad("a")
    assert made is not None
    assert made.creatives[0].image_url == picture


async def told(visit: Visit) -> Download:
    """What a page behind the forms gets to know, such as a forecast."""
    found = await drafted(visit)
    return Download(content=msgspec.json.encode({type(found).__name__: found}), type="application/json", name="d")


def test_a_draft_is_what_saving_would_save(shop: Shop, admin: Admin, key: Key, tmp_path: Path) -> None:
    """New or edited, with its ads and its advertiser, or everything that is wrong; nothing is written."""
    at = At(method="POST", path="/campaign-draft", handler=told, needs="catalog:write")
    page = Page(name="draft", title="Draft", path="/campaign-draft", needs="catalog:read", routes=(at,), listed=False)

    def fronts(inside: Inside) -> Console:
        settings = Settings(directory=tmp_path)
        market = MarketRuns(settings.market_runs_path)
        history = History()
        desk = Desk(
            inside=inside,
            settings=settings,
            history=history,
            machine=Machine(history),
            market=market,
        )
        return Console(desk, b"a secret of tests", (*PAGES, page))

    options = ServerOptions(public_url=URL, guard_status=True)
    manager = Browser(create_app(shop, options, admin=admin, clock=lambda: NOW, fronts=fronts))
    manager.sign_in(key("manager")[1])
    admin.catalog.put(ads=[Ad(id="a", campaign="v-k", title="there")])
    version = admin.catalog.version
    fresh = fields_in(manager.get("/campaign-new").text) | GOOD | {"ad_title": "first"}
    found = manager.send("/campaign-draft", fresh).json()["Draft"]
    assert (found["campaign"]["bid_micros"], found["advertiser"]["id"]) == (500_000, "v")
    assert [ad["title"] for ad in found["ads"]] == ["first"]
    edited = fields_in(manager.get("/campaign-edit/v-k").text) | {"daily": "7"}
    found = manager.send("/campaign-draft", edited).json()["Draft"]
    assert (found["campaign"]["id"], found["campaign"]["daily_budget_micros"]) == ("v-k", 7_000_000)
    assert [ad["title"] for ad in found["ads"]] == ["there"]
    wrong = manager.send("/campaign-draft", edited | {"daily": "x", "end": "y"}).json()["Faulty"]["wrong"]
    assert set(wrong) == {"daily", "end"}
    assert admin.catalog.version == version


def test_a_forecast_is_asked_for_where_there_is_one() -> None:
    """No button leads nowhere; where the page says that it is there, the button sends the form's fields."""
    form = Form(action="/campaign-new", fields=(), submit="Save")
    frame = Frame(title="t", name="n", pages=(), key=None, token="t", script="s", style="s", icon="i", theme="t")
    for there in (False, True):
        view = FormPage(title="New", back="/campaigns", form=form, forecast=there)
        page = Renderer().html("campaign_form.html", frame, view).partition("<form")[2].partition("</form>")[0]
        assert ('id="campaign-forecast"' in page, 'hx-post="/campaign-forecast"' in page) == (there, there)
