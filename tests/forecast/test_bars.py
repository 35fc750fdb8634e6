"""What a page asks of an ad is what it would have gone for without it; so a campaign taken out and put back wins what
it won, and pays what it paid."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.forecast.world import CAMPAIGNS, FACTORS, RESERVE, RULES, SLOTS, log_of, records_of

from adcascade.events.records import AuctionRecord
from adcascade.forecast.bars import Rules, pages_of
from adcascade.forecast.chances import own_of
from adcascade.forecast.replay import Entries, prices, won
from adcascade.forecast.traffic import Log

SEEDS = st.integers(0, 2**16)
FEW = settings(deadline=None, max_examples=15)


def entries(log: Log, records: list[AuctionRecord], number: int, rules: Rules) -> tuple[Entries, np.ndarray]:
    """The pages that ranked the campaign, without it, and its ad in each."""
    traffic, places = log
    own = own_of(traffic, places.campaign == number)
    at = np.flatnonzero(own >= 0)
    pages = pages_of(log, rules, np.full(len(traffic), number))
    bar = pages.bar[at]
    ad = own[at]
    return Entries(
        at=at, time_us=traffic.time_us[at], user=traffic.user[at], seen=np.ones(len(at), np.bool_), ctr=traffic.ctr[ad],
        cvr=traffic.cvr[ad], ad=np.zeros(len(at), np.int64), bid=np.full(len(at), np.nan), bar=bar,
        factor=FACTORS[: bar.shape[1]].astype(np.float64), per_click=CAMPAIGNS[number].billing == "click",
    ), ad  # fmt: skip


@FEW
@given(seed=SEEDS, number=st.integers(0, 5), rule=st.sampled_from(["gsp", "first_price", "second_price"]))
def test_a_campaign_taken_out_wins_what_it_won(seed: int, number: int, rule: str) -> None:
    """Every slot and every price of the campaign, and none beside, by the log alone."""
    records = records_of(seed, 60, rule=rule)
    log, rules = log_of(records), Rules(rule=rule, reserve_micros=RESERVE)  # type: ignore[arg-type]
    mine, ad = entries(log, records, number, rules)
    bid = np.full(len(mine.at), float(CAMPAIGNS[number].bid_micros))
    slot = won(mine, bid)
    paid = prices(mine, bid, slot, rule)
    for place, at in enumerate(mine.at.tolist()):
        row = int(log.traffic.rows[log.traffic.row[ad[place]]])
        actual = [one for one in records[at].winners if one.ad % 6 == number]
        if actual and actual[0].ad == row:
            assert slot[place] == actual[0].slot
            assert paid[place] == pytest.approx(actual[0].price_micros, abs=1)
        else:
            assert slot[place] < 0 or log.traffic.won[ad[place]] < 0


@FEW
@given(seed=SEEDS, number=st.integers(-1, 5))
def test_bars_are_the_pages_sold_without_the_campaign(seed: int, number: int) -> None:
    """Slot by slot the best that is left, ad by ad; one per campaign; the reserve where nobody reaches it."""
    records = records_of(seed, 40)
    log = log_of(records)
    pages = pages_of(log, RULES, np.full(len(records), number))
    for a, record in enumerate(records):
        assert record.ranked is not None
        rows = np.frombuffer(record.ranked.ad, "<i4")
        left = dict(zip(rows.tolist(), np.frombuffer(record.ranked.ecpm, "<i8").tolist(), strict=True))
        left = {row: ecpm for row, ecpm in left.items() if row % 6 != number}
        for k in range(int(pages.slots[a])):
            factor = float(log.traffic.factor[k])
            values = {row: ecpm * (1 if row % 6 == 5 else factor) for row, ecpm in left.items()}
            best = max(values, key=lambda row: values[row], default=None)
            reached = best is not None and values[best] >= RESERVE
            wanted = values[best] if best is not None and reached else RESERVE - 0.5
            assert pages.bar[a, k] == pytest.approx(wanted, rel=1e-6)
            if best is not None and reached:
                left = {row: ecpm for row, ecpm in left.items() if row % 6 != best % 6}
        assert np.isinf(pages.bar[a, pages.slots[a] :]).all()


def test_a_page_has_as_many_slots_as_its_kind() -> None:
    """Where it was not full, as many as were ever filled in its scenario; where it was, as many as it filled."""
    records = records_of(3, 80)
    pages = pages_of(log_of(records), RULES, np.full(80, -1))
    assert [SLOTS[record.scenario] for record in records] == pages.slots.tolist()


def test_who_had_no_money_is_no_rival() -> None:
    """An ad that stood above the winner and won nothing sets no bar."""
    record = next(one for one in records_of(5, 60) if len(one.winners) == 3 and one.scenario == "search")
    whole = pages_of(log_of([record]), RULES, np.array([-1]))
    moved = tuple(
        msgspec.structs.replace(one, slot=one.slot - 1, slot_ctr=one.ctr * float(FACTORS[one.slot - 1]))
        for one in record.winners[1:]
    )
    broke = msgspec.structs.replace(record, winners=moved)
    without = pages_of(log_of([broke]), RULES, np.array([-1]))
    assert record.ranked is not None
    assert without.bar[0, 0] < whole.bar[0, 0]
    best = dict(zip(np.frombuffer(record.ranked.ad, "<i4"), np.frombuffer(record.ranked.ecpm, "<i8"), strict=True))
    assert without.bar[0, 0] == best[record.winners[1].ad]


def test_a_page_of_chance_is_won_by_chance() -> None:
    """Only the slot that the campaign had, at the reserve; to anybody else it is closed."""
    records = [msgspec.structs.replace(one, policy="exploration") for one in records_of(7, 40)]
    log = log_of(records)
    pages = pages_of(log, RULES, np.full(40, 2))
    for a, record in enumerate(records):
        mine = {one.slot for one in record.winners if one.ad % 6 == 2}
        assert {k for k in range(pages.bar.shape[1]) if np.isfinite(pages.bar[a, k])} == mine
