"""A trail is what a search through the whole log finds of a bid; what is sealed is said to be."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Click, Filtered, Impression, Record, Winner
from adcascade.events.seal import seal
from adcascade.events.trail import trail_of

BIDS = ("a.0", "a.1", "a.10", "b.0")
Named = Impression | Click | Filtered
KINDS: dict[str, Callable[[str, str], Named]] = {
    "impression": lambda name, bid: Impression(id=name, time_us=2, bid_id=bid),
    "click": lambda name, bid: Click(id=name, time_us=3, bid_id=bid),
    "filtered": lambda name, bid: Filtered(id=name, time_us=4, bid_id=bid, kind="click", reason=f"near {bid}0"),
}
events = st.lists(st.tuples(st.sampled_from(list(KINDS)), st.sampled_from(BIDS)), max_size=20)


def answer(name: str, *bids: str) -> AuctionRecord:
    """An answer with these bids."""
    winners = tuple(
        Winner(
            bid_id=bid, ad=1, slot=slot, creative=0, price_micros=5, billing="click", ctr=0.1, slot_ctr=0.1, cvr=0.0
        )
        for slot, bid in enumerate(bids)
    )  # fmt: skip
    return AuctionRecord(id=name, time_us=1, user=None, scenario="s", seen={}, winners=winners)


def written(folder: Path, *records: Record) -> Path:
    """A log of these records."""
    with Journal(folder / "log.db", commit_every_ms=0) as journal:
        journal.append(records)
    return folder / "log.db"


@settings(deadline=None, max_examples=30)
@given(events=events)
def test_a_trail_is_what_a_search_through_the_log_finds(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, str]]
) -> None:
    """Every event of the bid in order, none of another whose id or reason holds the same characters."""
    answers = [answer("a", "a.0", "a.1", "a.10"), answer("b", "b.0")]
    made = [KINDS[kind](f"e{number}", bid) for number, (kind, bid) in enumerate(events)]
    path = written(tmp_path_factory.mktemp("trail"), *answers, *made)
    for bid in BIDS:
        trail = trail_of(path, bid)
        assert [step.record for step in trail.steps] == [one for one in made if one.bid_id == bid]
        assert trail.auction in answers
        assert trail.winner is not None
        assert trail.winner.bid_id == bid
        assert (trail.searched_all, trail.sealed) == (True, False)


def test_what_lies_far_behind_the_auction_is_found_by_its_id_alone(tmp_path: Path) -> None:
    """A search that ends too soon says so; an event that the books name is there all the same."""
    noise = [Impression(id=f"n{number}", time_us=2, bid_id="z.0") for number in range(5)]
    late = Click(id="late", time_us=3, bid_id="a.0")
    path = written(tmp_path, answer("a", "a.0"), *noise, late)
    short = trail_of(path, "a.0", searched=3)
    assert (short.steps, short.searched_all) == ((), False)
    assert [step.record for step in trail_of(path, "a.0", ["late"], searched=3).steps] == [late]


def test_what_is_sealed_keeps_its_time_and_says_so(tmp_path: Path) -> None:
    """The auction and the click that was charged are known by id and time, and by nothing else."""
    path = written(tmp_path, answer("a", "a.0"), Click(id="c", time_us=3, bid_id="a.0"))
    with Journal(path) as journal:
        seal(journal, tmp_path / "sealed", 10)
    trail = trail_of(path, "a.0", ["c"])
    assert (trail.sealed, trail.auction, trail.auction_us) == (True, None, 1)
    assert [(step.kind, step.time_us, step.record) for step in trail.steps] == [("click", 3, None)]


def test_what_the_log_never_held_leaves_no_trail(tmp_path: Path) -> None:
    """An unknown bid, a bid id of another shape, a log that is not there: empty, and no file is made."""
    path = written(tmp_path, answer("a", "a.0"))
    for where, bid in ((path, "x.0"), (path, ""), (path, "a"), (tmp_path / "none.db", "a.0")):
        trail = trail_of(where, bid)
        assert (trail.auction, trail.auction_us, trail.steps, trail.sealed) == (None, None, (), False)
    assert not (tmp_path / "none.db").exists()
