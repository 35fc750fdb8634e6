"""AdRequest: one page asks for ads. OpenRTB, the JSON API and the simulator all speak it.

Money is int64 micros of the currency, time is UTC in int64 microseconds.
"""

import msgspec


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """A private deal under which a slot may be bought."""

    id: str
    floor_micros: int = 0  # lowest price in micros per thousand impressions, instead of the slot's
    seats: tuple[str, ...] = ()  # advertisers that may use it; empty: any
    domains: tuple[str, ...] = ()  # and theirs, in small letters, must be one of these; empty: any
    first_price: bool | None = None  # True: the winner pays its bid; None: by the auction's own rule
    fixed: bool = False  # the floor is the price that was agreed on


class VideoSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a player plays."""

    mimes: tuple[str, ...] = ()  # of files; empty: any
    min_s: int = 0
    max_s: int = 0  # 0: any
    durations: tuple[int, ...] = ()  # exactly one of these, in seconds, instead of min_s and max_s; empty: any
    min_kbps: int = 0
    max_kbps: int = 0  # 0: any
    files: bool = True  # takes a file
    wrappers: bool = False  # follows another server's VAST document


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One more way in which a slot can be filled."""

    format: str
    width: int = 0
    height: int = 0
    video: VideoSpec | None = None


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One place on the page; slots come best first. `also`: what may stand there instead of format and size."""

    id: str
    format: str = "product"  # "product", "banner", "native" or "video": the creative must have it
    width: int = 0  # pixels; 0: any
    height: int = 0
    floor_micros: int = 0  # lowest price in micros per thousand impressions
    deals: tuple[Deal, ...] = ()
    private: bool = False  # only deals may buy it
    video: VideoSpec | None = None  # of the format "video"; None: any
    also: tuple[Look, ...] = ()


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the seller asks of ads beyond the blocked lists; the auction judges it ad by ad."""

    seats: tuple[str, ...] = ()  # only these advertisers; empty: any
    categories: tuple[str, ...] = ()  # only ads below these paths, or with these codes; empty: any
    blocked_codes: tuple[str, ...] = ()  # of a content taxonomy; a parent includes its children
    blocked_apps: tuple[str, ...] = ()  # bundles of advertised apps


class AdRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a page tells before it is filled.

    An empty string or tuple means "not told" or "no restriction". `user` is a pseudonymous key and
    None where there is no consent: then nothing about the user is read or written.
    """

    id: str
    time_us: int
    slots: tuple[Slot, ...]
    scenario: str = ""  # home, search, product page ...; also called scene or domain
    user: str | None = None
    query: str = ""
    category: str = ""  # of the page, as in the catalog: "sports/shoes"
    device: str = ""
    country: str = ""
    region: str = ""  # ISO 3166-2: "US-CA"
    city: str = ""
    segments: tuple[str, ...] = ()  # of the audience that the user is in; empty where there is no consent
    page_products: tuple[str, ...] = ()  # that the page is about
    context: dict[str, str | float] = {}  # further columns that the features of this installation name
    products: tuple[str, ...] = ()  # only ads of these products may win
    organic: tuple[str, ...] = ()  # products that the page shows around the slots, in order
    blocked_categories: tuple[str, ...] = ()
    blocked_advertisers: tuple[str, ...] = ()  # advertiser ids or domains
    rules: Rules = Rules()
    chain: str = ""  # who sells: the supply chain in its serialized form
    timeout_us: int = 100_000  # the answer must leave within this time
    test: bool = False  # answer, but charge nobody and learn nothing
