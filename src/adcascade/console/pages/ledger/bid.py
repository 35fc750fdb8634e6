"""One bid from its auction to its last refund: what the log holds of it, and what the books did with it, in order."""

from collections.abc import Sequence
from itertools import islice
from urllib.parse import quote

import msgspec

from adcascade.console.page import Visit
from adcascade.console.pages.ledger.bookings import ENGINE, KINDS, account_of, instant
from adcascade.errors import DataMissingError
from adcascade.events.recent import recorded
from adcascade.events.records import Conversion, Filtered, Notice
from adcascade.events.trail import Step, Trail, trail_of
from adcascade.money.amounts import units
from adcascade.money.tables import FEE, REVENUE, Entry
from adcascade.server.problems import RefusalError

MOST = 1_000  # bookings of one bid: its charge, and refunds in parts
SEEN = {"impression": "The ad was seen.", "viewable": "Half of it was on screen for a second.", "click": "Clicked."}
SEALED = "Sealed: what it held lies in Parquet."


class BidStep(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the story. where: number of the booking or of the log's record; amount: "" where no money moved."""

    time: str
    what: str
    words: str
    amount: str
    where: str


class BidView(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the page; amounts in units of the currency. gaps: what cannot be told, and why."""

    bid: str
    advertiser: str
    url: str
    campaign: str
    currency: str
    charged: str
    refunded: str
    steps: tuple[BidStep, ...]
    gaps: tuple[str, ...]


def view_of(trail: Trail, entries: Sequence[tuple[int, Entry]], currency: str, url: str, owner: str = "") -> BidView:
    """The story of a bid. url: of the account of its advertiser, `owner`; both "" where nobody can tell whose it is."""
    lines = [] if trail.auction_us is None else [(trail.auction_us, 0, 0, _auction(trail, currency))]
    lines += [(step.time_us, 1, step.seq, _record(step, currency)) for step in trail.steps]
    lines += [(entry.time_us, 2, number, _booking(number, entry)) for number, entry in entries]
    lines.sort(key=lambda line: line[:3])
    moved = [entry for _, entry in entries]
    return BidView(
        bid=trail.bid_id,
        advertiser=owner or (moved[0].advertiser if moved else ""),
        url=url,
        campaign=moved[0].campaign if moved else "",
        currency=currency,
        charged=units(sum(one.micros for one in moved if one.target in (REVENUE, FEE))),
        refunded=units(sum(one.micros for one in moved if one.kind == "refund")),
        steps=tuple(line for *_, line in lines),
        gaps=gaps_of(trail, moved),
    )


def gaps_of(trail: Trail, entries: Sequence[Entry]) -> tuple[str, ...]:
    """What the story lacks, in sentences."""
    found = []
    if trail.auction_us is None:
        found.append("This machine's log does not know the auction: it was forgotten, or another machine answered.")
    if trail.sealed:
        found.append("Records of this bid are sealed: the log keeps their ids and times, what they held is in Parquet.")
    if trail.auction_us is not None and not trail.searched_all:
        found.append(
            "Events long after the auction were not searched for; the one that was charged is found by its id."
        )
    there = {step.id for step in trail.steps}
    events = {one.event.rpartition("/")[2] for one in entries if one.event}
    if events - there:
        missing = ", ".join(sorted(events - there))
        found.append(f"The event that was charged, {missing}, is not in this machine's log.")
    if not entries:
        found.append("Nothing was booked for this bid.")
    return tuple(found)


def _auction(trail: Trail, currency: str) -> BidStep:
    auction, winner = trail.auction, trail.winner
    if auction is None:
        words = SEALED
    elif winner is None:
        words = "Its answer does not name this bid."
    else:
        words = (
            f"Won slot {winner.slot + 1} for {units(winner.price_micros)} {currency} per {winner.billing},"
            f" one of {len(auction.winners)} ads of the answer; scenario: {auction.scenario or 'none named'}."
        )
    when = instant(trail.auction_us or 0)
    return BidStep(time=when, what="Auction", words=words, amount="", where=trail.bid_id.rpartition(".")[0])


def _record(step: Step, currency: str) -> BidStep:
    record = step.record
    match record:
        case None:
            words = SEALED
        case Conversion():
            words = f"Bought for {units(record.value_micros)} {currency}."
        case Filtered():
            words = f"The {record.kind} was found invalid by the rule {record.reason}: nobody pays for it."
        case Notice():
            words = f"The exchange told of a {record.kind}."
        case _:
            words = SEEN[step.kind]
    return BidStep(time=instant(step.time_us), what=step.kind.capitalize(), words=words, amount="", where=step.id)


def _booking(number: int, entry: Entry) -> BidStep:
    words = f"From {account_of(entry.source)} to {account_of(entry.target)}, by {entry.by or ENGINE}."
    return BidStep(
        time=instant(entry.time_us), what=KINDS[entry.kind], words=f"{words} {entry.note}".rstrip(),
        amount=units(entry.micros), where=f"booking {number}",
    )  # fmt: skip


def _owners(visit: Visit, bid: str, entries: Sequence[tuple[int, Entry]]) -> set[str]:
    """Whose the bid is: by its bookings, else by the ad that won; nobody's where neither is known."""
    if entries:
        return {entry.advertiser for _, entry in entries}
    try:
        auction = recorded(visit.desk.settings.journal_path, bid.rpartition(".")[0])
    except DataMissingError:
        return set()
    ads = [winner.ad for winner in auction.winners if winner.bid_id == bid]
    return {owner for owner in map(visit.desk.inside.admin.catalog.owner_of, ads) if owner is not None}


def _view(visit: Visit) -> BidView:
    bid, books, key = visit.path["bid_id"], visit.desk.inside.admin.books, visit.key
    entries = list(islice(books.entries(bid_id=bid), MOST))
    owners = _owners(visit, bid, entries)
    hidden = key is None or (key.advertisers and not (owners and all(map(key.sees, owners))))
    events = [identity for kind, _, identity in books.sources(bid) if kind != "auction"] if entries else []
    trail = Trail(bid_id=bid) if hidden else trail_of(visit.desk.settings.journal_path, bid, events)
    if hidden or not (entries or trail.steps or trail.auction_us is not None):
        raise RefusalError(
            404, "bid", bid, "a bid that the log or the books know", "bookings name the bids they are of"
        )
    owner = min(owners, default="")
    url = f"/ledger/{quote(owner, safe='')}" if owner else ""
    return view_of(trail, entries, visit.desk.inside.options.currency, url, owner)


async def show(visit: Visit) -> BidView:
    """The page."""
    return await visit.aside(_view, visit)
