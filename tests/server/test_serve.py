"""`adcascade serve`: what it says where it cannot listen, and what it writes into tracking URLs."""

import socket

import pytest

from adcascade.cli.serve import bind, public_url
from adcascade.errors import ConfigurationError
from adcascade.settings import Settings


def test_a_port_in_use_is_a_sentence() -> None:
    """It names the port and says what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"{port}.*--port"):
            bind("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_a_sentence() -> None:
    """Likewise an address of another machine."""
    with pytest.raises(ConfigurationError, match="--host"):
        bind("192.0.2.1", 0)


def test_tracking_urls_begin_with_the_setting_or_the_address() -> None:
    """The setting wins; an address that means all is reached as this machine; IPv6 gets its brackets."""
    settings = Settings()
    assert public_url(settings, "0.0.0.0", 80) == "http://127.0.0.1:80"
    assert public_url(settings, "::1", 81) == "http://[::1]:81"
    assert public_url(Settings(server={"public_url": "https://ads.example/"}), "::1", 81) == "https://ads.example"  # type: ignore[arg-type]
