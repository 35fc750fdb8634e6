"""Pages of other origins: who may ask from a browser, and what the browser hears."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest
from tests.server.shop import NOW, OPTIONS, Shop

from adcascade.errors import ConfigurationError
from adcascade.server.app import create_app
from adcascade.server.options import ServerOptions

BODY = json.dumps({"id": "1", "imp": [{"id": "1", "banner": {}}]})
PAGE, STRANGER = "https://www.example.com", "https://evil.example"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}

Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(shop: Shop) -> Callable[[tuple[str, ...]], Ask]:
    """ask(origins) -> call(method, origin, **headers) at the bid route of a server that is open to these origins."""

    def opened(origins: tuple[str, ...]) -> Ask:
        app = create_app(shop, ServerOptions(public_url=OPTIONS.public_url, origins=origins), clock=lambda: NOW)

        async def once(method: str, headers: dict[str, str]) -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://ads") as client:
                return await client.request(method, "/openrtb2/bid", content=BODY, headers=headers)

        def call(method: str, origin: str | None, **headers: str) -> httpx.Response:
            named = {} if origin is None else {"origin": origin}
            return asyncio.run(once(method, named | {key.replace("_", "-"): value for key, value in headers.items()}))

        return call

    return opened


@pytest.mark.parametrize(("origins", "named"), [((PAGE,), PAGE), (("*",), "*"), ((PAGE, "*"), "*")])
def test_a_listed_page_is_answered_and_told_that_it_may_read(
    ask: Callable[[tuple[str, ...]], Ask], origins: tuple[str, ...], named: str
) -> None:
    """JSON, or text/plain without a preflight: the same bids, under the origin's name and never with credentials."""
    for kind in ("text/plain", "text/plain;charset=UTF-8", "application/json"):
        answer = ask(origins)("POST", PAGE, content_type=kind)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == named
        assert ("origin" in answer.headers["vary"]) == (named != "*")
        assert "access-control-allow-credentials" not in answer.headers


def test_a_preflight_names_what_is_allowed_and_holds_no_auction(
    ask: Callable[[tuple[str, ...]], Ask], shop: Shop
) -> None:
    """OPTIONS of a listed page: 204 with POST and content-type; of a stranger, or of a server that is not open: 405."""
    answer = ask((PAGE,))("OPTIONS", PAGE, **PREFLIGHT)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert "content-type" in answer.headers["access-control-allow-headers"]
    for refused in (ask((PAGE,))("OPTIONS", STRANGER, **PREFLIGHT), ask(())("OPTIONS", PAGE, **PREFLIGHT)):
        assert refused.status_code == 405
        assert "access-control-allow-origin" not in refused.headers
    assert shop.asked == []


@pytest.mark.parametrize("origin", [STRANGER, "null", "https://www.example.com.evil.example", "http://www.example.com"])
def test_a_stranger_can_neither_ask_without_a_preflight_nor_read(
    ask: Callable[[tuple[str, ...]], Ask], shop: Shop, origin: str
) -> None:
    """What a browser sends unasked (text/plain) is refused before an auction; no answer is open to the page."""
    answer = ask((PAGE,))("POST", origin, content_type="text/plain")
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers
    assert shop.asked == []


def test_exchanges_notice_nothing(ask: Callable[[tuple[str, ...]], Ask]) -> None:
    """Without an origin the answer of an open server is that of a closed one, and text/plain is refused by both."""
    answers = [ask(origins)("POST", None, content_type="application/json") for origins in ((), (PAGE,))]
    assert [set(answer.headers) for answer in answers] == [set(answers[0].headers)] * 2
    assert "access-control-allow-origin" not in answers[0].headers
    assert [ask(origins)("POST", None, content_type="text/plain").status_code for origins in ((), (PAGE,))] == [400] * 2


@pytest.mark.parametrize(
    "origin", ["example.com", "https://example.com/", "https://Example.com", "null", "", "https://*"]
)
def test_what_no_browser_sends_is_refused_at_the_start(origin: str) -> None:
    """An origin that could never match is a mistake of the settings, and says so."""
    with pytest.raises(ConfigurationError, match=r"server\.origins"):
        ServerOptions(origins=(origin,))
