"""Tracking URLs: signed, counted once, leading only where the catalog says."""

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.server.conftest import Call
from tests.server.shop import ADS, NOW, VALID_US, Shop

from adcascade.events.records import Click, Impression, Viewable
from adcascade.events.seal import seal
from adcascade.server.links import Links, is_web_url
from adcascade.server.openrtb.macros import MACROS, substitute


def offer(call: Call) -> dict[str, str]:
    """A bid, with the tracking URLs of its markup."""
    answer = call("POST", "/openrtb2/bid", json={"id": "x", "imp": [{"id": "1", "banner": {}, "secure": 1}]})
    bid: dict[str, str] = answer.json()["seatbid"][0]["bid"][0]
    urls = re.findall(r'(?:href|src)="(https://ads\.example\.com/[^"]*)"', bid["adm"])
    return bid | {"click": urls[0], "pixel": urls[1]}


def path(url: str) -> str:
    """What is asked of our server."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_a_pixel_counts_once(call: Call, shop: Shop) -> None:
    """However often it is fetched, and whether the exchange's billing notice comes too, it is one impression."""
    bid = offer(call)
    for url in (bid["pixel"], bid["pixel"], bid["burl"]):
        assert call("GET", path(url)).status_code in (200, 204)
    assert [type(record) for _, record in shop.journal.read()] == [Impression]


def test_a_pixel_is_a_gif_that_is_not_kept(call: Call) -> None:
    """Browsers get an image and must ask again next time."""
    answer = call("GET", path(offer(call)["pixel"]))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"GIF89a")


def test_a_click_leads_to_the_catalogs_address(call: Call, shop: Shop) -> None:
    """302 to the ad's URL whatever the query says, after the click is in the log."""
    answer = call("GET", path(offer(call)["click"]), params={"url": "https://evil.example", "to": "//evil.example"})
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://sports.example/runner?a=1&b=2"
    assert [type(record) for _, record in shop.journal.read()] == [Click]


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "//shop.example/a"])
def test_a_click_on_an_ad_without_a_page_is_counted(
    call: Call, shop: Shop, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """What the catalog holds is no web address: the click is logged once, and 404 says what the advertiser must do."""
    click = path(offer(call)["click"])
    changed = tuple((advertiser, structs.replace(ad, url=url)) for advertiser, ad in ADS)
    monkeypatch.setattr("tests.server.shop.ADS", changed)
    for _ in range(2):
        answer = call("GET", click)
        assert answer.status_code == 404
        assert "location" not in answer.headers
        assert answer.json()["error"] == {
            "field": "ad.url",
            "value": url,
            "expected": "an http or https address",
            "remedy": "the advertiser must set it",
        }
    assert [type(record) for _, record in shop.journal.read()] == [Click]


def test_an_expired_click_is_refused(call: Call, shop: Shop) -> None:
    """After its time a click is neither counted nor forwarded."""
    click = path(offer(call)["click"])
    shop.clock_us = (shop.clock_us or 0) + VALID_US
    answer = call("GET", click)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "token"
    assert not list(shop.journal.read())


def test_a_changed_token_is_refused(call: Call, shop: Shop) -> None:
    """Any one character changed: 400, nothing counted."""
    click = urlsplit(offer(call)["click"]).path
    for place in range(len("/t/c/"), len(click), 7):
        other = "A" if click[place] != "A" else "B"
        assert call("GET", click[:place] + other + click[place + 1 :]).status_code == 400
    assert not list(shop.journal.read())


def test_looking_is_not_clicking(call: Call, shop: Shop) -> None:
    """A HEAD request, as link checkers send, is refused and counts nothing."""
    bid = offer(call)
    assert call("HEAD", path(bid["click"])).status_code == 405
    assert call("HEAD", path(bid["pixel"])).status_code == 405
    assert not list(shop.journal.read())


def test_notices_are_counted_and_charge_nothing(call: Call, shop: Shop) -> None:
    """Win and loss notices with filled macros: 204, a metric, no event. A foreign loss code is not a label."""
    bid = offer(call)
    values = {"AUCTION_PRICE": "1.25", "AUCTION_CURRENCY": "USD", "AUCTION_LOSS": "102", "AUCTION_MIN_TO_WIN": "2"}
    assert call("GET", path(substitute(bid["nurl"], values))).status_code == 204
    assert call("GET", path(substitute(bid["lurl"], values))).status_code == 204
    assert call("GET", path(substitute(bid["lurl"], {"AUCTION_LOSS": "x" * 9}))).status_code == 204
    metrics = call("GET", "/metrics").text
    assert 'adcascade_notices_total{code="",kind="win"} 1.0' in metrics
    assert 'adcascade_notices_total{code="102",kind="loss"} 1.0' in metrics
    assert 'adcascade_notices_total{code="",kind="loss"} 1.0' in metrics
    assert not list(shop.journal.read())


def test_macros_are_filled_as_the_specification_says() -> None:
    """Plain, base64, unknown encoding and missing value; what is no macro stays."""
    text = "p=${AUCTION_PRICE}&b=${AUCTION_PRICE:B64}&x=${AUCTION_PRICE:XYZ}&m=${AUCTION_MBR}&o=${OTHER}"
    assert substitute(text, {"AUCTION_PRICE": "1.5"}) == "p=1.5&b=MS41&x=&m=&o=${OTHER}"


def test_notices_carry_the_macros() -> None:
    """An exchange finds its macros in the URLs, unescaped."""
    links = Links("https://ads.example.com/")
    assert links.win("t").startswith("https://ads.example.com/t/w/t?price=${AUCTION_PRICE}&cur=${AUCTION_CURRENCY}")
    assert {name for name in MACROS if "${" + name + "}" in links.loss("t") + links.billing("t")} == set(MACROS)
    assert set(MACROS) - {"AUCTION_LOSS", "AUCTION_MULTIPLIER", "AUCTION_IMP_TS"} == {
        name for name in MACROS if "${" + name + "}" in links.win("t")
    }


@given(token=st.text(max_size=30))
def test_a_token_is_one_step_of_a_path(token: str) -> None:
    """Whatever a token holds, it cannot leave its place in the URL."""
    url = urlsplit(Links("https://ads.example.com").click(token.encode("utf-8", "ignore").decode()))
    assert (url.netloc, url.query, url.fragment) == ("ads.example.com", "", "")
    assert url.path.count("/") == 3


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://a.example/x?y=1&z=%20", True),
        ("http://a.example", True),
        ("javascript:alert(1)", False),
        ("//a.example", False),
        ("data:text/html,x", False),
        ("https://a.example/\r\nset-cookie: a=b", False),
        ('https://a.example/"onload="x', False),
        ("", False),
    ],
)
def test_only_web_addresses_are_linked(url: str, allowed: bool) -> None:
    """Scripts, relative addresses and control characters are no addresses."""
    assert is_web_url(url) is allowed
    assert is_web_url(url, secure=True) is (allowed and url.startswith("https"))


