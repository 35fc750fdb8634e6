"""Attribution over a real log: what is read, and that a rule changes the report and never the log."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.events.attribution.credits import credits_of, credits_slow
from adcascade.events.attribution.log import read_lines, read_touches
from adcascade.events.attribution.report import report_of, totals_of
from adcascade.events.attribution.rule import DAY_US, Goods, Line, Rule, Touch
from adcascade.events.journal import Journal
from adcascade.events.records import (
    AuctionRecord,
    Click,
    Conversion,
    Impression,
    Order,
    OrderLine,
    Record,
    Viewable,
    Winner,
)
from adcascade.events.seal import seal

GOODS = (Goods("red", "shoe", "acme"), Goods("hat", "", "acme"))
KNOWN = {each.product: each for each in GOODS}
NAMES = (("shoes", "ad-red"), ("hats", "ad-hat"))
FAR = 2**62


def auction(name: str, time_us: int, user: str | None, ad: int) -> AuctionRecord:
    """One ad is answered; its bid is called as the auction."""
    winner = Winner(
        bid_id=name, ad=ad, slot=0, creative=0, price_micros=1, billing="click", ctr=0.1, slot_ctr=0.1, cvr=0.1
    )
    return AuctionRecord(id=name, time_us=time_us, user=user, scenario="", seen={}, winners=(winner,))


def order(name: str, time_us: int, user: str | None, *lines: OrderLine) -> Order:
    """A purchase."""
    return Order(id=name, time_us=time_us, user=user, lines=lines)


LOG: tuple[Record, ...] = (
    auction("b1", 0, "u", 0),
    Impression(id="i1", time_us=1, bid_id="b1"),
    Click(id="c1", time_us=2, bid_id="b1"),
    auction("b2", 3 * DAY_US, "u", 1),
    Impression(id="i2", time_us=3 * DAY_US + 1, bid_id="b2"),
    Viewable(id="v2", time_us=3 * DAY_US + 2, bid_id="b2"),
    auction("b3", 3 * DAY_US, "stranger", 1),
    Click(id="c3", time_us=3 * DAY_US + 2, bid_id="b3"),
    order("o1", 3 * DAY_US + 9, "u", OrderLine(product="hat", price_micros=7), OrderLine(product="red", quantity=2)),
    Conversion(id="o1:0", time_us=3 * DAY_US + 9, bid_id="b2", value_micros=7),
    Conversion(id="old:0", time_us=3 * DAY_US + 9, bid_id="b3", value_micros=5),
)


def written(path: Path, records: Sequence[Record] = LOG) -> Path:
    """A log that holds them."""
    with Journal(path) as journal:
        journal.append(records)
    return path


def credited(log: Path, rule: Rule, views: str = "impression") -> list[tuple[str, str, str] | None]:
    """Order, bid and kind of touch by line."""
    lines = read_lines(log, 0, FAR, KNOWN)
    found = credits_of(lines, read_touches(log, lines, rule, GOODS.__getitem__, views), rule)
    return [None if c is None else (line.order, c.touch.bid_id, c.how) for line, c in zip(lines, found, strict=True)]


def test_two_rules_give_two_reports_of_one_log(tmp_path: Path) -> None:
    """The same records, bit for bit, before and after; what is credited follows the rule."""
    log = written(tmp_path / "log.db")
    before = log.read_bytes()
    direct = ("old:0", "b3", "direct")
    assert credited(log, Rule()) == [("o1", "b2", "view"), ("o1", "b1", "click"), direct]
    assert credited(log, Rule(scope="brand", view_us=0)) == [("o1", "b1", "click"), ("o1", "b1", "click"), direct]
    assert credited(log, Rule(click_us=DAY_US, direct=False)) == [("o1", "b2", "view"), None, None]
    assert credited(log, Rule(), "viewable")[0] == ("o1", "b2", "view")
    assert log.read_bytes() == before


def test_a_sealed_log_is_attributed_alike(tmp_path: Path) -> None:
    """Sealing moves records to Parquet and changes no credit."""
    log = written(tmp_path / "log.db")
    with Journal(log) as journal:
        seal(journal, tmp_path / "sealed", 2 * DAY_US)
    assert credited(log, Rule()) == credited(written(tmp_path / "other.db"), Rule())


def test_a_conversion_of_a_known_order_is_not_counted_twice(tmp_path: Path) -> None:
    """`o1:0` is a line of `o1` already; a conversion without an order is a line that its bid alone can earn."""
    lines = read_lines(written(tmp_path / "log.db"), 0, FAR, KNOWN)
    assert [line.order for line in lines] == ["o1", "o1", "old:0"]
    assert lines[0].goods == GOODS[1]  # the catalog knows the brand that the shop did not tell
    assert read_lines(tmp_path / "log.db", 0, 3 * DAY_US, KNOWN) == []


def test_the_report_adds_up(tmp_path: Path) -> None:
    """By ad: orders once, units and value by line, and the parts by kind of touch sum to the whole."""
    log = written(tmp_path / "log.db")
    lines = read_lines(log, 0, FAR, KNOWN)
    earned = credits_of(lines, read_touches(log, lines, Rule(), GOODS.__getitem__), Rule())
    rows = report_of(lines, earned, NAMES).to_pylist()
    assert [(row["ad"], row["orders"], row["units"], row["value_micros"]) for row in rows] == [
        ("ad-hat", 2, 2, 12),
        ("ad-red", 1, 2, 0),
    ]
    for row in rows:
        assert sum(row[f"{how}_value_micros"] for how in ("click", "view", "direct")) == row["value_micros"]
        assert sum(row[f"{how}_units"] for how in ("click", "view", "direct")) == row["units"]
    assert totals_of(lines, earned) == {
        "orders": 2,
        "credited_orders": 2,
        "value_micros": 12,
        "credited_value_micros": 12,
    }


events = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["u", "v", None]), st.integers(0, 1), st.sampled_from("isc-")),
    max_size=12,
)
bought = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["u", "v", None]), st.integers(0, 1)), max_size=5)


@settings(max_examples=25)
@given(events=events, bought=bought, window=st.integers(1, 30))
def test_the_log_tells_all_touches_that_matter(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[tuple[int, str | None, int, str]],
    bought: list[tuple[int, str | None, int]],
    window: int,
) -> None:
    """Credits from the log equal the twin's over every touch, whoever's and however old."""
    records: list[Record] = []
    touches: list[Touch] = []
    for number, (time_us, user, ad, kind) in enumerate(events):
        records.append(auction(f"b{number}", time_us, user, ad))
        if kind in "ic":
            what = Click if kind == "c" else Impression
            records.append(what(id=f"e{number}", time_us=time_us, bid_id=f"b{number}"))
            touches.append(Touch(time_us, user, f"b{number}", kind == "c", ad, GOODS[ad]))
    for number, (time_us, user, ad) in enumerate(bought):
        records.append(order(f"o{number}", time_us, user, OrderLine(product=GOODS[ad].product)))
    log = written(tmp_path_factory.mktemp("log") / "log.db", records)
    rule = Rule(click_us=window, view_us=window // 2, scope="brand")
    lines: list[Line] = read_lines(log, 0, FAR, KNOWN)
    found = credits_of(lines, read_touches(log, lines, rule, GOODS.__getitem__), rule)
    assert found == credits_slow(lines, touches, rule)
