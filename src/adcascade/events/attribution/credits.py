"""Crediting: all lines of a log against all its touches, in one pass over the touches.

Lines are held in memory, by what can match them; touches stream by in any order, and each asks only the lines of its
own user and goods that it can have earned. So memory is that of the orders, and time that of the touches and matches.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from adcascade.events.attribution.rule import Credit, How, Line, Rule, Touch

RANK: dict[How, int] = {"view": 0, "click": 1, "direct": 2}
Key = tuple[str, str]  # user, and a key of goods


def credits_of(lines: Sequence[Line], touches: Iterable[Touch], rule: Rule) -> list[Credit | None]:
    """What earned each line, None where nothing did; as long as `lines`."""
    best: list[Credit | None] = [None] * len(lines)
    by_key, by_bid = _index(lines, rule)
    for touch in touches:
        if rule.window_us(click=touch.click) == 0:
            continue
        for place in by_bid.get(touch.bid_id, ()):
            if _in_time(lines[place], touch, rule):
                _offer(best, place, Credit("direct", touch))
        if touch.user is None:
            continue
        how: How = "click" if touch.click else "view"
        for key in touch.goods.keys(rule.scope):
            times, places = by_key.get((touch.user, key), ((), ()))
            for at in range(*_span(times, touch, rule)):
                _offer(best, places[at], Credit(how, touch))
    return best


def credits_slow(lines: Sequence[Line], touches: Iterable[Touch], rule: Rule) -> list[Credit | None]:
    """`credits_of`, every line against every touch: its twin for tests and for doubt."""
    touches = list(touches)
    return [
        max((c for c in (_earned(line, t, rule) for t in touches) if c), key=_order, default=None) for line in lines
    ]


def _earned(line: Line, touch: Touch, rule: Rule) -> Credit | None:
    if rule.window_us(click=touch.click) == 0 or not _in_time(line, touch, rule):
        return None
    if rule.direct and line.bid_id and line.bid_id == touch.bid_id:
        return Credit("direct", touch)
    shared = set(line.goods.keys(rule.scope)) & set(touch.goods.keys(rule.scope))
    if line.user is None or line.user != touch.user or not shared:
        return None
    return Credit("click" if touch.click else "view", touch)


def _index(
    lines: Sequence[Line], rule: Rule
) -> tuple[dict[Key, tuple[tuple[int, ...], tuple[int, ...]]], dict[str, list[int]]]:
    """Lines by user and key of goods (times ascending, and places in `lines`), and by the bid that they name."""
    by_key: dict[Key, list[tuple[int, int]]] = {}
    by_bid: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        if rule.direct and line.bid_id:
            by_bid.setdefault(line.bid_id, []).append(place)
        if line.user is not None:
            for key in line.goods.keys(rule.scope):
                by_key.setdefault((line.user, key), []).append((line.time_us, place))
    split = {key: tuple(zip(*sorted(found), strict=True)) for key, found in by_key.items()}
    return {key: (times, places) for key, (times, places) in split.items()}, by_bid


def _in_time(line: Line, touch: Touch, rule: Rule) -> bool:
    window = rule.window_us(click=touch.click)
    waited = line.time_us - touch.time_us
    return waited >= 0 and (window is None or waited <= window)


def _span(times: Sequence[int], touch: Touch, rule: Rule) -> tuple[int, int]:
    """First and behind the last of the ascending `times` that the touch can have earned."""
    window = rule.window_us(click=touch.click)
    first = bisect_left(times, touch.time_us)
    return first, len(times) if window is None else bisect_right(times, touch.time_us + window)


def _order(credit: Credit) -> tuple[int, bool, int, str]:
    """Of two credits the greater wins; a bid that was named counts by its click, where it has one."""
    return RANK[credit.how], credit.touch.click, credit.touch.time_us, credit.touch.bid_id


def _offer(best: list[Credit | None], place: int, credit: Credit) -> None:
    """Keep the greater of what earned the line so far and this."""
    held = best[place]
    if held is None or _order(credit) > _order(held):
        best[place] = credit
