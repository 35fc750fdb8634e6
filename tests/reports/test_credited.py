"""Laws of attribution in reports: another rule moves conversions between ads and leaves everything else as it is."""

from pathlib import Path

from tests.reports.world import HOUR_US, Shop

from adcascade.events.attribution.credits import credits_slow
from adcascade.events.attribution.log import read_lines, read_touches
from adcascade.events.attribution.rule import Goods, Rule
from adcascade.events.records import AuctionRecord, Click, Conversion, Impression, Order, OrderLine, Record, Winner
from adcascade.events.seal import seal
from adcascade.reports.credited import FOREVER_US, Earned, earned_of
from adcascade.reports.query import Question, answer

GOODS = (Goods("shoe"), Goods("hat"), Goods("hat"))


def offered(bid_id: str, ad: int, hour: int) -> AuctionRecord:
    """One ad for the shopper."""
    winner = Winner(
        bid_id=bid_id, ad=ad, slot=0, creative=0, price_micros=1, billing="click", ctr=0.1, slot_ctr=0.1, cvr=0.1
    )
    return AuctionRecord(id=bid_id, time_us=hour * HOUR_US, user="u", scenario="", seen={}, winners=(winner,))


LOG: tuple[Record, ...] = (
    offered("b1", 1, 0),
    Click(id="k1", time_us=1, bid_id="b1"),
    offered("b2", 2, 2),
    Impression(id="i2", time_us=2 * HOUR_US + 1, bid_id="b2"),
    Order(
        id="o",
        time_us=3 * HOUR_US,
        user="u",
        lines=(OrderLine(product="hat", quantity=2, price_micros=5, bid_id="b2"),),
    ),
    Conversion(id="o:0", time_us=3 * HOUR_US, bid_id="b2", value_micros=10),
)
ASKED = Question(metrics=("conversions", "value", "offered"), by=("ad",), from_us=0, to_us=9 * HOUR_US)


def test_a_rule_moves_conversions(tmp_path: Path) -> None:
    """As logged the named bid has it; by the last click alone the ad that was clicked; views alone: the last seen."""
    shop = Shop(tmp_path)
    with shop:
        for record in LOG:
            shop.write([record], [None])
            seal(shop.journal, tmp_path / "sealed", record.time_us + 1)
        clicks, views = Rule(view_us=0, direct=False), Rule(click_us=0, view_us=None, direct=False)
        earned = [earned_of(tmp_path / "log.db", rule, GOODS, 0) for rule in (clicks, views)]
        reports = [answer(ASKED, shop.facts, each) for each in (None, *earned)]
        lines = read_lines(tmp_path / "log.db", 0, FOREVER_US, {each.product: each for each in GOODS})
        touches = list(read_touches(tmp_path / "log.db", lines, clicks, lambda row: GOODS[row]))
    assert [{row.key[0]: row.values for row in report.rows} for report in reports] == [
        {"a2": (1, 10, 1), "a1": (0, 0, 1)},
        {"a1": (1, 10, 1), "a2": (0, 0, 1)},
        {"a2": (1, 10, 1), "a1": (0, 0, 1)},
    ]
    assert earned[0] == {"b1": Earned(1, 10)}
    assert [credit and credit.touch.bid_id for credit in credits_slow(lines, touches, clicks)] == ["b1"]
