"""Statements add up: each day by itself, each day to the next, and all of them to the account."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import InputError
from adcascade.events.journal import Journal
from adcascade.money.charge import Charge
from adcascade.money.day import DAY_US, number_of
from adcascade.money.ledger import Budget, Ledger, Transfer
from adcascade.money.statement import CampaignLine

FAR = 400 * DAY_US

steps = st.lists(
    st.tuples(
        st.sampled_from(["top_up", "payout", "charge", "refund"]),
        st.sampled_from("ab"),
        st.integers(1, 500),
        st.integers(0, 2 * DAY_US),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=40)
@given(steps=steps, zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/Los_Angeles"]))
def test_the_sum_law(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, int, int]], zone: str
) -> None:
    """closing = opening + in - out, the next opening is this closing, and the last is what the account holds."""
    with Journal(tmp_path_factory.mktemp("statement") / "log.db", commit_every_ms=0) as journal:
        ledger = Ledger(journal)
        budgets = {name: Budget(advertiser="v", fee_bp=700, timezone=zone) for name in "ab"}
        ledger.set_budgets(budgets, 0).result()
        now_us, bids, twin = 20 * DAY_US, [], 0
        for number, (kind, campaign, micros, wait) in enumerate(steps):
            now_us += wait
            if kind == "charge":
                ledger.charge([Charge(f"b{number}", campaign, 0, micros, FAR, now_us, "e")]).result()
                bids.append(f"b{number}")
                twin -= micros
                continue
            order = Transfer(
                id=str(number),
                kind=kind,  # type: ignore[arg-type]  # one of its words
                advertiser="v",
                micros=0 if kind == "refund" else micros,
                time_us=now_us,
                bid_id=bids.pop() if kind == "refund" and bids else "",
            )
            try:
                moved = ledger.transfer(order).result().charged_micros
            except InputError:
                continue
            twin += -moved if kind == "payout" else moved
        days = ledger.statements("v", 18, number_of(datetime(1970, 4, 1, tzinfo=UTC).date()))
        assert days[0].opening == 0
        assert days[-1].closing == twin
        for day in days:
            assert day.closing == day.opening + day.top_ups - day.payouts - day.charged + day.refunds
        for day, following in pairwise(days):
            assert following.opening == day.closing
        parts = ledger.statements("v", days[10].day, days[20].day)
        assert parts == days[10:21]


def test_a_day_by_example(tmp_path: Path) -> None:
    """23:30 UTC is the next morning in Tokyo: the charge is on that day's statement, with its fee and count."""
    with Journal(tmp_path / "log.db", commit_every_ms=0) as journal:
        ledger = Ledger(journal)
        ledger.set_budgets({"c": Budget(advertiser="v", fee_bp=1000, timezone="Asia/Tokyo")}, 0).result()
        evening = 10 * DAY_US + 23 * 3_600_000_000
        ledger.transfer(Transfer(id="t", kind="top_up", advertiser="v", micros=100, time_us=0)).result()
        ledger.charge([Charge(bid, "c", 0, 30, FAR, evening, bid) for bid in ("b1", "b2")]).result()
        ledger.transfer(
            Transfer(id="r", kind="refund", advertiser="v", micros=0, time_us=evening, bid_id="b1")
        ).result()
        before, day = ledger.statements("v", 10, 11)
        assert (before.opening, before.closing) == (100, 100)
        assert day.charges == (CampaignLine("c", 2, 60, 6),)
        assert (day.refunds, day.fees, day.closing) == (30, 6, 70)
        assert ledger.today("v", evening) == 11
        with pytest.raises(InputError, match="to"):
            ledger.statements("v", 11, 10)
