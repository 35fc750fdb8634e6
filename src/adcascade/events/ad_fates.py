"""Ad fates: what became of one ad in each request of a part of the log, as counts, by what the log itself holds.

    shown           it was among the winners
    outbid          ranked, and the last winner's eCPM was no lower than its own
    below_reserve   ranked, with an eCPM below the lowest price
    sibling         ranked above the last winner, and another ad of its campaign was shown
    passed_over     ranked above the last winner all the same: a cap, a floor, a deal, or no money left
    by_chance       chance answered (exploration), and drew others
    cut_short       not ranked, in a request of which a stage was cut short
    unkept          not shown, and the log keeps no candidates of the request
    not_ranked      not among the ranked candidates that the log keeps

Every request has exactly one, the first that holds; so the counts add up to the requests. Why an ad was not ranked the
log does not hold: that is asked again of a uniform sample of these requests (cascade/ask_again.py), which is drawn here
as they pass by (reservoir: Vitter, "Random sampling with a reservoir", 1985, algorithm R).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from statistics import median
from typing import Literal, get_args

import msgspec
import numpy as np

from adcascade.events.records import Ranked

Fate = Literal[
    "shown", "outbid", "below_reserve", "sibling", "passed_over", "by_chance", "cut_short", "unkept", "not_ranked"
]
FATES: tuple[Fate, ...] = get_args(Fate)
UNRANKED: frozenset[Fate] = frozenset({"cut_short", "unkept", "not_ranked"})  # why, only asking again can tell
RANKED: frozenset[Fate] = frozenset({"shown", "outbid", "below_reserve", "sibling", "passed_over"})
MOST = 50_000  # requests that are read
SAMPLE, SEED = 200, 1  # that are asked again
EXAMPLES, BEATERS, STEPS = 3, 5, 24


class Won(msgspec.Struct, frozen=True):
    """What is needed of a winner."""

    ad: int
    slot: int
    price_micros: int


class Held(msgspec.Struct, frozen=True, kw_only=True, tag="auction"):
    """What is needed of an AuctionRecord."""

    id: str
    time_us: int
    scenario: str
    winners: tuple[Won, ...]
    ranked: Ranked | None = None
    policy: str = "cascade"
    cuts: tuple[str, ...] = ()


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one fate. examples: ids of the newest."""

    fate: Fate
    requests: int
    examples: tuple[str, ...]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one scenario, or of one step of time: all, with the ad ranked, and with it shown."""

    name: str
    begin_us: int
    requests: int
    ranked: int
    shown: int


class Fates(msgspec.Struct, frozen=True, kw_only=True):
    """One ad in the requests of a period.

    more: the period holds further, older requests, which were not read; counted: every fate of FATES, in their order;
    slots: times shown by slot, the best first; gap_micros: median of what lacked to the last winner's eCPM, where it
    was outbid; beaten_by: rows of winners above it there, with how often, most often first; sample: payloads of
    requests in which it was not ranked.
    """

    from_us: int
    to_us: int
    requests: int
    more: bool
    counted: tuple[Counted, ...]
    slots: tuple[int, ...] = ()
    price_micros: float | None = None  # mean per billing event, where it was shown
    gap_micros: float | None = None
    beaten_by: tuple[tuple[int, int], ...] = ()
    scenarios: tuple[Line, ...] = ()  # most requests first
    steps: tuple[Line, ...] = ()  # STEPS of the same length, from the oldest request to the newest
    sample: tuple[bytes, ...] = ()

    def of(self, *fates: Fate) -> int:
        """Requests of these fates."""
        return sum(one.requests for one in self.counted if one.fate in fates)

    @property
    def unranked(self) -> int:
        """Requests from which the sample was drawn."""
        return self.of(*UNRANKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """The ad: its row, the rows of its campaign's other ads, and the lowest eCPM at which a slot is sold, micros."""

    row: int
    siblings: Collection[int] = ()
    reserve_micros: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """A fate; where it was outbid, by how much and by whom."""

    fate: Fate
    gap_micros: int = 0
    beaten_by: tuple[int, ...] = ()


def fate_in(held: Held, ad: Followed) -> Lost:
    """What became of the ad in one request."""
    if any(one.ad == ad.row for one in held.winners):
        return Lost("shown")
    if held.policy != "cascade":
        return Lost("by_chance")
    if held.ranked is None and held.winners:
        return Lost("unkept")
    rows = np.frombuffer(held.ranked.ad if held.ranked else b"", "<i4")
    found = np.flatnonzero(rows == ad.row)
    if held.ranked is None or not len(found):
        return Lost("cut_short" if held.cuts else "not_ranked")
    ecpms = dict(zip(rows.tolist(), np.frombuffer(held.ranked.ecpm, "<i8").tolist(), strict=True))
    return lost_auction(ecpms[ad.row], {one.ad: ecpms[one.ad] for one in held.winners if one.ad in ecpms}, ad)


