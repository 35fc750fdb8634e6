"""Recall: impressions of before, for the caps that look further back than the log's tail that memory replays."""

from pathlib import Path

import msgspec

from adcascade.cascade.frequency import Frequency
from adcascade.events.brief import Answered, read_brief
from adcascade.events.journal import Journal
from adcascade.events.records import Impression

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
    for seq, record in read_brief(log, ("auction", "impression"), _decoder, after):
        if seq > until:
            return
        if isinstance(record, Impression):
            frequency.seen(record.bid_id, record.time_us)
        elif record.user is not None:
            for sold in record.winners:
                frequency.answer(record.user, sold.bid_id, (sold.ad, sold.creative), record.time_us)
