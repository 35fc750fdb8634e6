"""A small honest engine for the shell's tests: four ads, prices by the next bid, and the real journal and signer.

Run as a script it serves itself: `python shop.py FOLDER PORT`, until it is killed.
"""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import uvicorn

from adcascade.cascade.answer import Answer, EventReceipt, IncomingEvent, IncomingNotice, Resolved, Served
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.explain import Excluded, Explanation
from adcascade.cascade.readings import Reading
from adcascade.cascade.resold import Resold
from adcascade.cascade.under_other import UnderOther
from adcascade.cascade.why_not import WhyNot
from adcascade.catalog.formats import fits as takes
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Creative
from adcascade.contracts import AdRequest, Slot
from adcascade.errors import InputError, SignatureError
from adcascade.events.ad_fates import Followed, fates_of
from adcascade.events.journal import Journal
from adcascade.events.period import auctions_between
from adcascade.events.records import AuctionRecord, Click, Conversion, Event, Impression, Order, OrderLine, Viewable
from adcascade.events.token import BidToken, Signer
from adcascade.server.app import create_app
from adcascade.server.bounds import Bounds, bounded
from adcascade.server.logs import configure_logs
from adcascade.server.options import ServerOptions
from adcascade.server.patience import PatientProtocol

KEY = b"a key for tests only, 32 bytes.."
CONNECTIONS = 100  # that the process holds
NOW = 1_750_000_000_000_000
VALID_US = 3_600_000_000
OPTIONS = ServerOptions(
    public_url="https://ads.example.com",
    rates={"EUR": 0.8},
    categories={"IAB17": "sports", "IAB17-1": "sports/running", "IAB7": "health"},
    taxonomies={"7": {"483": "sports", "553": "health"}},
)

SPORTS = Advertiser(id="adv-sports", name="Sports & Co", domain="sports.example")
SOAP = Advertiser(id="adv-soap", name='Soap "Pure" <Ltd>', domain="soap.example")


def _ad(name: str, advertiser: Advertiser, category: str, bid: int, creatives: tuple[Creative, ...]) -> Ad:
    return Ad(
        id=f"ad-{name}",
        campaign=f"camp-{name}",
        product=f"p-{name}",
        category=category,
        title=f"{name} <b>now</b>",
        url=f"https://{advertiser.domain}/{name}?a=1&b=2",
        price_micros=19_990_000,
        bid_micros=bid,
        keywords=(name,),
        creatives=creatives,
    )


def _creatives(name: str) -> tuple[Creative, ...]:
    image = f"https://img.example/{name}.jpg?x=1&y=2"
    return (
        Creative(id=f"{name}-product", format="product", title=f"{name} shoe", image_url=image),
        Creative(id=f"{name}-banner", format="banner", title=f"{name} banner", image_url=image, width=300, height=250),
        Creative(id=f"{name}-native", format="native", title=f"{name} native", image_url=image, width=600, height=500),
        Creative(
            id=f"{name}-video", format="video", title=f"{name} film", video_url=f"https://img.example/{name}.mp4",
            mime="video/mp4", duration_ms=15_000, bitrate_kbps=1200, width=1280, height=720,
        ),
        Creative(
            id=f"{name}-vast", format="video", vast_url=f"https://vast.example/{name}?c=[SCHAIN]", duration_ms=30_000
        ),
    )  # fmt: skip


ADS = (
    (SPORTS, _ad("runner", SPORTS, "sports/running", 5_000_000, _creatives("runner"))),
    (SPORTS, _ad("tennis", SPORTS, "sports/tennis", 4_000_000, _creatives("tennis"))),
    (SPORTS, _ad("golf", SPORTS, "sports/golf", 3_500_000, _creatives("golf"))),
    (SOAP, _ad("soap", SOAP, "health/soap", 3_000_000, _creatives("soap"))),
    (SOAP, _ad("evil", SOAP, "health/evil", 2_000_000, _creatives("evil"))),
)
DEALS = {"ad-golf": "deal-golf"}  # that an ad's campaign answers, and nothing else


