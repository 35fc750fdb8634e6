"""TCF strings say what was written into them; whatever else comes is unreadable, never a crash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.privacy.writer import tcf

from adcascade.server.privacy.bits import UnreadableError
from adcascade.server.privacy.tcf import parse_tcf

PURPOSES = st.sets(st.integers(1, 24))
RANGES = st.lists(
    st.tuples(st.integers(1, 900), st.integers(0, 90)).map(lambda one: (one[0], one[0] + one[1])), max_size=5
)
FIELD = st.sets(st.integers(1, 300), max_size=40)


def within(vendor: int, given: set[int] | list[tuple[int, int]]) -> bool:
    """Whether a vendor was written, as a bit or in a range."""
    return any(vendor == one if isinstance(one, int) else one[0] <= vendor <= one[1] for one in given)


@given(
    consents=PURPOSES,
    interests=PURPOSES,
    by_consent=FIELD | RANGES,
    by_interest=FIELD | RANGES,
    restrictions=st.lists(st.tuples(st.integers(1, 24), st.integers(0, 2), RANGES), max_size=4),
)
def test_what_was_written_is_read(
    consents: set[int],
    interests: set[int],
    by_consent: set[int] | list[tuple[int, int]],
    by_interest: set[int] | list[tuple[int, int]],
    restrictions: list[tuple[int, int, list[tuple[int, int]]]],
) -> None:
    """Purposes, vendors by bits or by ranges, and restrictions, with other segments behind them."""
    read = parse_tcf(tcf(consents, interests, by_consent, by_interest, restrictions) + ".QAAA.IAAA")
    assert (set(read.consents), set(read.interests)) == (consents, interests)
    for vendor in (*range(1, 320), 500, 990, 65_535):
        assert read.vendors.holds(vendor) == within(vendor, by_consent)
        assert read.vendors_by_interest.holds(vendor) == within(vendor, by_interest)
    assert [(one.purpose, one.kind, list(one.vendors.ranges)) for one in read.restrictions] == restrictions


@given(
    consents=PURPOSES,
    interests=PURPOSES,
    vendor=st.integers(0, 6),
    by_consent=st.sets(st.integers(1, 6)),
    by_interest=st.sets(st.integers(1, 6)),
    restrictions=st.lists(st.tuples(st.integers(1, 10), st.integers(0, 2), st.just([(2, 4)])), max_size=4),
    purpose=st.integers(1, 10),
)
def test_a_purpose_is_allowed_as_the_policy_says(  # noqa: PLR0917  one law of many givens
    consents: set[int],
    interests: set[int],
    vendor: int,
    by_consent: set[int],
    by_interest: set[int],
    restrictions: list[tuple[int, int, list[tuple[int, int]]]],
    purpose: int,
) -> None:
    """By consent, or by interest for purposes that know it; a publisher's restriction leaves one of them or none."""
    read = parse_tcf(tcf(consents, interests, by_consent, by_interest, restrictions))
    mine = {kind for on, kind, _ in restrictions if on == purpose and 2 <= vendor <= 4}
    ways = set()
    if purpose in consents and (vendor == 0 or vendor in by_consent) and not mine & {0, 2}:
        ways.add("consent")
    if purpose in {2, 7, 8, 9, 10} and purpose in interests and (vendor == 0 or vendor in by_interest):
        ways |= set() if mine & {0, 1} else {"interest"}
    assert read.allows(purpose, vendor) == bool(ways)


def test_a_public_example() -> None:
    """A string that documentation of the field shows: five purposes, vendors 2, 6 and 8, interest in four purposes."""
    read = parse_tcf("COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA")
    assert sorted(read.consents) == [1, 2, 3]
    assert [vendor for vendor in range(1, 20) if read.vendors.holds(vendor)] == [2, 6, 8]
    assert [vendor for vendor in range(1, 20) if read.vendors_by_interest.holds(vendor)] == [2, 6, 8]
    assert read.restrictions == ()


@pytest.mark.parametrize("text", ["", ".", "C", "A" * 60, tcf(version=1), tcf({1})[:30], "CO v", "CPé", "C" * 20_000])
def test_what_is_damaged_is_unreadable(text: str) -> None:
    """Empty, cut, of another version, of other letters, too long."""
    with pytest.raises(UnreadableError):
        parse_tcf(text)


@given(text=st.text(max_size=80) | st.text("ABCabc019-_", max_size=200).map(lambda text: "C" + text))
def test_no_text_raises_anything_else(text: str) -> None:
    """A consent, or unreadable."""
    try:
        parse_tcf(text)
    except UnreadableError:
        return
