"""Impressions of before the log's tail are found again, for the caps that look so far back."""

from pathlib import Path

from tests.cascade.test_frequency import catalog
from tests.events.attribution.test_log import auction

from adcascade.cascade.frequency import Frequency
from adcascade.cascade.recall import recall
from adcascade.catalog.nouns import FrequencyCap
from adcascade.events.journal import Journal
from adcascade.events.records import Impression, Record
from adcascade.events.seal import seal

DAY_US = 86_400_000_000
WEEK: dict[str, tuple[FrequencyCap, ...]] = {"shoes": (FrequencyCap(impressions=2, window_s=7 * 86_400),)}


def test_a_weeks_views_are_recalled_and_older_ones_are_not(tmp_path: Path) -> None:
    """From the start of the longest window up to the given record, sealed or not; what memory replays is left to it."""
    now_us = 20 * DAY_US
    records: list[Record] = []
    for name, day, user in (("old", 12, "u"), ("a", 14, "u"), ("b", 15, "u"), ("c", 16, "v"), ("n", 16, None)):
        records += [auction(name, day * DAY_US, user, 2), Impression(id=name, time_us=day * DAY_US + 9, bid_id=name)]
    with Journal(tmp_path / "log.db") as journal:
        journal.append(records)
        seal(journal, tmp_path / "sealed", 15 * DAY_US)
        frequency = Frequency(catalog(WEEK))
        recall(frequency, journal, journal.last_seq, now_us)
        assert frequency.capped("u", now_us) == {("campaign", "shoes")}
        assert frequency.capped("u", now_us + DAY_US + 9) == frozenset()
        assert len(frequency) == 2
        early = Frequency(catalog(WEEK))
        recall(early, journal, 4, now_us)
        assert early.capped("u", now_us) == frozenset()
        nothing = Frequency(catalog({}))
        recall(nothing, journal, journal.last_seq, now_us)
        assert len(nothing) == 0
