"""Two readings of section 4.4 agree: the suite's and the server's."""

from hypothesis import given
from hypothesis import strategies as st

from adcascade.conformance.macros import MACROS, filled
from adcascade.server.openrtb import macros as server

PIECES = st.sampled_from([f"${{{name}{suffix}}}" for name in MACROS for suffix in ("", ":B64")]) | st.text(
    "ab${}: ", max_size=4
)


@given(
    pieces=st.lists(PIECES, max_size=8),
    values=st.dictionaries(st.sampled_from(MACROS), st.text("xyz019.é", max_size=6), max_size=4),
)
def test_macros_are_filled_as_the_server_fills_them(pieces: list[str], values: dict[str, str]) -> None:
    """Any text, any values: the same result."""
    assert filled("".join(pieces), values) == server.substitute("".join(pieces), values)


def test_both_know_the_same_macros() -> None:
    """Neither list lacks one."""
    assert set(MACROS) == set(server.MACROS)
