"""Every request has one fate, the counts add up, and they are those of a plain loop; the sample is uniform."""

from collections import Counter
from collections.abc import Sequence
from statistics import median

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.events.ad_fates import (
    FATES,
    RANKED,
    STEPS,
    UNRANKED,
    Fate,
    Followed,
    Held,
    Won,
    fates_of,
    lost_auction,
)
from adcascade.events.records import AuctionRecord, Ranked, Winner

AD = Followed(row=0, siblings=frozenset({1}), reserve_micros=20)
encode = msgspec.msgpack.encode


def ranked(ecpms: dict[int, int]) -> Ranked:
    """Candidates with these eCPMs, by row."""
    rows = np.array(list(ecpms), "<i4")
    unknown, values = np.zeros(len(rows), "<f4").tobytes(), np.array(list(ecpms.values()), "<i8").tobytes()
    return Ranked(
        ad=rows.tobytes(), retrieval=unknown, preranking=unknown, ctr=unknown, cvr=unknown, bid=values, ecpm=values
    )


@st.composite
def made_up(draw: st.DrawFn) -> AuctionRecord:
    """A request of which some of five ads were ranked, and some of these won, or chance drew some."""
    ecpms = draw(st.dictionaries(st.integers(0, 4), st.integers(0, 60), max_size=5))
    won = draw(st.lists(st.sampled_from(sorted(ecpms)), unique=True, max_size=3)) if ecpms else []
    winners = tuple(
        Winner(
            bid_id=f"b{slot}", ad=ad, slot=slot, creative=0, price_micros=10 + ad, billing="click", ctr=0.1,
            slot_ctr=0.1, cvr=0.0,
        )
        for slot, ad in enumerate(won)
    )  # fmt: skip
    kept = draw(st.booleans()) and bool(ecpms)
    return AuctionRecord(
        id=str(draw(st.integers(0, 10**9))), time_us=draw(st.integers(100, 199)), user=None,
        scenario=draw(st.sampled_from(["home", "search"])), seen={}, winners=winners,
        ranked=ranked(ecpms) if kept else None, policy=draw(st.sampled_from(["cascade", "cascade", "exploration"])),
        cuts=draw(st.sampled_from([(), ("ranking: late",)])),
    )  # fmt: skip


def slow_fate(record: AuctionRecord) -> Fate:
    """The twin: the table of the module's docstring, read line by line."""
    won = {one.ad for one in record.winners}
    kept = record.ranked
    rows = [] if kept is None else np.frombuffer(kept.ad, "<i4").tolist()
    ecpm = {} if kept is None else dict(zip(rows, np.frombuffer(kept.ecpm, "<i8").tolist(), strict=True))
    table: dict[Fate, bool] = {
        "shown": 0 in won,
        "by_chance": record.policy == "exploration",
        "unkept": bool(won) and kept is None,
        "cut_short": 0 not in rows and bool(record.cuts),
        "not_ranked": 0 not in rows,
        "below_reserve": ecpm.get(0, 0) < 20,
        "outbid": bool(won) and all(ecpm.get(0, 0) <= ecpm.get(row, 0) for row in won),
        "sibling": 1 in won,
        "passed_over": True,
    }
    return next(fate for fate, holds in table.items() if holds)


@given(records=st.lists(made_up(), max_size=30), most=st.integers(0, 30), sample=st.integers(0, 10))
def test_counts_are_those_of_a_loop_and_add_up(records: list[AuctionRecord], most: int, sample: int) -> None:
    """By fate, by scenario, by step; slots, price, gap, and the sample as large as it can be."""
    told = fates_of(map(encode, records), AD, 100, 200, most=most, sample=sample)
    looked = records[:most]
    fates = [slow_fate(record) for record in looked]
    assert {one.fate: one.requests for one in told.counted} == {fate: fates.count(fate) for fate in FATES}
    assert told.requests == len(looked) == sum(one.requests for one in told.counted)
    assert told.more == (len(records) > most)
    for lines in (told.scenarios, told.steps):
        assert sum(one.requests for one in lines) == len(looked)
        assert sum(one.shown for one in lines) == told.of("shown")
        assert sum(one.ranked for one in lines) == told.of(*RANKED)
    assert len(told.steps) == (STEPS if looked else 0)
    assert sum(told.slots) == told.of("shown")
    gaps = [gap for record, fate in zip(looked, fates, strict=True) if fate == "outbid" for gap in [gap_of(record)]]
    assert told.gap_micros == (median(gaps) if gaps else None)
    assert told.price_micros == (10 if told.of("shown") else None)
    assert told.unranked == sum(fate in UNRANKED for fate in fates)
    assert len(told.sample) == min(sample, told.unranked)
    for one in told.counted:
        named = [record.id for record, fate in zip(looked, fates, strict=True) if fate == one.fate]
        assert list(one.examples) == named[:3]


def gap_of(record: AuctionRecord) -> int:
    """What lacked to the last winner."""
    assert record.ranked is not None
    rows = np.frombuffer(record.ranked.ad, "<i4").tolist()
    ecpm = dict(zip(rows, np.frombuffer(record.ranked.ecpm, "<i8").tolist(), strict=True))
    return int(min(ecpm[one.ad] for one in record.winners) - ecpm[0])


def test_what_is_needed_of_a_record_is_there() -> None:
    """`Held` reads what an AuctionRecord writes."""
    winner = Winner(
        bid_id="b", ad=3, slot=1, creative=0, price_micros=5, billing="click", ctr=0.1, slot_ctr=0.1, cvr=0.0
    )
    record = AuctionRecord(id="r", time_us=7, user="u", scenario="home", seen={"query": "x"}, winners=(winner,))
    held = msgspec.msgpack.decode(encode(record), type=Held)
    assert held == Held(id="r", time_us=7, scenario="home", winners=(Won(ad=3, slot=1, price_micros=5),))


def test_who_beat_it_is_named() -> None:
    """Winners above it, those of a tie too; the gap is to the last of them."""
    lost = lost_auction(30, {5: 30, 6: 50}, AD)
    assert (lost.fate, lost.gap_micros, lost.beaten_by) == ("outbid", 0, (5, 6))
    assert lost_auction(40, {5: 30, 1: 50}, AD).fate == "sibling"
    assert lost_auction(40, {}, AD).fate == "passed_over"


def test_the_sample_is_uniform_and_the_same_again() -> None:
    """Each of forty requests is drawn about as often as any other, over streams that begin elsewhere."""

    def request(number: int) -> bytes:
        return encode(AuctionRecord(id=str(number), time_us=100, user=None, scenario="", seen={}, winners=()))

    def drawn(numbers: Sequence[int]) -> list[int]:
        told = fates_of(map(request, numbers), AD, 0, 200, sample=8)
        return [int(msgspec.msgpack.decode(one)["id"]) for one in told.sample]

    assert drawn(range(40)) == drawn(range(40))
    random, counts = np.random.default_rng(0), Counter[int]()
    for _ in range(500):
        counts.update(drawn(random.permutation(40).tolist()))
    assert 60 < min(counts.values()) <= max(counts.values()) < 145  # 100 expected, deviation 9