ATTACKS = (
    "?url=https://evil.example", "?u=//evil.example", "?redirect=https:evil.example&next=/\\evil.example",
    "?to=%0d%0aset-cookie:a=b", "?to=%0D%0Alocation:%20https://evil.example", "?url[]=https://evil.example",
    "#https://evil.example", "?//evil.example", "?@evil.example",
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_caller_decides_where_a_click_leads(call: Call, attack: str) -> None:
    """Parameters, second addresses, line breaks: the location is the catalog's, and no header is added."""
    plain = call("GET", path(offer(call)["click"]))
    answer = call("GET", urlsplit(offer(call)["click"]).path + attack)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://sports.example/runner?a=1&b=2")
    assert set(answer.headers) == set(plain.headers)
    assert "evil" not in str(answer.headers)


@pytest.mark.parametrize(
    "step",
    [
        "//evil.example",
        "https://evil.example",
        "..%2f..%2f",
        "%0d%0alocation:%20https://evil.example",
        "a/b",
        "%00",
        "",
    ],
)
def test_what_is_no_token_leads_nowhere(call: Call, shop: Shop, step: str) -> None:
    """Anything in the token's place but a token: 4xx, no redirect, nothing logged."""
    answer = call("GET", f"/t/c/{step}")
    assert 400 <= answer.status_code < 500
    assert "location" not in answer.headers
    assert not list(shop.journal.read())


def test_a_headers_word_moves_no_redirect(call: Call) -> None:
    """Host, forwarded host, referer and origin of the attacker change nothing."""
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example", "referer": "https://evil.example"}
    answer = call("GET", path(offer(call)["click"]), headers=headers)
    assert answer.headers["location"] == "https://sports.example/runner?a=1&b=2"


def test_a_token_counts_for_its_own_bid_alone(call: Call, shop: Shop) -> None:
    """Two tokens cannot be mixed: a head of one with a tail of the other, or a swapped signature, is refused."""
    one, two = (urlsplit(offer(call)["pixel"]).path.removeprefix("/t/i/") for _ in range(2))
    assert one != two
    for cut in range(1, min(len(one), len(two))):
        mixed = one[:cut] + two[cut:]
        if mixed not in (one, two):
            assert call("GET", f"/t/i/{mixed}").status_code == 400
    assert not list(shop.journal.read())
    for token in (one, two, one):
        call("GET", f"/t/i/{token}")
    assert len({record.id for _, record in shop.journal.read()}) == len(list(shop.journal.read())) == 2


def test_a_replay_counts_once_after_the_log_was_sealed(call: Call, shop: Shop) -> None:
    """The hour's records have left for Parquet; the same URL is still the same event."""
    bid = offer(call)
    for url in (bid["pixel"], bid["click"]):
        call("GET", path(url))
    seal(shop.journal, shop.journal.path.parent / "sealed", NOW + 1)
    for url in (bid["pixel"], bid["click"], bid["burl"]):
        call("GET", path(url))
    assert [type(record) for _, record in shop.journal.read()] == [Impression, Click]


def test_a_viewable_url_counts_once(call: Call, shop: Shop) -> None:
    """The script's pixel is an event of its own kind, however often it is fetched."""
    token = urlsplit(offer(call)["pixel"]).path.removeprefix("/t/i/")
    for _ in range(3):
        assert call("GET", f"/t/v/{token}").headers["content-type"] == "image/gif"
    assert [type(record) for _, record in shop.journal.read()] == [Viewable]


def test_each_route_says_whose_address_it_was_sent_from(call: Call, shop: Shop) -> None:
    """Pixels, views and clicks come from the shopper's browser, a billing notice from the exchange."""
    bid = offer(call)
    token = urlsplit(bid["pixel"]).path.removeprefix("/t/i/")
    for url in (bid["pixel"], f"/t/v/{token}", bid["click"], bid["burl"]):
        call("GET", path(url), headers={"user-agent": "Browser/1"})
    sources = [event.source for event in shop.heard]
    assert [source.route for source in sources if source is not None] == ["browser", "browser", "browser", "exchange"]
    assert sources[0] is not None
    assert (sources[0].address, sources[0].agent) == ("127.0.0.1", "Browser/1")


def test_the_script_may_be_loaded_by_every_page(call: Call) -> None:
    """JavaScript that may be kept for a while, from any origin, and that is never guessed to be something else."""
    answer = call("GET", "/adcascade.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "max-age" in answer.headers["cache-control"]
