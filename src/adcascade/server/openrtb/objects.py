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
    btype: list[int] | None = None  # blocked: 1 text, 2 picture, 3 script, 4 frame
    battr: list[int] | None = None  # blocked creative attributes; ours have none
    mimes: list[str] | None = None
    pos: int | None = None
    topframe: int | None = None
    expdir: list[int] | None = None
    api: list[int] | None = None


class Video(Struct):
    """A video ad is wanted: 3.2.7."""

    mimes: list[str] | None = None
    minduration: int | None = None  # seconds
    maxduration: int | None = None
    rqddurs: list[int] | None = None
    protocols: list[int] | None = None  # AdCOM list "Creative Subtypes - Audio/Video"
    protocol: int | None = None  # the older field for one of them
    w: int | None = None
    h: int | None = None
    startdelay: int | None = None
    plcmt: int | None = None
    placement: int | None = None
    linearity: int | None = None  # 1 linear, 2 overlay
    skip: int | None = None
    skipmin: int | None = None  # seconds
    skipafter: int | None = None
    battr: list[int] | None = None
    minbitrate: int | None = None  # kbps
    maxbitrate: int | None = None
    delivery: list[int] | None = None  # 1 streaming, 2 progressive, 3 download
    api: list[int] | None = None
    maxseq: int | None = None
    poddur: int | None = None  # seconds
    podid: str | None = None
    podseq: int | None = None
    slotinpod: int | None = None
    mincpmpersec: float | None = None


class Native(Struct):
    """Parts to be laid out by the page are wanted; `request` is JSON in a string, see native.py."""

    request: str
    ver: str | None = None
    api: list[int] | None = None
    battr: list[int] | None = None


class Deal(Struct):
    """One agreement between seller and buyers: 3.2.12."""

    id: str
    bidfloor: float | None = None  # CPM
    bidfloorcur: str | None = None
    at: int | None = None  # 1 first price, 2 second price, 3 the floor is the price
    wseat: list[str] | None = None
    wadomain: list[str] | None = None


class Pmp(Struct):
    """Private marketplace."""

    private_auction: int | None = None  # 1: only deals may buy
    deals: list[Deal] | None = None


class Imp(Struct):
    """One place for an ad."""

    id: str
    banner: Banner | None = None
    native: Native | None = None
    video: Video | None = None
    audio: Raw = field(default_factory=nothing)
    pmp: Pmp | None = None
    bidfloor: float | None = None  # CPM
    bidfloorcur: str | None = None
    secure: int | None = None  # 1: markup must be https
    instl: int | None = None
    tagid: str | None = None


class Content(Struct):
    """What the page or app shows."""

    cat: list[str] | None = None


class Inventory(Struct):
    """A site or an app: where the ad would be seen."""

    id: str | None = None
    domain: str | None = None
    bundle: str | None = None
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
    region: str | None = None  # ISO 3166-2, without the country
    city: str | None = None


class Device(Struct):
    """What the ad would be seen on."""

    devicetype: int | None = None  # AdCOM list "Device Types"
    geo: Geo | None = None
    dnt: int | None = None  # do not track
    lmt: int | None = None  # limit ad tracking


class Segment(Struct):
    """A part of the audience."""

    id: str | None = None


class Data(Struct):
    """What somebody knows of the user."""

    segment: list[Segment] | None = None


class User(Struct):
    """Who would see it."""

    id: str | None = None  # the exchange's
    buyeruid: str | None = None  # ours
    consent: str | None = None  # TCF string
    geo: Geo | None = None
    data: list[Data] | None = None
    ext: Raw = field(default_factory=nothing)


class Regs(Struct):
    """Which law applies."""

    coppa: int | None = None
    gdpr: int | None = None
    us_privacy: str | None = None  # "1YYN": version, notice, opt-out of sale, LSPA
    gpp: str | None = None
    gpp_sid: list[int] | None = None  # sections of it that apply
    ext: Raw = field(default_factory=nothing)


class ChainNode(Struct):
    """Who sold on: 3.2.26."""

    asi: str | None = None
    sid: str | None = None
    hp: int | None = None
    rid: str | None = None
    name: str | None = None
    domain: str | None = None


class Chain(Struct):
    """Through whose hands the request came: 3.2.25."""

    complete: int | None = None
    nodes: list[ChainNode] | None = None
    ver: str | None = None


class Source(Struct):
    """Where the request comes from."""

    tid: str | None = None
    schain: Chain | None = None
    ext: Raw = field(default_factory=nothing)  # holds the chain up to 2.5


class BidRequest(Struct):
    """An exchange asks for bids."""

    id: str
    imp: list[Imp]
    site: Inventory | None = None
    app: Inventory | None = None
    device: Device | None = None
    user: User | None = None
    regs: Regs | None = None
    source: Source | None = None
    test: int | None = None
    at: int | None = None  # 1 first price, 2 second price plus
    tmax: int | None = None  # milliseconds
    wseat: list[str] | None = None
    bseat: list[str] | None = None
    cur: list[str] | None = None
    bcat: list[str] | None = None
    badv: list[str] | None = None
    bapp: list[str] | None = None
    acat: list[str] | None = None
    cattax: int | None = None  # taxonomy of all category codes; 1 where absent
    allimps: int | None = None
    wlang: list[str] | None = None
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
    iurl: str = ""  # a sample picture
    cid: str
    crid: str
    cat: list[str] = []
    cattax: int = 0
    attr: list[int] = []
    dealid: str = ""
    w: int = 0
    h: int = 0
    exp: int = 0  # seconds for which the money is promised
    dur: int = 0  # seconds of a video
    protocol: int = 0  # of a video
    mtype: int  # 1 banner, 2 video, 4 native


class SeatBid(Struct, omit_defaults=True, kw_only=True):
    """The offers of one advertiser."""

    bid: list[Bid]
    seat: str


class BidResponse(Struct, omit_defaults=True, kw_only=True):
    """What the exchange gets."""

    id: str
    seatbid: list[SeatBid] = []
    bidid: str = ""
    cur: str = ""
    nbr: int | None = None  # why there is no bid
