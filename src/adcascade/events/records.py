"""What the event log holds: one AuctionRecord a request, and what shoppers did with the ads it answered, and bought.

Every record has an id that is unique for life: the log takes an id once and calls the second a duplicate.
"""

import msgspec


class Ranked(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """All candidates that ranking scored, as parallel arrays of length n in ranked order (little-endian bytes)."""

    ad: bytes  # int32 rows of the catalog
    retrieval: bytes  # float32 score of the retrieval stage
    preranking: bytes  # float32 score of the pre-ranker
    ctr: bytes  # float32, calibrated, first slot
    cvr: bytes  # float32
    bid: bytes  # int64 micros per billing event
    ecpm: bytes  # int64 micros per thousand impressions


class Winner(msgspec.Struct, frozen=True, kw_only=True):
    """One ad of the answer."""

    bid_id: str  # the resolved bid id: what events name
    ad: int  # row of the catalog
    slot: int  # index into the request's slots, 0 is the best
    creative: int
    price_micros: int  # per billing event
    billing: str  # "click" or "impression"
    ctr: float  # calibrated, first slot
    slot_ctr: float  # calibrated, in this slot: ctr times the slot's factor
    cvr: float
    deal: str = ""  # the private deal under which it took the slot
    propensity: float | None = None  # of this ad in this slot, where chance chose; None where it did not


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """Which arm of an experiment answered, and by what chance: results need nothing else."""

    experiment: str
    arm: str
    unit: str  # what chance sent to the arm: a user's key, or the id of the request
    share: float  # P(this arm), when the unit came for the first time
    allocation: int  # number of the allocation that gave this share
    pinned: bool  # the unit is a user, who stays with the arm


class AuctionRecord(msgspec.Struct, frozen=True, kw_only=True, tag="auction"):
    """A request and its answer: everything a later learner needs."""

    id: str  # the server's own, unique for life
    time_us: int
    user: str | None
    scenario: str
    seen: dict[str, str | float | int | list[str] | None]  # request-side features as they were seen
    winners: tuple[Winner, ...]
    ranked: Ranked | None = None
    bundle: str = ""  # version of the bundle that answered
    policy: str = "cascade"  # "cascade" or "exploration"
    live_factor: float = 1.0  # the live calibration that the winners' ctr hold
    chain: str = ""  # who sold the request: its supply chain in serialized form
    asked: str = ""  # the id that the caller gave the request; callers may repeat theirs
    cuts: tuple[str, ...] = ()  # stages that the deadline or a failure cut
    stage_us: dict[str, int] = {}  # time per stage, microseconds
    exposure: Exposure | None = None  # None: no experiment took part


class Impression(msgspec.Struct, frozen=True, kw_only=True, tag="impression"):
    """The ad was seen."""

    id: str
    time_us: int
    bid_id: str


class Viewable(msgspec.Struct, frozen=True, kw_only=True, tag="viewable"):
    """Half of the ad's pixels were on screen for a continuous second, as a script in the page measured."""

    id: str
    time_us: int
    bid_id: str


class Click(msgspec.Struct, frozen=True, kw_only=True, tag="click"):
    """The ad was clicked."""

    id: str
    time_us: int
    bid_id: str
    anonymous: bool = False  # counts, and is remembered of nobody


class Conversion(msgspec.Struct, frozen=True, kw_only=True, tag="conversion"):
    """The shopper bought; may come days after the click."""

    id: str
    time_us: int
    bid_id: str
    value_micros: int = 0


class Notice(msgspec.Struct, frozen=True, kw_only=True, tag="notice"):
    """What an exchange said became of a bid: the landscape of prices and the rate of wins are learned from these."""

    id: str
    time_us: int
    bid_id: str
    kind: str  # "win", "billing", "loss", or "error" of a player
    price_micros: int | None = None  # at which it was sold, per thousand impressions
    currency: str = ""
    seat: str = ""
    loss: int | None = None  # loss reason code of OpenRTB, or error code of VAST
    min_to_win_micros: int | None = None
    bid_ratio: float | None = None  # of the clearing price to our bid
    multiplier: float | None = None  # impressions that one showing counts as, out of home
    seen_us: int | None = None  # when it was shown, as the exchange says


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One product of an order, as the shop told it; "" is not told."""

    product: str
    parent: str = ""  # product that this one is a variant of
    brand: str = ""
    category: str = ""
    quantity: int = 1
    price_micros: int = 0  # of one
    bid_id: str = ""  # that the shop named: a direct conversion


class Order(msgspec.Struct, frozen=True, kw_only=True, tag="order"):
    """A purchase, whoever brought it about: what attribution credits to clicks and views, by any rule, at any time."""

    id: str
    time_us: int
    user: str | None  # None: no consent; then only the bids that its lines name can be credited
    lines: tuple[OrderLine, ...]


class Filtered(msgspec.Struct, frozen=True, kw_only=True, tag="filtered"):
    """An event that was found invalid: nobody pays for it and nothing learns from it."""

    id: str  # the event's, behind its kind: ids are told apart by kind
    time_us: int
    bid_id: str
    kind: str  # of the event: "impression", "viewable", "click" or "conversion"
    reason: str  # the rule, as events/traffic/rules.py names it
    detail: str = ""  # what met the rule: a range of addresses, a pattern, a number
    network: str = ""  # of the sender, cut to 24 bits (IPv6: 48); "" where it was not the shopper's
    campaign: str = ""
    unbilled_micros: int = 0  # what it would have cost


Event = Impression | Viewable | Click | Conversion
Record = AuctionRecord | Event | Order | Filtered | Notice
