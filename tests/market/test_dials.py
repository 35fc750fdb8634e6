"""Every field of the market's configuration is a dial that people can be asked for, once, in its own place."""

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.errors import InputError
from adcascade.market import MarketConfig
from adcascade.market.dials import LAWS, Dial, dial_of, label_of, read_dial, text_of

DIALS: dict[str, tuple[Dial, Any]] = {one.name: (dial_of(one), one.default) for one in fields(MarketConfig)}


@pytest.mark.parametrize("name", DIALS)
def test_every_field_is_told(name: str) -> None:
    """It has a sentence, a law, a label like no other, and a default within what a run takes."""
    one, usual = DIALS[name]
    assert one.words[0].isupper()
    assert one.words.endswith((".", "URI."))
    assert one.kind in LAWS
    assert one.allows(usual)
    assert usual <= one.most
    assert [label_of(other) for other in DIALS].count(label_of(name)) == 1


@given(st.sampled_from(sorted(DIALS)), st.data())
def test_what_is_written_is_read_back(name: str, data: st.DataObject) -> None:
    """Every value that a run takes survives as text, of the type of its default, exactly."""
    one, usual = DIALS[name]
    if isinstance(usual, bool):
        value: float = data.draw(st.booleans())
    elif isinstance(usual, int):
        value = data.draw(st.integers(0, int(one.most)).filter(one.allows))
    else:
        value = data.draw(st.floats(0, one.most).filter(one.allows))
    back = read_dial(name, text_of(value), one, usual)
    assert back == value
    assert type(back) is type(usual)


@pytest.mark.parametrize("name", [name for name, (one, _) in DIALS.items() if one.kind != "switch"])
@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-1", "1e300", "1,000", "0x10"])
def test_what_is_no_value_is_refused_by_name(name: str, text: str) -> None:
    """Words, infinities, what is below any world and what is beyond any run: with what would be right."""
    one, usual = DIALS[name]
    with pytest.raises(InputError) as caught:
        read_dial(name, text, one, usual)
    assert caught.value.field == name
    assert any(word in caught.value.expected for word in ("number", "share", "probability"))


def test_a_world_has_no_value_that_is_no_number() -> None:
    """NaN and infinity are refused, by name, in a program too."""
    for value in (float("nan"), float("inf")):
        with pytest.raises(InputError, match="drift"):
            MarketConfig(drift=value)


def test_each_of_two_sizes_that_contradict_is_named() -> None:
    """Fewer ads than campaigns is said of the ads, fewer campaigns than advertisers of the campaigns."""
    with pytest.raises(InputError, match="ads is 10"):
        MarketConfig(ads=10)
    with pytest.raises(InputError, match="campaigns is 10"):
        MarketConfig(campaigns=10)