class Shop:
    """Ads by bid; the log and the signatures are the real ones. `broken` makes every auction raise."""

    def __init__(self, journal: Journal, clock_us: int | None = NOW) -> None:
        self.journal, self.clock_us = journal, clock_us
        self.signer = Signer(KEY)
        self.asked: list[AdRequest] = []
        self.broken = False
        self.kept = 0
        self.released: list[str] = []
        self.told: list[IncomingNotice] = []
        self.heard: list[IncomingEvent] = []
        self.not_ready: str | None = None
        self.bundle_version = "test-1"
        self.split: dict[str, object] = {"running": "none"}

    def now(self) -> int:
        """The fixed time of the tests, or the real one."""
        return time.time_ns() // 1000 if self.clock_us is None else self.clock_us

    def auction(self, request: AdRequest) -> Answer:
        """The ads that fit, dearest first, one a slot, every other place; each pays the next bid or the floor."""
        if self.broken:
            raise RuntimeError("the engine is broken")
        self.asked.append(request)
        fitting = [number for number, pair in enumerate(ADS) if fits(request, *pair)]
        winners: list[Served] = []
        for slot, place in enumerate(request.slots):
            usable = [number for number in fitting if (floor_of(number, place) or 0) <= bid_of(number)]
            usable = [number for number in usable if floor_of(number, place) is not None]
            if usable:
                number = usable[0]
                fitting.remove(number)
                following = bid_of(usable[1]) if len(usable) > 1 else 1_000_000
                winners.append(self._served(request, slot, number, max(following, floor_of(number, place) or 0)))
        return Answer(request_id=request.id, winners=tuple(winners), no_bid_reason="" if winners else "nothing_fits")

    def _served(self, request: AdRequest, slot: int, number: int, ecpm: int) -> Served:
        advertiser, ad = ADS[number]
        look = look_of(ad, request.slots[slot])
        bid_id = f"{request.id}-{slot}"
        token = BidToken(
            bid_id=bid_id, campaign=ad.campaign, ad=number, slot=slot, creative=look, price_micros=ecpm // 1000,
            billing="impression", lease=0, expires_us=self.now() + VALID_US,
        )  # fmt: skip
        return Served(
            token=self.signer.seal(token), bid_id=bid_id, slot=slot, row=number, ad=ad, creative_index=look,
            creative=ad.creatives[look], campaign=Campaign(id=ad.campaign, advertiser=advertiser.id),
            advertiser=advertiser, price_micros=ecpm // 1000, ecpm_micros=ecpm, ctr=0.1,
            position=2 * slot + 1 if request.organic else None, deal=deal_id(number, request.slots[slot]),
            expires_us=self.now() + VALID_US,
        )  # fmt: skip

    async def accept(self, events: Sequence[IncomingEvent]) -> list[EventReceipt]:
        """Forged ones are rejected, the rest is written; receipts in order."""
        told: dict[int, EventReceipt] = {}
        records: dict[int, Event | Order] = {}
        self.heard.extend(events)
        for place, event in enumerate(events):
            if event.kind == "order":
                records[place] = order_of(event)
                continue
            try:
                token = self.signer.open(event.token, self.now(), late=True)
            except SignatureError as error:
                told[place] = EventReceipt(id=event.id, status="rejected", reason=str(error))
            else:
                records[place] = record_of(event, token.bid_id)
        receipts = await self.journal.accept_many(list(records.values())) if records else []
        for place, receipt in zip(records, receipts, strict=True):
            told[place] = EventReceipt(id=events[place].id, status=receipt.status)
        return [told[place] for place in range(len(events))]

    def resolve(self, token: str) -> Resolved:
        """What the token names, unless it expired."""
        opened = self.signer.open(token, self.now())
        return Resolved(bid_id=opened.bid_id, url=ADS[opened.ad][1].url)

    async def notice(self, notice: IncomingNotice) -> EventReceipt:
        """Remember what an exchange said."""
        self.signer.open(notice.token, self.now(), late=True)
        self.told.append(notice)
        return EventReceipt(id=notice.kind, status="accepted")

    def release(self, bid_ids: Iterable[str]) -> None:
        """Remember what was not offered."""
        self.released.extend(bid_ids)

    def read_catalog(self) -> None:
        """The ads are always the same."""

    def take_catalog(self, now_us: int) -> bool:
        """So nothing waits."""
        return False

    def prepare(self) -> None:
        """Nothing is slow here."""

    def upkeep(self, now_us: int) -> None:
        """Time passes."""
        self.kept += 1

    async def explain(self, request: AdRequest, *, ad: str | None = None, top: int = 10) -> Explanation:
        """There are no stages here."""
        nothing = Excluded(ads=0, looked_at=0, reasons={})
        return Explanation(bundle=self.bundle_version, policy="shop", excluded=nothing, stages=[], winners=[])

    async def why_not(self, ad: str, from_us: int, to_us: int) -> WhyNot:
        """By the log alone: there are no stages here."""
        row = next((number for number, (_, one) in enumerate(ADS) if one.id == ad), None)
        if row is None:
            raise InputError("ad", ad, "the id of an ad")
        fates = fates_of(auctions_between(self.journal.path, from_us, to_us), Followed(row=row), from_us, to_us)
        return WhyNot(
            ad=ad, fates=fates, beaten_by=(), reasons=(), assumed=(), bundle=self.bundle_version, asked_us=self.now()
        )

    def resold(self, record: AuctionRecord) -> Resold:
        """Nothing was sold by auction."""
        return Resold(winners=(), revenue_micros=0, ranked=(), rules=())

    async def under_other(self, record: AuctionRecord, version: str, bundles: Bundles) -> UnderOther | None:
        """Nothing is scored here."""
        return None

    def ready(self) -> str | None:
        """What the test says."""
        return self.not_ready

    def experiment(self) -> Mapping[str, object]:
        """What the test says."""
        return self.split

    def alarms(self) -> Sequence[Mapping[str, object]]:
        """All is well."""
        return ()

    def readings(self) -> Iterable[Reading]:
        """Nothing is counted here."""
        return ()

    def status(self) -> Mapping[str, object]:
        """A number and a table, with something to escape."""
        return {"requests": len(self.asked), "last": [{"id": "<script>alert(1)</script>", "winners": 1}]}


