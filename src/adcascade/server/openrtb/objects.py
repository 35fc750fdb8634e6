"""OpenRTB 2.6 as far as it is read and written here (IAB Tech Lab, "OpenRTB 2.6", sections 3.2 and 4.2).

Unknown fields are ignored, null is the same as absent, and numbers may come as strings or as whole floats,
because exchanges do all three. `ext` stays raw: what vendors put there must not make a request invalid.
"""

from msgspec import Raw, Struct, field

NOTHING = Raw(b"")


def nothing() -> Raw:
    """What a raw field holds when it was not sent: always the same object."""
    return NOTHING


class Format(Struct):
    """One allowed size of a banner, in pixels."""

    w: int | None = None
    h: int | None = None


class Banner(Struct):
    """An image or a piece of HTML is wanted."""

    format: list[Format] | None = None
    w: int | None = None
    h: int | None = None


class Native(Struct):
    """Parts to be laid out by the page are wanted; `request` is JSON in a string, see native.py."""

    request: str
    ver: str | None = None


class Pmp(Struct):
    """Private marketplace; we hold no deals."""

    private_auction: int | None = None


class Imp(Struct):
    """One place for an ad."""

    id: str
    banner: Banner | None = None
    native: Native | None = None
    video: Raw = field(default_factory=nothing)
    audio: Raw = field(default_factory=nothing)
    pmp: Pmp | None = None
    bidfloor: float | None = None  # CPM
    bidfloorcur: str | None = None
    secure: int | None = None  # 1: markup must be https


class Content(Struct):
    """What the page or app shows."""

    cat: list[str] | None = None


class Inventory(Struct):
    """A site or an app: where the ad would be seen."""

    id: str | None = None
    domain: str | None = None
    page: str | None = None
    search: str | None = None
    cat: list[str] | None = None
    sectioncat: list[str] | None = None
    pagecat: list[str] | None = None
    content: Content | None = None
    ext: Raw = field(default_factory=nothing)


class Geo(Struct):
    """Where the device or user is."""

    country: str | None = None  # ISO 3166-1 alpha-3


class Device(Struct):
    """What the ad would be seen on."""

    devicetype: int | None = None  # AdCOM list "Device Types"
    geo: Geo | None = None
    dnt: int | None = None  # do not track
    lmt: int | None = None  # limit ad tracking


class User(Struct):
    """Who would see it."""

    id: str | None = None  # the exchange's
    buyeruid: str | None = None  # ours
    consent: str | None = None  # TCF string
    geo: Geo | None = None
    ext: Raw = field(default_factory=nothing)


class Regs(Struct):
    """Which law applies."""

    coppa: int | None = None
    gdpr: int | None = None
    us_privacy: str | None = None  # "1YYN": version, notice, opt-out of sale, LSPA
    ext: Raw = field(default_factory=nothing)


class BidRequest(Struct):
    """An exchange asks for bids."""

    id: str
    imp: list[Imp]
    site: Inventory | None = None
    app: Inventory | None = None
    device: Device | None = None
    user: User | None = None
    regs: Regs | None = None
    test: int | None = None
    at: int | None = None  # 1 first price, 2 second price plus
    tmax: int | None = None  # milliseconds
    wseat: list[str] | None = None
    bseat: list[str] | None = None
    cur: list[str] | None = None
    bcat: list[str] | None = None
    badv: list[str] | None = None
    ext: Raw = field(default_factory=nothing)


class Bid(Struct, omit_defaults=True, kw_only=True):
    """One offer for one imp."""

    id: str
    impid: str
    price: float  # CPM
    adid: str
    nurl: str
    burl: str
    lurl: str
    adm: str
    adomain: list[str] = []
    cid: str
    crid: str
    cat: list[str] = []
    w: int = 0
    h: int = 0
    mtype: int  # 1 banner, 4 native


class SeatBid(Struct, omit_defaults=True, kw_only=True):
    """The offers of one advertiser."""

    bid: list[Bid]
    seat: str


class BidResponse(Struct, omit_defaults=True, kw_only=True):
    """What the exchange gets."""

    id: str
    seatbid: list[SeatBid]
    bidid: str
    cur: str
