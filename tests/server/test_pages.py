"""Health, readiness, metrics, description and the status page."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from tests.server.conftest import Call
from tests.server.shop import Shop

from adcascade.server.markdown import page
from adcascade.server.metrics import WORDS, Metrics
from adcascade.server.openapi import PAGE, description

ROOT = Path(__file__).parent.parent.parent


def test_readiness_follows_the_engine(call: Call, shop: Shop) -> None:
    """Not ready: 503 with the engine's sentence, while health stays 200."""
    shop.not_ready = "the bundle is missing; run adcascade train"
    answer = call("GET", "/ready")
    assert (answer.status_code, answer.json()["reason"]) == (503, shop.not_ready)
    assert call("GET", "/health").status_code == 200


def test_metrics_count_what_happened(call: Call) -> None:
    """Requests by route and status, unfilled ones by reason, the bundle; no path of a caller becomes a label."""
    call("POST", "/openrtb2/bid", json={"id": "1", "imp": [{"id": "1", "banner": {}}]})
    call("POST", "/openrtb2/bid", json={"id": "1", "imp": [{"id": "1", "video": {}}]})
    call("GET", "/t/i/secret-token")
    call("GET", "/t/secret")
    text = call("GET", "/metrics").text
    assert 'adcascade_http_requests_total{route="/openrtb2/bid",status="200"} 1.0' in text
    assert 'adcascade_http_requests_total{route="/openrtb2/bid",status="204"} 1.0' in text
    assert 'adcascade_http_requests_total{route="/t/i",status="400"} 1.0' in text
    assert 'adcascade_no_bids_total{reason="format"} 1.0' in text
    assert 'adcascade_bundle{version="test-1"} 1.0' in text
    assert "secret" not in text


def test_labels_stay_few() -> None:
    """However many reasons a backend invents, so many are kept apart and the rest counts as other."""
    metrics = Metrics()
    for number in range(WORDS + 10):
        metrics.no_bid(f"reason-{number}")
    text = metrics.exposition("").decode()
    assert text.count("adcascade_no_bids_total{") == WORDS + 1
    assert 'adcascade_no_bids_total{reason="other"} 10.0' in text


def test_the_status_page_runs_its_own_script_alone(call: Call) -> None:
    """The policy allows the page's script and style by hash, forbids all else, and loads nothing from elsewhere."""
    answer = call("GET", "/")
    policy = answer.headers["content-security-policy"]
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"(src|href)=[\"']?(https?:|//)", answer.text)
    assert "innerHTML" not in answer.text


def test_the_status_is_json_as_the_engine_tells_it(call: Call) -> None:
    """Tables and numbers as they are; the page writes them as text, so that markup in them stays text."""
    told = call("GET", "/status.json")
    assert told.headers["content-type"] == "application/json"
    assert told.json()["last"] == [{"id": "<script>alert(1)</script>", "winners": 1}]


def test_every_answer_forbids_guessing_its_type(call: Call) -> None:
    """Successes and failures alike; what a browser may show has a policy that runs nothing, too."""
    for path in ("/", "/health", "/metrics", "/nowhere", "/t/i/x", "/status.json"):
        headers = call("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "default-src 'none'" in headers["content-security-policy"], path
    for path in ("/openrtb2/bid", "/v2/auctions", "/v2/events"):
        assert call("POST", path, content=b"").headers["x-content-type-options"] == "nosniff", path


def test_every_reference_of_the_description_resolves() -> None:
    """No schema names one that is not there, and every operation has a summary and answers."""
    told = description()
    names = set(told["components"]["schemas"])
    assert set(re.findall(r"#/components/schemas/(\w+)", json.dumps(told))) <= names
    for parts in told["paths"].values():
        for operation in parts.values():
            assert operation["summary"]
            assert operation["responses"]


def test_the_description_names_every_route(call: Call) -> None:
    """What is described is there: no described path is a 404. The admin API has a test of its own."""
    told: dict[str, Any] = description()["paths"]
    for path, parts in ((path, parts) for path, parts in told.items() if not path.startswith("/admin/")):
        for method in parts:
            assert call(method.upper(), path.replace("{token}", "x")).status_code != 404, path


def test_the_reference_is_fresh() -> None:
    """docs/http.md is what the code generates now; `python -m adcascade.server.openapi` writes it."""
    assert (ROOT / PAGE).read_text("utf-8") == page(description())