def fits(request: AdRequest, advertiser: Advertiser, ad: Ad) -> bool:
    """The request's restrictions, plainly."""
    blocked = any(
        ad.category == category or ad.category.startswith(category + "/") for category in request.blocked_categories
    )
    return (
        not blocked
        and not {advertiser.id, advertiser.domain} & set(request.blocked_advertisers)
        and (not request.products or ad.product in request.products)
        and (not request.query or any(word in ad.keywords for word in request.query.split()))
    )


def bid_of(number: int) -> int:
    """Micros per thousand impressions."""
    return ADS[number][1].bid_micros or 0


def deal_id(number: int, slot: Slot) -> str:
    """The deal of the ad's campaign that the slot offers; empty: none."""
    return next((deal.id for deal in slot.deals if deal.id == DEALS.get(ADS[number][1].id)), "")


def floor_of(number: int, slot: Slot) -> int | None:
    """The slot's, or the deal's; None where the ad may not stand there."""
    if not any(
        creative.format in {slot.format, *(one.format for one in slot.also)} for creative in ADS[number][1].creatives
    ):
        return None
    if ADS[number][1].id not in DEALS:
        return None if slot.private else slot.floor_micros
    return next((deal.floor_micros for deal in slot.deals if deal.id == DEALS[ADS[number][1].id]), None)


def look_of(ad: Ad, slot: Slot) -> int:
    """The first creative that the slot takes, else one of its format."""
    looks = list(enumerate(ad.creatives))
    taken = [place for place, creative in looks if takes(creative, slot)]
    formats = {slot.format, *(one.format for one in slot.also)}
    return taken[0] if taken else next(place for place, creative in looks if creative.format in formats)


def record_of(event: IncomingEvent, bid_id: str) -> Event:
    """The event as the log keeps it."""
    match event.kind:
        case "impression":
            return Impression(id=event.id, time_us=event.time_us, bid_id=bid_id)
        case "viewable":
            return Viewable(id=event.id, time_us=event.time_us, bid_id=bid_id)
        case "click":
            return Click(id=event.id, time_us=event.time_us, bid_id=bid_id)
        case _:
            return Conversion(id=event.id, time_us=event.time_us, bid_id=bid_id, value_micros=event.value_micros)


def order_of(event: IncomingEvent) -> Order:
    """An order as the log keeps it; this shop believes no token in it."""
    lines = tuple(
        OrderLine(
            product=line.product, parent=line.parent, brand=line.brand, quantity=line.quantity,
            price_micros=line.price_micros,
        )
        for line in event.lines
    )  # fmt: skip
    return Order(id=event.id, time_us=event.time_us, user=event.user, lines=lines)


def main(folder: str, port: int) -> None:
    """Serve until killed, with little patience for those who dawdle."""
    PatientProtocol.patience_s = 1.0
    configure_logs()
    shop = Shop(Journal(Path(folder) / "journal.db"), clock_us=None)
    app = create_app(shop, ServerOptions(public_url=f"http://127.0.0.1:{port}"))
    http = bounded(Bounds(connections=CONNECTIONS))
    uvicorn.run(app, host="127.0.0.1", port=port, http=http, ws="none", log_config=None, access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
