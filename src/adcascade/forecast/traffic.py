"""Traffic: auctions of the log as arrays, which every forecast of the next minute replays.

Letters: A auctions in order of time, E ranked ads of all of them one behind the other, W ads that won, K slots.

The log keeps no slots. A page is taken to have had as many as it filled where another ad could have had one more; else
as many as were ever filled in its scenario. It keeps neither floors, deals nor restrictions of single requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.forecast.sample import DAY_US, Sample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.str_]
TEXTS = ("scenario", "device", "country", "category", "query")  # of a request that targeting can be judged by
NOBODY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What the catalog says of the rows in the traffic, by their number there: R rows."""

    campaign: Ints  # [R] number of a campaign, NOBODY: the row is not in the catalog
    per_click: Flags  # [R]
    category: Ints  # [R] number of a category
    campaigns: tuple[str, ...]
    advertisers: tuple[str, ...]  # of the campaigns
    categories: tuple[str, ...]

    def number(self, campaign: str) -> int:
        """Of a campaign; one that no ad of the traffic is of has another than all."""
        return self.campaigns.index(campaign) if campaign in self.campaigns else len(self.campaigns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What happened. weight: auctions of the window for one of these; seen: impressions for one ad that was offered,
    1 where the log tells of none."""

    id: NDArray[np.uint64]  # [A] a hash of the request's id: its own chance
    time_us: Ints  # [A]
    user: Ints  # [A] a number for each, NOBODY
    explored: Flags  # [A] answered by chance
    texts: dict[str, Texts]  # TEXTS [A]; "" is not told
    start: Ints  # [A + 1] the ranked ads of auction a are start[a] to start[a + 1]
    row: Ints  # [E] number in `rows`
    ctr: Floats  # [E] first slot
    cvr: Floats  # [E]
    ecpm: Floats  # [E] micros
    won: Ints  # [E] slot, -1: none
    rows: NDArray[np.int32]  # [R] rows of the catalog, ascending
    bid: Floats  # [R] the highest that was bid for the ad, micros per billing event: nobody paced it then
    factor: Floats  # [K] clicks in slot k for one in slot 0
    since_us: int
    until_us: int
    weight: float = 1.0
    seen: float = 1.0

    def __len__(self) -> int:
        """A."""
        return len(self.time_us)

    @property
    def days(self) -> int:
        """Of 24 hours, back from the newest auction; 1 where the log is shorter."""
        return max(1, (self.until_us - self.since_us) // DAY_US)

    @property
    def scale(self) -> float:
        """What one auction stands for in a day of 24 hours."""
        return self.weight * max(1.0, DAY_US / max(self.until_us - self.since_us, 1))

    def day(self) -> Ints:
        """Which of the days each auction lies in, 0 is the newest: [A]."""
        return np.minimum((self.until_us - 1 - self.time_us) // DAY_US, self.days - 1)

    def chance(self, salt: int) -> Floats:
        """A number in [0, 1) for each auction: its own, the same in every forecast; another salt, another number."""
        with np.errstate(over="ignore"):
            x = self.id + np.uint64(salt) * np.uint64(0x9E3779B97F4A7C15)
            x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray((x ^ (x >> np.uint64(31))) >> np.uint64(11), np.float64) / 2.0**53


class Log(NamedTuple):
    """What forecasts are made from."""

    traffic: Traffic
    places: Places


class _Seen(msgspec.Struct):
    device: Any = None
    country: Any = None
    page_category: Any = None
    query: Any = None


class _Won(msgspec.Struct):
    ad: int
    slot: int
    ctr: float
    slot_ctr: float


class _Ranked(msgspec.Struct, array_like=True):
    ad: bytes
    retrieval: bytes
    preranking: bytes
    ctr: bytes
    cvr: bytes
    bid: bytes
    ecpm: bytes


class _Auction(msgspec.Struct, tag="auction"):
    """The fields needed of events/records.py."""

    id: str
    time_us: int
    user: str | None
    scenario: str
    seen: _Seen
    winners: list[_Won]
    ranked: _Ranked | None = None
    policy: str = "cascade"
    cuts: list[str] = []


_DECODER = msgspec.msgpack.Decoder(_Auction)


def traffic_of(sample: Sample) -> Traffic:
    """The sample's auctions; those that a deadline or a failure cut before anything was ranked are left out."""
    auctions = [_DECODER.decode(payload) for payload in sample.payloads]
    offered = sum(len(one.winners) for one in auctions)
    auctions = [one for one in auctions if sample.since_us <= one.time_us and (one.ranked is not None or not one.cuts)]
    auctions.sort(key=lambda one: one.time_us)
    ranked = [one.ranked for one in auctions]
    ads = _joined([one.ad for one in ranked if one is not None], "<i4").astype(np.int32)
    rows, row = _numbered(ads)
    counts = [0 if one is None else len(one.ad) // 4 for one in ranked]
    start = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
    numbers: dict[str, int] = {}
    return Traffic(
        id=np.array([crc32(one.id.encode()) for one in auctions], np.uint64),
        time_us=np.array([one.time_us for one in auctions], np.int64),
        user=np.array(
            [NOBODY if one.user is None else numbers.setdefault(one.user, len(numbers)) for one in auctions], np.int64
        ),
        explored=np.array([one.policy == "exploration" for one in auctions], np.bool_),
        texts=_texts(auctions),
        start=start,
        row=row,
        ctr=_joined([one.ctr for one in ranked if one is not None], "<f4").astype(np.float64),
        cvr=_joined([one.cvr for one in ranked if one is not None], "<f4").astype(np.float64),
        ecpm=_joined([one.ecpm for one in ranked if one is not None], "<i8").astype(np.float64),
        won=_won(auctions, start, ads),
        rows=rows,
        bid=_highest(row, _joined([one.bid for one in ranked if one is not None], "<i8"), len(rows)),
        factor=_factors(auctions),
        since_us=sample.since_us,
        until_us=sample.until_us,
        weight=sample.weight,
        seen=min(1.0, sample.kinds.get("impression", offered) / offered) if offered else 1.0,
    )


def _joined(parts: Sequence[bytes], kind: str) -> NDArray[Any]:
    return np.frombuffer(b"".join(parts), kind)


def _texts(auctions: Sequence[_Auction]) -> dict[str, Texts]:
    told = [
        (one.scenario, one.seen.device, one.seen.country, one.seen.page_category, one.seen.query) for one in auctions
    ]
    columns = zip(*told, strict=True) if told else ((),) * len(TEXTS)
    return {
        name: np.array([value if isinstance(value, str) else "" for value in column], np.str_)
        for name, column in zip(TEXTS, columns, strict=True)
    }


def _numbered(ads: NDArray[np.int32]) -> tuple[NDArray[np.int32], Ints]:
    """The rows of the catalog there are, ascending, and the number of each ad among them."""
    there = np.zeros(int(ads.max(initial=0)) + 1, np.bool_)
    there[ads] = True
    rows = np.flatnonzero(there[: len(there) if len(ads) else 0]).astype(np.int32)
    return rows, (np.cumsum(there) - 1)[ads]


def _won(auctions: Sequence[_Auction], start: Ints, ads: NDArray[np.int32]) -> Ints:
    """The slot of each ranked ad that won; a winner that was not ranked leaves no trace."""
    told = [(number, w.ad, w.slot) for number, one in enumerate(auctions) for w in one.winners]
    won = np.full(len(ads), -1, np.int64)
    _mark(np.array(told, np.int64).reshape(-1, 3), start, ads, won)
    return won


def _highest(row: Ints, bid: Ints, rows: int) -> Floats:
    highest = np.zeros(rows)
    _raise(row, bid, highest)
    return highest


@njit(cache=True)
def _raise(row: Ints, bid: Ints, highest: Floats) -> None:
    for i in range(len(row)):
        highest[row[i]] = max(highest[row[i]], bid[i])


@njit(cache=True)
def _mark(told: NDArray[np.int64], start: Ints, ads: NDArray[np.int32], won: Ints) -> None:
    for w in range(len(told)):
        for i in range(start[told[w, 0]], start[told[w, 0] + 1]):
            if ads[i] == told[w, 1]:
                won[i] = told[w, 2]
                break


def _factors(auctions: Sequence[_Auction]) -> Floats:
    """The median of what was promised in each slot for the promise in the first; never rising."""
    told = [(w.slot, w.slot_ctr / w.ctr) for one in auctions for w in one.winners if w.ctr > 0]
    if not told:
        return np.ones(1)
    slot, ratio = np.array(told, np.float64).T
    last = 1.0
    factors = []
    for k in range(int(slot.max()) + 1):
        here = ratio[slot == k]
        last = min(last, float(np.median(here))) if len(here) else last
        factors.append(last)
    return np.array(factors)
