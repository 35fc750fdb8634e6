"""Logged request: an AdRequest made of what the log keeps of one, so that it can be asked again for one ad.

The log keeps scenario, user, query, category of the page, device, country, declared context, organic products and the
supply chain. Of the slots it keeps those that were filled, and what stood there: their format is taken from that. It
keeps none of MISSING. Where the ad is targeted by something that is missing, it is taken as met (`assumed`), since a
rule that cannot be judged must not be counted as the reason.
"""

from collections.abc import Iterable, Sequence

from adcascade.catalog.nouns import Targeting
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Slot
from adcascade.contracts.request import Deal
from adcascade.events.records import AuctionRecord, Winner

MISSING = (
    "slots that stayed empty", "sizes and floors of slots", "deals under which nothing was sold", "region", "city",
    "audience segments", "products of the page", "what the page or the seller blocked",
)  # fmt: skip
TIMEOUT_US = 1_000_000  # enough for any rehearsal: what is asked is not how fast the server is


def request_of(
    record: AuctionRecord, snapshot: Snapshot, row: int, now_us: int, context: Sequence[str] = ()
) -> AdRequest:
    """The request as of now, for the ad of a row; its id is the logged one, so that ties fall as they did.

    context: the keys of AdRequest.context that this installation has declared.
    """
    wanted, seen = targetings(snapshot, row), record.seen

    def text(name: str) -> str:
        return str(seen.get(name) or "")

    organic = seen.get("organic")
    return AdRequest(
        id=record.id,
        time_us=now_us,
        slots=slots_of(record.winners, snapshot),
        scenario=record.scenario,
        user=record.user,
        query=text("query"),
        category=text("page_category"),
        device=text("device"),
        country=text("country"),
        region=_in_all([one.regions for one in wanted]),
        city=_in_all([one.cities for one in wanted]),
        segments=_segments(wanted),
        page_products=tuple(one.products[0] for one in wanted if one.products),
        context={name: value for name in context if isinstance(value := seen.get(name), (str, float, int))},
        organic=tuple(organic) if isinstance(organic, list) else (),
        chain=record.chain,
        timeout_us=TIMEOUT_US,
        test=True,
    )


def slots_of(winners: Iterable[Winner], snapshot: Snapshot) -> tuple[Slot, ...]:
    """As many slots as were filled, at least one, each of the format that stood there; any size, no floor."""
    filled = {one.slot: Slot(id=str(one.slot), format=_format(one, snapshot), deals=_deals(one)) for one in winners}
    usual = next(iter(filled.values())).format if filled else "product"
    return tuple(filled.get(place, Slot(id=str(place), format=usual)) for place in range(max(filled, default=0) + 1))


def targetings(snapshot: Snapshot, row: int) -> list[Targeting]:
    """Of the ad's campaign, and of its group where it has one."""
    ad = snapshot.ads[row]
    if ad is None:
        return []
    campaign = snapshot.campaigns[snapshot.campaign_index_of[ad.campaign]].targeting
    return [campaign, snapshot.ad_groups[snapshot.group_index_of[ad.ad_group]].targeting] if ad.ad_group else [campaign]


def assumed(snapshot: Snapshot, row: int) -> tuple[str, ...]:
    """What the ad is targeted by that the log does not keep, and that is taken as met."""
    names = (
        ("regions", "region"), ("cities", "city"), ("segments", "audience segments"),
        ("negative_segments", "excluded audience segments"), ("products", "products of the page"),
    )  # fmt: skip
    wanted = targetings(snapshot, row)
    return tuple(words for name, words in names if any(getattr(one, name) for one in wanted))


def _format(winner: Winner, snapshot: Snapshot) -> str:
    ad = snapshot.ads[winner.ad] if winner.ad < snapshot.n else None
    if ad is None or not 0 <= winner.creative < len(ad.creatives):
        return "product"
    return ad.creatives[winner.creative].format


def _deals(winner: Winner) -> tuple[Deal, ...]:
    return (Deal(id=winner.deal),) if winner.deal else ()


def _in_all(choices: list[tuple[str, ...]]) -> str:
    """The first value that all allow which name any; "" where none does."""
    named = [one for one in choices if one]
    return next((value for one in named[:1] for value in one if all(value in other for other in named)), "")


def _segments(wanted: list[Targeting]) -> tuple[str, ...]:
    """One segment for each that names some, none of which is excluded."""
    excluded = {name for one in wanted for name in one.negative_segments}
    return tuple(next((name for name in one.segments if name not in excluded), "") for one in wanted if one.segments)
