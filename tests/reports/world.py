"""Small logs with ledgers, and the brute-force twin of reports over their records."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from hypothesis import strategies as st

from adcascade.events.journal import Journal
from adcascade.events.records import (
    AuctionRecord,
    Click,
    Conversion,
    Exposure,
    Impression,
    Record,
    Viewable,
    Winner,
)
from adcascade.events.table import KINDS
from adcascade.money.charge import Charge
from adcascade.money.opening import open_books, open_cashier
from adcascade.money.terms import Budget
from adcascade.reports.columns import BY_NAME, COUNTS, REFUNDED
from adcascade.reports.facts import Names
from adcascade.reports.groups import SIZES
from adcascade.reports.kept import STRETCH, KeptFacts

HOUR_US = 3_600_000_000
FAR_US = 2**62
EVENTS = (Impression, Viewable, Click, Conversion)
NAMES = (Names("a0", "c0", "v0"), Names("a1", "c0", "v0"), Names("a2", "c1", "v1"))

Moves = Sequence[tuple[int, int, int]]

moves = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 30)), max_size=40)
"""What happens: 0 and 1 an answer (whose look the second number says), 2 to 5 an event on one of the bids so far."""


def records_of(told: Moves) -> list[Record]:
    """A log in order of arrival, time rising; bid 0 is one whose answer nobody wrote."""
    found: list[Record] = []
    bids, time_us = ["b0"], 0
    for number, (what, which, minutes) in enumerate(told):
        time_us += minutes * 60_000_000
        if what < 2:
            found.append(auction(number, which, time_us))
            bids += [winner.bid_id for winner in found[-1].winners]  # type: ignore[union-attr]
            continue
        found.append(event(EVENTS[what - 2], number, time_us, bids[which % len(bids)], which))
    return found


def event(kind: type, number: int, time_us: int, bid_id: str, which: int) -> Record:
    """Something that happened to a bid."""
    name = f"e{number}"
    if kind is Conversion:
        return Conversion(id=name, time_us=time_us, bid_id=bid_id, value_micros=which * 1_000_003)
    made: Record = kind(id=name, time_us=time_us, bid_id=bid_id)
    return made


def auction(number: int, which: int, time_us: int) -> AuctionRecord:
    """An answer with none, one or two ads."""
    winners = tuple(
        Winner(
            bid_id=f"b{number}-{slot}", ad=(which + slot) % 3, slot=slot, creative=which % 2,
            price_micros=7 * which + slot, billing=("click", "impression")[which % 2],
            ctr=0.1, slot_ctr=0.1, cvr=0.1,
        )
        for slot in range(which % 3)
    )  # fmt: skip
    exposure = Exposure(experiment="x", arm=f"{which % 2}", unit="u", share=0.5, allocation=0, pinned=False)
    return AuctionRecord(
        id=f"r{number}", time_us=time_us, user="u", scenario=f"s{which % 2}", winners=winners, bundle="1",
        seen={"device": "phone" if which % 2 else None}, exposure=exposure if which > 5 else None,
    )  # fmt: skip


def charges_of(records: Iterable[Record]) -> list[Charge | None]:
    """What the till would ask for beside each record: every event of the kind by which its ad is billed."""
    winners = {w.bid_id: w for record in records if isinstance(record, AuctionRecord) for w in record.winners}
    found: list[Charge | None] = []
    for record in records:
        winner = winners.get(getattr(record, "bid_id", ""))
        bills = winner is not None and winner.billing == KINDS[type(record)]
        found.append(
            Charge(winner.bid_id, NAMES[winner.ad].campaign, 0, winner.price_micros, FAR_US, event=record.id)
            if bills and winner is not None
            else None
        )
    return found


class Shop:
    """A journal in a folder with its books, "" or a URL of shared ones, and the facts of both."""

    def __init__(self, folder: Path, books_url: str = "", stretch: int = STRETCH, sizes: Sequence[int] = SIZES) -> None:
        self.folder = folder
        self.journal = Journal(folder / "log.db", commit_every_ms=0)
        self.books = open_books(books_url, self.journal)
        self.cashier = open_cashier(books_url, self.journal, self.books, wait_s=30.0)
        terms = {name.campaign: Budget(advertiser=name.advertiser, fee_bp=1_234) for name in NAMES}
        self.books.set_budgets(terms, 0).result()
        self.facts = KeptFacts(
            folder / "log.db", folder / "reports", lambda row: NAMES[row], self.books, stretch=stretch, sizes=sizes
        )

    def __enter__(self) -> Self:
        """The shop itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its books and its journal."""
        self.books.close()
        self.journal.close()

    def write(self, records: Sequence[Record], charges: Sequence[Charge | None]) -> None:
        """With their charges."""
        self.cashier.accept_now(records, charges)

    def charged(self) -> int:
        """Micros of all charges in the ledger."""
        return sum(entry.micros for _, entry in self.books.entries() if entry.kind in {"charge", "fee"})


Line = dict[str, str | int]


def lines_of(records: Sequence[Record]) -> list[Line]:
    """The twin: a line a request and a line a bid, every record looked at for each."""
    lines: list[Line] = []
    known: set[str] = set()
    for record in records:
        if isinstance(record, AuctionRecord):
            exposure = record.exposure
            asked: Line = {
                "time_us": record.time_us, "scenario": record.scenario, "bundle": record.bundle,
                "policy": record.policy, "device": str(record.seen["device"] or ""),
                "arm": f"{exposure.experiment}/{exposure.arm}" if exposure else "",
            }  # fmt: skip
            lines.append(_line({**asked, "requests": 1}))
            for winner in record.winners:
                known.add(winner.bid_id)
                name: Line = dict(NAMES[winner.ad]._asdict())
                of_ad: Line = {
                    "creative": str(winner.creative), "slot": str(winner.slot), "billing": winner.billing,
                    "offered": 1, "charged_micros": 0,
                }  # fmt: skip
                happened = _happened(records, winner.bid_id)
                if any(type(r) is _billed(winner) and r.bid_id == winner.bid_id for r in records):  # type: ignore[union-attr]
                    of_ad["charged_micros"] = winner.price_micros
                lines.append(_line({**asked, **name, **of_ad, **happened}))
    for bid_id in {getattr(record, "bid_id", None) for record in records} - known - {None}:
        first = min(r.time_us for r in records if getattr(r, "bid_id", None) == bid_id)
        lines.append(_line({"time_us": first, **_happened(records, str(bid_id))}))
    return lines


def _billed(winner: Winner) -> type:
    return Click if winner.billing == "click" else Impression


def _happened(records: Sequence[Record], bid_id: str) -> Line:
    mine = [record for record in records if getattr(record, "bid_id", None) == bid_id]
    bought = [record for record in mine if isinstance(record, Conversion)]
    return {
        "impressions": int(any(isinstance(record, Impression) for record in mine)),
        "viewable": int(any(isinstance(record, Viewable) for record in mine)),
        "clicks": int(any(isinstance(record, Click) for record in mine)),
        "conversions": len(bought),
        "value_micros": sum(record.value_micros for record in bought),
    }


def _line(known: Line) -> Line:
    return {**dict.fromkeys(BY_NAME, ""), **dict.fromkeys((*COUNTS, REFUNDED), 0), **known}


def summed(lines: Iterable[Line]) -> Counter[str]:
    """Counts of all lines."""
    total: Counter[str] = Counter(dict.fromkeys((*COUNTS, REFUNDED), 0))
    for line in lines:
        total.update({count: int(line[count]) for count in (*COUNTS, REFUNDED)})
    return total
