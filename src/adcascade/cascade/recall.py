"""Recall: impressions of before, for the caps that look further back than the log's tail that memory replays."""

from pathlib import Path

import msgspec

from adcascade.cascade.frequency import Frequency
from adcascade.errors import InternalError
from adcascade.events.journal import Journal
from adcascade.events.read import read_payloads
from adcascade.events.records import Impression


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """Of a winner, what caps count."""

    bid_id: str
    ad: int
    creative: int


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag="auction"):
    """Of an AuctionRecord, what caps count; the rest is passed over undecoded."""

    time_us: int
    user: str | None
    winners: tuple[Sold, ...]


_decoder = msgspec.msgpack.Decoder(Answered | Impression)


def recall(frequency: Frequency, journal: Journal, until: int, now_us: int) -> None:
    """Live through answers and impressions again, from the longest window's beginning up to record `until`."""
    if not frequency.longest_us:
        return
    first = journal.query(
        "SELECT seq FROM records WHERE time_us >= ? ORDER BY seq LIMIT 1", (now_us - frequency.longest_us,)
    )
    if first and first[0][0] <= until:
        _live(frequency, journal.path, first[0][0] - 1, until)


def _live(frequency: Frequency, log: Path, after: int, until: int) -> None:
    for seq, payload in read_payloads(log, after, ("auction", "impression")):
        if seq > until:
            return
        try:
            record = _decoder.decode(payload)
        except msgspec.MsgspecError as error:
            raise InternalError(f"the journal holds a record that this version cannot read: {error}") from error
        if isinstance(record, Impression):
            frequency.seen(record.bid_id, record.time_us)
        elif record.user is not None:
            for sold in record.winners:
                frequency.answer(record.user, sold.bid_id, (sold.ad, sold.creative), record.time_us)
