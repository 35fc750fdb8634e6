"""Dials that no world can have are refused with the name of the dial."""

from dataclasses import fields
from typing import Any

import pytest

from adcascade.errors import InputError
from adcascade.market import MarketConfig


def dialled(name: str, value: float) -> None:
    """A config with this dial."""
    dial: dict[str, Any] = {name: value}
    MarketConfig(**dial)


@pytest.mark.parametrize("name", [field.name for field in fields(MarketConfig) if field.name != "embed_pictures"])
def test_no_dial_may_be_negative(name: str) -> None:
    """Every dial is refused below 0, by name."""
    with pytest.raises(InputError, match=name):
        dialled(name, -1)


@pytest.mark.parametrize("name", [field.name for field in fields(MarketConfig) if field.name.endswith("_share")])
def test_a_share_is_at_most_one(name: str) -> None:
    """Shares above 1 are refused, by name."""
    with pytest.raises(InputError, match=name):
        dialled(name, 1.5)