def lost_auction(ecpm: int, winners: dict[int, int], ad: Followed) -> Lost:
    """Why a ranked ad has no slot. winners: eCPM by row; a slot's own floors and deals are not known here."""
    if ecpm < ad.reserve_micros:
        return Lost("below_reserve")
    if winners and ecpm <= min(winners.values()):
        better = tuple(row for row, other in winners.items() if other >= ecpm)
        return Lost("outbid", min(winners.values()) - ecpm, better)
    return Lost("sibling" if any(row in ad.siblings for row in winners) else "passed_over")


@dataclass(slots=True)
class _Gathered:
    """What is added up, request by request."""

    examples: dict[Fate, list[str]] = field(default_factory=lambda: defaultdict(list))
    counts: "Counter[Fate]" = field(default_factory=Counter)
    slots: "Counter[int]" = field(default_factory=Counter)
    prices: list[int] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    beaten_by: "Counter[int]" = field(default_factory=Counter)
    scenarios: dict[str, "Counter[Fate]"] = field(default_factory=lambda: defaultdict(Counter))
    times: list[tuple[int, Fate]] = field(default_factory=list)

    def add(self, held: Held, lost: Lost, row: int) -> None:
        """One request."""
        self.counts[lost.fate] += 1
        if len(self.examples[lost.fate]) < EXAMPLES:
            self.examples[lost.fate].append(held.id)
        if lost.fate == "outbid":
            self.gaps.append(lost.gap_micros)
            self.beaten_by.update(lost.beaten_by)
        for one in held.winners:
            if one.ad == row:
                self.slots[one.slot] += 1
                self.prices.append(one.price_micros)
        self.scenarios[held.scenario][lost.fate] += 1
        self.times.append((held.time_us, lost.fate))

    def steps(self) -> Iterator[Line]:
        """From the oldest request to the newest."""
        if not self.times:
            return
        oldest = min(self.times)[0]
        length = max(self.times)[0] - oldest + 1
        counters: dict[int, Counter[Fate]] = defaultdict(Counter)
        for time_us, fate in self.times:
            counters[(time_us - oldest) * STEPS // length][fate] += 1
        for step in range(STEPS):
            yield _line("", oldest + length * step // STEPS, counters[step])


def fates_of(
    payloads: Iterable[bytes], ad: Followed, from_us: int, to_us: int, *, most: int = MOST, sample: int = SAMPLE
) -> Fates:
    """Of requests of the period in msgpack, newest first; the newest `most` of them are looked at."""
    decoder = msgspec.msgpack.Decoder(Held)
    random = np.random.default_rng(SEED)
    gathered, drawn, unranked = _Gathered(), list[bytes](), 0
    stream = iter(payloads)
    for payload in islice(stream, most):
        held = decoder.decode(payload)
        lost = fate_in(held, ad)
        gathered.add(held, lost, ad.row)
        if lost.fate in UNRANKED:
            unranked += 1
            place = len(drawn) if len(drawn) < sample else int(random.integers(unranked))
            drawn[place : place + 1] = [payload] if place < sample else drawn[place : place + 1]
    return _fates(gathered, from_us, to_us, more=next(stream, None) is not None, drawn=drawn)


def _fates(gathered: _Gathered, from_us: int, to_us: int, *, more: bool, drawn: list[bytes]) -> Fates:
    counts, slots = gathered.counts, gathered.slots
    by_requests = sorted(gathered.scenarios.items(), key=lambda item: (-item[1].total(), item[0]))
    return Fates(
        from_us=from_us,
        to_us=to_us,
        requests=counts.total(),
        more=more,
        counted=tuple(
            Counted(fate=fate, requests=counts[fate], examples=tuple(gathered.examples[fate])) for fate in FATES
        ),
        slots=tuple(slots[place] for place in range(max(slots, default=-1) + 1)),
        price_micros=sum(gathered.prices) / len(gathered.prices) if gathered.prices else None,
        gap_micros=median(gathered.gaps) if gathered.gaps else None,
        beaten_by=tuple(gathered.beaten_by.most_common(BEATERS)),
        scenarios=tuple(_line(name, 0, counter) for name, counter in by_requests),
        steps=tuple(gathered.steps()),
        sample=tuple(drawn),
    )


def _line(name: str, begin_us: int, counter: "Counter[Fate]") -> Line:
    ranked = sum(times for fate, times in counter.items() if fate in RANKED)
    return Line(name=name, begin_us=begin_us, requests=counter.total(), ranked=ranked, shown=counter["shown"])
