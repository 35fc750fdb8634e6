"""Bounds that unit tests see best: what gzip unfolds to, how much of a wrong body is shown, how long lists are."""

import gzip

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.errors import InputError
from adcascade.server.body import FREE, MEMBERS, RATIO, gunzip
from adcascade.server.bounds import places
from adcascade.server.openrtb.check import check_request
from adcascade.server.openrtb.lengths import ASSETS, DEALS, FEW, LEAST, NAMES, SIZES, check_lengths
from adcascade.server.openrtb.objects import Banner, BidRequest, Format, Imp
from adcascade.server.problems import SHOWN, RefusalError, decode

DECODER = msgspec.json.Decoder(dict[str, dict[str, list[int]]])


@given(size=st.integers(0, 400_000))
def test_gzip_unfolds_to_a_bounded_multiple(size: int) -> None:
    """Blanks: all of them, or a refusal where they are more than is free and more than so many times what was sent."""
    packed = gzip.compress(b" " * size)
    if size <= max(FREE, RATIO * len(packed)):
        assert len(gunzip(packed, 1 << 20)) == size
    else:
        with pytest.raises(RefusalError) as refusal:
            gunzip(packed, 1 << 20)
        assert refusal.value.status == 413


def test_gzip_has_few_members() -> None:
    """As many as are allowed are unpacked; one more is refused."""
    member = gzip.compress(b"a")
    assert gunzip(member * MEMBERS, 1000) == b"a" * MEMBERS
    with pytest.raises(RefusalError):
        gunzip(member * (MEMBERS + 1), 1000)


@given(key=st.text(max_size=8), wrong=st.text(max_size=300) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_wrong_value_is_shown_briefly(key: str, wrong: str | float) -> None:
    """The error shows the value at the place that it names, cut to a length, whatever else the body holds."""
    body = msgspec.json.encode({"long": {"list": [1] * 2000}, key: {"in": [1, {"wrong": wrong}]}})
    with pytest.raises(InputError) as refusal:
        decode(DECODER, body)
    assert refusal.value.field.endswith("[1]") or refusal.value.field.endswith("[...]")
    assert len(refusal.value.expected) <= SHOWN


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("name", ["bcat", "badv", "wseat", "bseat", "cur", "format"])
def test_lists_of_a_bid_request_end(name: str, over: int) -> None:
    """A list as long as is allowed passes; one longer is refused by its name."""
    imp = Imp(id="1", banner=Banner(format=[Format(w=1, h=1)] * (SIZES + over)) if name == "format" else None)
    lists = {} if name == "format" else {name: ["x"] * (NAMES + over)}
    request = msgspec.structs.replace(BidRequest(id="1", imp=[imp]), **lists)
    if not over:
        check_lengths(request)
        return
    with pytest.raises(InputError) as refusal:
        check_lengths(request)
    assert refusal.value.field.endswith(name)


json = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(value=json)
def test_no_list_has_more_entries_than_the_body_has_commas_and_one(value: object) -> None:
    """So a body with few commas needs no look at its lists."""
    assert longest(value) <= msgspec.json.encode(value).count(b",") + 1


def longest(value: object) -> int:
    """Entries of the longest list in a JSON value."""
    inside = [] if not isinstance(value, list | dict) else list(value.values() if isinstance(value, dict) else value)
    return max([len(inside) if isinstance(value, list) else 0, *map(longest, inside)])


def test_a_bid_request_is_walked_through_where_a_list_may_be_too_long() -> None:
    """As many entries as the shortest bound: not looked at; one more: refused by its name."""
    request = BidRequest(id="1", imp=[Imp(id="1", banner=Banner(format=[Format(w=1, h=1)] * (SIZES + 1)))])
    assert min(ASSETS, DEALS, FEW, NAMES, SIZES) == LEAST
    check_request(request, 1, entries=LEAST)
    with pytest.raises(InputError) as refusal:
        check_request(request, 1, entries=LEAST + 1)
    assert refusal.value.field == "imp[0].banner.format"


def test_places_are_what_the_system_grants() -> None:
    """Never more connections than wanted, nor than files may be open."""
    assert places(16) == 16
    assert 0 < places(10**9) < 10**9
