"""From one part of the log, sealed or open, to its facts (columns.py): what it adds to each offered ad and request.

Answers, events and charges are matched by bid id. An ad is seen, on screen and clicked once, however often it is told;
a conversion counts each time. A charge belongs to the part that holds the event it was booked for. Memory is that of
one part's rows; ranked candidates are passed over undecoded.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import pyarrow as pa

from adcascade.catalog.snapshot import Snapshot
from adcascade.errors import InternalError
from adcascade.events.records import Click, Conversion, Exposure, Impression, Viewable, Winner
from adcascade.money.charged import Charged
from adcascade.reports.columns import COUNTS, DIMENSIONS, KEPT, NOTHING, Dimensions

KINDS = ("auction", "impression", "viewable", "click", "conversion")


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag="auction"):
    """An AuctionRecord without its ranked candidates."""

    id: str
    time_us: int
    scenario: str
    seen: dict[str, str | float | int | list[str] | None]
    winners: tuple[Winner, ...]
    bundle: str = ""
    policy: str = "cascade"
    exposure: Exposure | None = None


class Names(NamedTuple):
    """Ids of an ad, its campaign and its advertiser; "" is not known."""

    ad: str
    campaign: str
    advertiser: str


class Earlier(NamedTuple):
    """What the parts before know of a bid: what it is of, and whether it was seen, on screen and clicked."""

    dimensions: Dimensions
    time_us: int
    impressions: int
    viewable: int
    clicks: int


NamesOf = Callable[[int], Names]  # of a row of the catalog
ChargesOf = Callable[[Sequence[str]], Mapping[str, Charged]]  # by bid id
EarlierOf = Callable[[Sequence[str]], Mapping[str, Earlier]]  # by bid id

_decoder: "msgspec.msgpack.Decoder[Answered | Impression | Viewable | Click | Conversion]" = msgspec.msgpack.Decoder(
    Answered | Impression | Viewable | Click | Conversion
)


@dataclass(slots=True)
class _Row:
    """An offered ad, or a request, as this part tells it. dimensions: None until its answer is found."""

    time_us: int
    dimensions: Dimensions | None = None
    price_micros: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    events: set[tuple[str, str]] = field(default_factory=set)  # what may have been billed: kind and id


def names_in(snapshot: Snapshot) -> NamesOf:
    """Names of the ads of a catalog; of an ad that is gone only its own is known."""

    def names(row: int) -> Names:
        if not 0 <= row < len(snapshot.ads):
            return Names("", "", "")
        ad = snapshot.ads[row]
        if ad is None:
            return Names(snapshot.ad_ids[row], "", "")
        campaign = snapshot.campaigns[snapshot.campaign_index_of[ad.campaign]]
        return Names(ad.id, ad.campaign, campaign.advertiser)

    return names


def facts_of(payloads: Iterable[bytes], names: NamesOf, charges: ChargesOf, earlier: EarlierOf) -> pa.Table:
    """The facts of records (msgpack, of KINDS) in order of arrival; columns as in KEPT.

    earlier: what the parts before know of bids whose answer is not in this one. An event of a bid that nobody knows
    keeps its counts and charge, without dimensions, at its own time.
    """
    requests: list[_Row] = []
    ads: dict[str, _Row] = {}
    for payload in payloads:
        try:
            record = _decoder.decode(payload)
        except msgspec.MsgspecError as error:
            raise InternalError(f"the journal holds a record that this version cannot read: {error}") from error
        if isinstance(record, Answered):
            requests.append(_answer(record, ads, names))
        else:
            _happened(ads.setdefault(record.bid_id, _Row(record.time_us)), record)
    _find(ads, earlier)
    _charge(ads, charges)
    return _table([("", row) for row in requests] + list(ads.items()))


def _answer(record: Answered, ads: dict[str, _Row], names: NamesOf) -> _Row:
    """Enter what was offered; the row of the request."""
    exposure = record.exposure
    asked = {
        "scenario": record.scenario,
        "device": _text(record.seen.get("device")),
        "country": _text(record.seen.get("country")),
        "bundle": record.bundle,
        "policy": record.policy,
        "arm": "" if exposure is None else f"{exposure.experiment}/{exposure.arm}",
    }
    for winner in record.winners:
        row = ads.setdefault(winner.bid_id, _Row(record.time_us))
        ad, campaign, advertiser = names(winner.ad)
        row.time_us, row.price_micros = record.time_us, winner.price_micros
        row.counts["offered"] = 1
        row.dimensions = _dimensions(
            asked
            | {
                "ad": ad,
                "campaign": campaign,
                "advertiser": advertiser,
                "creative": str(winner.creative),
                "slot": str(winner.slot),
                "billing": winner.billing,
            }
        )
    return _Row(record.time_us, _dimensions(asked), counts={"requests": 1})


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _dimensions(known: Mapping[str, str]) -> Dimensions:
    return tuple(known.get(dimension.name, "") for dimension in DIMENSIONS)


def _happened(row: _Row, record: Impression | Viewable | Click | Conversion) -> None:
    match record:
        case Impression():
            row.counts["impressions"] = 1
            row.events.add(("impression", record.id))
        case Viewable():
            row.counts["viewable"] = 1
        case Click():
            row.counts["clicks"] = 1
            row.events.add(("click", record.id))
        case Conversion():
            row.counts["conversions"] = row.counts.get("conversions", 0) + 1
            row.counts["value_micros"] = row.counts.get("value_micros", 0) + record.value_micros


def _find(ads: Mapping[str, _Row], earlier: EarlierOf) -> None:
    """Tell late events what they are of, and take off what was counted before."""
    found = earlier([bid_id for bid_id, row in ads.items() if row.dimensions is None])
    for bid_id, known in found.items():
        row = ads[bid_id]
        row.dimensions, row.time_us = known.dimensions, known.time_us
        for count in ("impressions", "viewable", "clicks"):
            if getattr(known, count):
                row.counts.pop(count, None)


BILLING = next(place for place, dimension in enumerate(DIMENSIONS) if dimension.name == "billing")


def _charge(ads: Mapping[str, _Row], charges: ChargesOf) -> None:
    """Book each charge with the event of this part that it names, of the kind by which the ad is billed."""
    for bid_id, charged in charges([bid_id for bid_id, row in ads.items() if row.events]).items():
        row = ads[bid_id]
        billing = row.dimensions[BILLING] if row.dimensions else ""
        kinds = (billing,) if billing else ("impression", "click")
        if any((kind, charged.event) in row.events for kind in kinds):
            row.counts["charged_micros"] = charged.micros


def _table(rows: Sequence[tuple[str, _Row]]) -> pa.Table:
    dimensions = list(zip(*(row.dimensions or NOTHING for _, row in rows), strict=True)) or [()] * len(DIMENSIONS)
    columns: list[Sequence[object]] = [
        [bid_id for bid_id, _ in rows],
        [row.time_us for _, row in rows],
        *dimensions,
        [row.price_micros for _, row in rows],
        *([row.counts.get(count, 0) for _, row in rows] for count in COUNTS),
    ]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, KEPT.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=KEPT)
