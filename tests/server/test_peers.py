"""Whose address it is: a connection's own, unless proxies of ours speak for somebody."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.errors import ConfigurationError
from adcascade.server.peers import Peers


def scope(client: str | None, *forwarded: str) -> dict[str, Any]:
    """A request of this connection with these headers."""
    headers = [(b"x-forwarded-for", each.encode("latin-1")) for each in forwarded]
    return {"type": "http", "client": None if client is None else (client, 1234), "headers": headers}


def test_by_default_nobody_is_believed() -> None:
    """Whatever the header says, the address is the connection's."""
    assert Peers().address(scope("192.0.2.1", "203.0.113.9")) == "192.0.2.1"
    assert Peers().address(scope(None, "203.0.113.9")) == ""


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (("203.0.113.9",), "203.0.113.9"),
        (("6.6.6.6, 203.0.113.9",), "203.0.113.9"),  # the left was written by the client
        (("6.6.6.6", "203.0.113.9"), "203.0.113.9"),
        (("203.0.113.9, 10.0.0.7",), "203.0.113.9"),  # two proxies of ours
        (("10.0.0.9",), "10.0.0.9"),  # all the way inside
        (("203.0.113.9:4711",), "203.0.113.9"),
        (("[2001:db8::1]:443",), "2001:db8::1"),
        (("2001:db8::1",), "2001:db8::1"),
        (("",), "10.0.0.1"),
        ((), "10.0.0.1"),
    ],
)
def test_behind_a_trusted_proxy_the_last_stranger_counts(forwarded: tuple[str, ...], address: str) -> None:
    """From the right, the first address that is no proxy of ours."""
    assert Peers(["10.0.0.0/8"]).address(scope("10.0.0.1", *forwarded)) == address


def test_a_stranger_is_not_believed_though_proxies_are_trusted() -> None:
    """Who does not come through the proxy cannot speak for others."""
    assert Peers(["10.0.0.0/8"]).address(scope("192.0.2.1", "203.0.113.9")) == "192.0.2.1"


@given(header=st.text(st.characters(codec="latin-1"), max_size=60))
def test_no_header_breaks_it(header: str) -> None:
    """Any bytes at all: some text, never an exception."""
    assert isinstance(Peers(["10.0.0.0/8"]).source(scope("10.0.0.1", header), "browser").key, str)


def test_a_range_that_is_none_is_named() -> None:
    """The setting and the place in it."""
    with pytest.raises(ConfigurationError, match=r"trusted_proxies\[1\]"):
        Peers(["10.0.0.0/8", "proxy.example"])
