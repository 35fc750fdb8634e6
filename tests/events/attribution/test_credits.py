"""Laws of crediting: the rule as the twin applies it, line by line, and what follows from it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import InputError
from adcascade.events.attribution.credits import credits_of, credits_slow
from adcascade.events.attribution.rule import DAY_US, Goods, Line, Rule, Touch

few = st.sampled_from(["", "a", "b"])
goods = st.builds(Goods, few, few, few)
users = st.sampled_from([None, "u", "v"])
bids = st.sampled_from(["", "b1", "b2", "b3"])
touches = st.lists(
    st.builds(Touch, st.integers(0, 30), users, bids.filter(bool), st.booleans(), st.integers(0, 3), goods), max_size=20
)
lines = st.lists(
    st.builds(Line, st.sampled_from("opq"), st.integers(0, 30), users, goods, st.integers(1, 3), st.just(5), bids),
    max_size=12,
)
windows = st.none() | st.integers(0, 20)
rules = st.builds(
    Rule, click_us=windows, view_us=windows, scope=st.sampled_from(["sku", "parent", "brand"]), direct=st.booleans()
)


@settings(max_examples=400)
@given(lines=lines, touches=touches, rule=rules)
def test_one_pass_credits_as_the_twin_does(lines: list[Line], touches: list[Touch], rule: Rule) -> None:
    """Whatever the lines, the touches and the rule: the same credit for every line."""
    assert credits_of(lines, touches, rule) == credits_slow(lines, touches, rule)


@given(data=st.data(), lines=lines, touches=touches, rule=rules)
def test_the_order_of_the_log_does_not_matter(
    data: st.DataObject, lines: list[Line], touches: list[Touch], rule: Rule
) -> None:
    """Touches that arrive in another order earn the same; all touches of a bid are of one user and one ad."""
    first = {touch.bid_id: touch for touch in reversed(touches)}
    touches = [first[t.bid_id]._replace(time_us=t.time_us, click=t.click) for t in touches]
    shuffled = data.draw(st.permutations(touches))
    assert credits_of(lines, shuffled, rule) == credits_of(lines, touches, rule)


@given(lines=lines, touches=touches, rule=rules)
def test_a_wider_scope_or_window_loses_no_line(lines: list[Line], touches: list[Touch], rule: Rule) -> None:
    """What a narrow rule credits to somebody, every wider one credits, too."""
    wider = Rule(click_us=None, view_us=None, scope="brand", direct=rule.direct)
    for narrow, wide in zip(credits_of(lines, touches, rule), credits_of(lines, touches, wider), strict=True):
        assert narrow is None or wide is not None


SHOE = Goods("red-shoe", "shoe", "acme")
ORDER = Line("o1", 100 * DAY_US, "u", SHOE, 2, 30_000_000)


def touch(days_before: float, kind: str, bid: str = "b", goods: Goods = SHOE, user: str | None = "u") -> Touch:
    """A touch so many days before the order."""
    return Touch(round((100 - days_before) * DAY_US), user, bid, kind == "click", 0, goods)


def winner(*touches: Touch, line: Line = ORDER, **rule: object) -> tuple[str, str] | None:
    """How, and by which bid, the order's line is earned."""
    (credit,) = credits_of([line], touches, Rule(**rule))  # type: ignore[arg-type]
    return None if credit is None else (credit.how, credit.touch.bid_id)


def test_the_last_click_beats_a_later_view() -> None:
    """A click of ten days ago earns the line, not a view of an hour ago; of two clicks the later one does."""
    seen, old, older = touch(0.04, "view", "v"), touch(10, "click", "c1"), touch(12, "click", "c2")
    assert winner(seen, old, older) == ("click", "c1")
    assert winner(seen) == ("view", "v")


@pytest.mark.parametrize("days", [7, 14, 30])
def test_a_window_ends_to_the_microsecond(days: int) -> None:
    """A touch exactly so long ago counts; one microsecond earlier it does not, but where any time is allowed."""
    at, before = touch(days, "click"), touch(days, "click")._replace(time_us=(100 - days) * DAY_US - 1)
    assert winner(at, click_us=days * DAY_US) == ("click", "b")
    assert winner(before, click_us=days * DAY_US) is None
    assert winner(before, click_us=None) == ("click", "b")


def test_what_comes_after_the_order_earns_nothing() -> None:
    """A click one microsecond after the purchase did not bring it about."""
    assert winner(touch(0, "click")) == ("click", "b")
    assert winner(touch(0, "click")._replace(time_us=ORDER.time_us + 1)) is None


@pytest.mark.parametrize(
    ("seen", "scopes"),
    [
        (Goods("red-shoe", "shoe", "acme"), {"sku", "parent", "brand"}),
        (Goods("blue-shoe", "shoe", "acme"), {"parent", "brand"}),
        (Goods("shoe", "", "acme"), {"parent", "brand"}),  # the parent itself
        (Goods("hat", "", "acme"), {"brand"}),
        (Goods("hat", "", "other"), set()),
        (Goods("", "", ""), set()),  # nothing known is no match
    ],
)
def test_a_scope_says_what_must_have_been_bought(seen: Goods, scopes: set[str]) -> None:
    """The same product, a variant of the same, or the same brand; each holds the narrower ones."""
    assert {
        scope for scope in ("sku", "parent", "brand") if winner(touch(1, "click", goods=seen), scope=scope)
    } == scopes


def test_nobody_is_credited_without_a_key_but_a_named_bid() -> None:
    """An order without a user key can be earned by the bid that the shop named, and by nothing else."""
    anonymous = ORDER._replace(user=None, bid_id="named")
    clicked, named = touch(1, "click", user=None), touch(2, "click", "named", user=None)
    assert winner(clicked, named, line=anonymous) == ("direct", "named")
    assert winner(clicked, line=anonymous) is None
    assert winner(clicked, named, line=anonymous, direct=False) is None


def test_a_named_bid_beats_the_last_click_within_its_window() -> None:
    """direct > click; a bid that was clicked too long ago is left to the windows as others are."""
    line = ORDER._replace(bid_id="named")
    assert winner(touch(1, "click"), touch(3, "click", "named"), line=line) == ("direct", "named")
    assert winner(touch(1, "click"), touch(15, "click", "named"), line=line) == ("click", "b")


def test_a_window_of_nothing_turns_a_kind_off() -> None:
    """0 is never, even for a touch at the very time of the order; below 0 is an error."""
    assert winner(touch(0, "view"), view_us=0) is None
    with pytest.raises(InputError, match="click_us"):
        Rule(click_us=-1)
