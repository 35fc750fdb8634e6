"""GPP strings give back the sections that were written; US sections say who opted out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.privacy.writer import gpp, state, text_of

from adcascade.server.privacy.bits import UnreadableError
from adcascade.server.privacy.gpp import parse_gpp
from adcascade.server.privacy.usa import refuses, sale_refused

TCF_TEXT = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"


@given(ids=st.sets(st.integers(1, 400), max_size=30))
def test_what_was_written_is_read(ids: set[int]) -> None:
    """Any rising ids, each with its text."""
    sections = {one: f"S{one}" for one in ids}
    assert parse_gpp(gpp(sections)) == sections


def test_public_examples() -> None:
    """Headers that the documentation of GPP shows: TCF alone, and TCF with US Privacy."""
    assert parse_gpp(f"DBABMA~{TCF_TEXT}") == {2: TCF_TEXT}
    assert parse_gpp(f"DBACNYA~{TCF_TEXT}~1YNN") == {2: TCF_TEXT, 6: "1YNN"}
    national = parse_gpp("DBABLA~BVAoAAAAABk.QA")
    assert list(national) == [7]
    assert not refuses(7, national[7])


def test_a_range_of_sections_is_several() -> None:
    """`DBACMYA` would list 2 and 6; a range from 2 to 4 names three."""
    bits = "000011" + "000001" + "000000000001" + "1" + "011" + "011"

    assert parse_gpp(text_of(bits) + "~a~b~c") == {2: "a", 3: "b", 4: "c"}


@given(
    section=st.integers(7, 24),
    choices=st.lists(st.integers(0, 2), min_size=3, max_size=3),
    gpc=st.none() | st.booleans(),
)
def test_who_opted_out_of_anything_or_sends_gpc_refuses(section: int, choices: list[int], gpc: bool | None) -> None:
    """Sale, sharing or targeted advertising: 1 is an opt-out, 0 does not apply, 2 is none; states have two choices."""
    told = choices if section == 7 else choices[:2]
    assert refuses(section, state(section, told, gpc=gpc)) == (1 in told or gpc is True)


@pytest.mark.parametrize("text", ["", "1YN", "2YNN", "1YXN", "1YNNN", "é"])
def test_what_is_no_us_privacy_string_is_unreadable(text: str) -> None:
    """Four letters, version 1."""
    with pytest.raises(UnreadableError):
        sale_refused(text)


def test_us_privacy_tells_the_opt_out_of_sale() -> None:
    """The third letter, in either case."""
    assert [sale_refused(text) for text in ("1YYN", "1yyn", "1YNN", "1---", "1NNY")] == [
        True,
        True,
        False,
        False,
        False,
    ]


@given(text=st.text(max_size=60) | st.text("ABCDM019~._-Y", max_size=60).map(lambda text: "DBA" + text))
def test_no_text_raises_anything_else(text: str) -> None:
    """Sections, or unreadable."""
    try:
        for section, body in parse_gpp(text).items():
            refuses(section, body)
    except UnreadableError:
        return
