"""From one part of the log, sealed or open, to its facts (columns.py): what it adds to each offered ad and request.

Answers, events and charges are matched by bid id. An ad is seen, on screen and clicked once, however often it is told;
a conversion counts each time. A charge belongs to the part that holds the event it was booked for. Memory is that of
one part's rows; ranked candidates are passed over undecoded.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

import msgspec
import pyarrow as pa

from adcascade.catalog.snapshot import Snapshot
from adcascade.errors import InternalError
from adcascade.events.records import Click, Conversion, Exposure, Impression, Viewable, Winner
from adcascade.money.charged import Charged
from adcascade.reports.columns import COUNTS, DIMENSIONS, KEPT, NOTHING, OF_ADS, Dimensions

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
Request = tuple[int, Dimensions]  # time of the answer in UTC microseconds
NO_AD = ("",) * len(OF_ADS)

_decoder: "msgspec.msgpack.Decoder[Answered | Impression | Viewable | Click | Conversion]" = msgspec.msgpack.Decoder(
    Answered | Impression | Viewable | Click | Conversion
)


@dataclass(slots=True)
class _Row:
    """An offered ad, as this part tells it. dimensions: None until its answer is found; billed: kind and id of the
    events that it may have been charged for."""

    time_us: int
    dimensions: Dimensions | None = None
    price_micros: int = 0
    offered: int = 0
    impressions: int = 0
    viewable: int = 0
    clicks: int = 0
    conversions: int = 0
    value_micros: int = 0
    charged_micros: int = 0
    billed: tuple[tuple[str, str], ...] = ()


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
    requests: list[Request] = []
    ads: dict[str, _Row] = {}
    for payload in payloads:
        try:
            record = _decoder.decode(payload)
        except msgspec.MsgspecError as error:
            raise InternalError(f"the journal holds a record that this version cannot read: {error}") from error
        if isinstance(record, Answered):
            requests.append(_answer(record, ads, names))
        else:
            row = ads.get(record.bid_id)
            if row is None:
                row = ads[record.bid_id] = _Row(record.time_us)
            _happened(row, record)
    _find(ads, earlier)
    _charge(ads, charges)
    return _table(requests, ads)


def _answer(record: Answered, ads: dict[str, _Row], names: NamesOf) -> Request:
    """Enter what was offered; the row of the request."""
    exposure = record.exposure
    asked = (
        record.scenario, _text(record.seen.get("device")), _text(record.seen.get("country")), record.bundle,
        record.policy, "" if exposure is None else f"{exposure.experiment}/{exposure.arm}",
    )  # as OF_REQUESTS has them  # fmt: skip
    for winner in record.winners:
        row = ads.get(winner.bid_id)
        if row is None:
            row = ads[winner.bid_id] = _Row(record.time_us)
        ad, campaign, advertiser = names(winner.ad)
        row.time_us, row.price_micros, row.offered = record.time_us, winner.price_micros, 1
        creative, slot = str(winner.creative), str(winner.slot)
        row.dimensions = (campaign, advertiser, ad, creative, slot, winner.billing, *asked)  # as OF_ADS has them
    return record.time_us, NO_AD + asked


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _happened(row: _Row, record: Impression | Viewable | Click | Conversion) -> None:
    match record:
        case Impression():
            row.impressions = 1
            row.billed += (("impression", record.id),)
        case Viewable():
            row.viewable = 1
        case Click():
            row.clicks = 1
            row.billed += (("click", record.id),)
        case Conversion():
            row.conversions += 1
            row.value_micros += record.value_micros


def _find(ads: Mapping[str, _Row], earlier: EarlierOf) -> None:
    """Tell late events what they are of, and take off what was counted before."""
    found = earlier([bid_id for bid_id, row in ads.items() if row.dimensions is None])
    for bid_id, known in found.items():
        row = ads[bid_id]
        row.dimensions, row.time_us = known.dimensions, known.time_us
        for count in ("impressions", "viewable", "clicks"):
            if getattr(known, count):
                setattr(row, count, 0)


BILLING = next(place for place, dimension in enumerate(DIMENSIONS) if dimension.name == "billing")


def _charge(ads: Mapping[str, _Row], charges: ChargesOf) -> None:
    """Book each charge with the event of this part that it names, of the kind by which the ad is billed."""
    for bid_id, charged in charges([bid_id for bid_id, row in ads.items() if row.billed]).items():
        row = ads[bid_id]
        billing = row.dimensions[BILLING] if row.dimensions else ""
        kinds = (billing,) if billing else ("impression", "click")
        if any((kind, charged.event) in row.billed for kind in kinds):
            row.charged_micros = charged.micros


def _table(requests: Sequence[Request], ads: Mapping[str, _Row]) -> pa.Table:
    """Rows of requests, then of ads. Few differ in their dimensions, so each of these becomes text once."""
    rows, none = list(ads.values()), [0] * len(requests)
    places: dict[Dimensions, int] = {}
    told = [*(dimensions for _, dimensions in requests), *(row.dimensions or NOTHING for row in rows)]
    place = pa.array([places.setdefault(dimensions, len(places)) for dimensions in told], pa.int64())
    texts = list(zip(*places, strict=True)) or [()] * len(DIMENSIONS)
    columns = {
        "bid_id": pa.array([*[""] * len(requests), *ads], pa.string()),
        "time_us": [*(time_us for time_us, _ in requests), *(row.time_us for row in rows)],
        "price_micros": [*none, *(row.price_micros for row in rows)],
        "requests": [*[1] * len(requests), *[0] * len(rows)],
        **{each.name: pa.array(text, pa.string()).take(place) for each, text in zip(DIMENSIONS, texts, strict=True)},
    }
    for count in COUNTS[1:]:
        of_row = attrgetter(count)
        columns[count] = none + [of_row(row) for row in rows]
    return pa.Table.from_pydict(columns, schema=KEPT)
