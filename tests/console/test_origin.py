"""Only our own pages change anything, and only our own names read what is open to this machine."""

import pytest

from adcascade.console.origin import is_our_name, is_own

URL = "https://ads.example.com"


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"origin": URL, "host": "ads.example.com"}, True),
        ({"origin": URL, "host": "10.0.0.7:8080"}, True),  # behind a proxy that writes another host
        ({"origin": "https://other.example", "host": "other.example"}, True),  # the page of the same host and scheme
        ({"origin": "http://ads.example.com", "host": "ads.example.com"}, False),
        ({"origin": "https://evil.example", "host": "ads.example.com"}, False),
        ({"origin": "null", "host": "ads.example.com"}, False),
        ({"host": "ads.example.com"}, False),
        ({"origin": URL, "host": "ads.example.com", "sec-fetch-site": "cross-site"}, False),
        ({"origin": URL, "host": "ads.example.com", "sec-fetch-site": "same-origin"}, True),
    ],
)
def test_who_sent_a_form(headers: dict[str, str], own: bool) -> None:
    """The origin must be told, and be ours."""
    assert is_own(headers, URL) is own


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:8080", True),
        ("localhost:8080", True),
        ("localhost", True),
        ("[::1]:8080", True),
        ("[::1]", True),
        ("ads.example.com", True),
        ("evil.example:8080", False),
        ("127.0.0.1.evil.example:8080", False),
        ("", False),
    ],
)
def test_a_foreign_name_that_leads_here_reads_nothing(host: str, ours: bool) -> None:
    """A page of evil.example whose name was pointed at this machine is not one of ours."""
    assert is_our_name(host, URL) is ours
