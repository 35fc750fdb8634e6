"""The one rule: a user is recognised only where nobody objects, and what cannot be read is an objection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.privacy.writer import gpp, state, tcf

from adcascade.server.privacy.permission import Policy, Signals, permission

ALL = tcf({1, 2, 3, 4, 7}, (), {5, 9})
MEMBER = Policy(vendor=9)
BY_INTEREST = tcf({1, 3, 4}, {2, 7}, {9}, {9})


@pytest.mark.parametrize(
    ("signals", "objection"),
    [
        (Signals(), ""),
        (Signals(coppa=True, gdpr=True, tcf=ALL), "coppa"),
        (Signals(limited=True), "device"),
        (Signals(gpc=True), "gpc"),
        (Signals(gdpr=True), "tcf"),
        (Signals(gdpr=True, tcf=ALL), ""),
        (Signals(tcf=ALL), ""),
        (Signals(tcf=tcf({1, 2}, (), {9})), "tcf"),
        (Signals(gdpr=False, tcf=tcf({1, 2}, (), {9})), ""),
        (Signals(gdpr=True, tcf=BY_INTEREST), ""),
        (Signals(gdpr=True, tcf=tcf({1, 2, 3, 4, 7}, (), {5})), "tcf"),
        (Signals(gdpr=True, tcf=tcf({1, 2, 3, 4, 7}, (), {9}, (), [(3, 0, [(9, 9)])])), "tcf"),
        (Signals(gdpr=True, tcf="damaged"), "unreadable"),
        (Signals(us_privacy="1YYN"), "us_privacy"),
        (Signals(us_privacy="1YNN"), ""),
        (Signals(us_privacy="yes"), "unreadable"),
        (Signals(gpp=gpp({7: state(7, (2, 1, 2))})), "gpp"),
        (Signals(gpp=gpp({7: state(7, (2, 2, 2), gpc=True)})), "gpp"),
        (Signals(gpp=gpp({7: state(7, (2, 2, 2), gpc=False)}), gpp_sections=(7,)), ""),
        (Signals(gpp=gpp({7: state(7, (1, 1, 1)), 8: state(8, (2, 2))}), gpp_sections=(8,)), ""),
        (Signals(gpp=gpp({2: ALL, 6: "1YNN"}), gpp_sections=(2,)), ""),
        (Signals(gpp=gpp({2: tcf(), 6: "1YNN"}), gpp_sections=(2,)), "gpp"),
        (Signals(gpp=gpp({2: tcf(), 6: "1YNN"}), gpp_sections=(6,)), ""),
        (Signals(gpp=gpp({8: state(8, (2, 2))}), gpp_sections=(9,)), "unreadable"),
        (Signals(gpp=gpp({2: ALL}), gpp_sections=(-1,)), ""),
        (Signals(gpp=gpp({5: "x"}), gpp_sections=(5,)), "gpp"),
        (Signals(gpp_sections=(7,)), "gpp"),
        (Signals(gpp="x~y"), "unreadable"),
    ],
)
def test_the_first_objection_is_told(signals: Signals, objection: str) -> None:
    """Law by law, for a vendor of the list."""
    allowed = permission(signals, MEMBER)
    assert allowed.objection == objection
    assert allowed.user == (objection == "")
    assert allowed.region == (objection != "coppa")


def test_a_house_that_is_in_no_list_goes_by_the_purposes() -> None:
    """Vendor 0: no vendor bit is asked, every purpose is."""
    outside = Policy(vendor=0)
    assert permission(Signals(gdpr=True, tcf=tcf({1, 2, 3, 4, 7})), outside).user
    assert not permission(Signals(gdpr=True, tcf=tcf({1, 2, 3, 4})), outside).user
    assert permission(Signals(gdpr=True, tcf=tcf({1})), Policy(vendor=0, purposes=(1,))).user


@given(
    st.builds(
        Signals,
        gdpr=st.none() | st.booleans(),
        tcf=st.text(max_size=60),
        us_privacy=st.text(max_size=6),
        gpp=st.text(max_size=60) | st.text("DBACMY~.1N", max_size=40),
        gpp_sections=st.none() | st.lists(st.integers(-2, 40), max_size=4).map(tuple),
        coppa=st.booleans(),
        gpc=st.booleans(),
        limited=st.booleans(),
    )
)
def test_it_never_raises_and_more_objections_never_allow(signals: Signals) -> None:
    """Any text is an answer; a child, a device or a browser that objects always wins."""
    allowed = permission(signals, MEMBER)
    if signals.coppa or signals.gpc or signals.limited:
        assert not allowed.user
    assert not permission(signals._replace(coppa=True), MEMBER).user
