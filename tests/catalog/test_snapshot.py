"""Laws of the snapshot: the bitmap is its slow twin, whatever happens to the catalog."""

import faiss
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.catalog import Ad, AdGroup, Advertiser, Campaign, Creative, Targeting
from adcascade.catalog.bitmaps import are_in, rows_in
from adcascade.catalog.changes import Changes
from adcascade.catalog.eligibility import Cap
from adcascade.catalog.row_arrays import ARRAYS
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Slot
from adcascade.contracts.request import Deal
from adcascade.errors import InputError

CATEGORIES = ["", "sports", "sports/shoes", "sports/shoes/running", "home", "home/lamps"]
WORDS = ["red", "shoe", "lamp", "Running"]
STATUS = st.sampled_from(["active", "active", "active", "paused", "ended"])


def some(values: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Often nothing, else one to three of the values."""
    return st.one_of(st.just(()), st.lists(st.sampled_from(values), min_size=1, max_size=3).map(tuple))


def phrases() -> st.SearchStrategy[tuple[str, ...]]:
    """Often nothing, else one or two keywords of one or two words, of any match type."""
    phrase = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join)
    keyword = st.tuples(st.sampled_from(["", "phrase:", "exact:", "broad:"]), phrase).map("".join)
    return st.one_of(st.just(()), st.lists(keyword, max_size=2).map(tuple))


ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe"]
TIMES = ["thu 00:00-00:30", "wed", "thu,fri 10:00-24:00", "mon-wed 19:00-19:01"]
advertisers = st.builds(
    Advertiser,
    id=st.sampled_from("VW"),
    domain=st.sampled_from(["", "v.com"]),
    timezone=st.sampled_from(ZONES),
)
targetings = st.builds(
    Targeting,
    scenarios=some(["home", "search"]),
    devices=some(["phone", "desktop"]),
    countries=some(["DE", "FR", ""]),
    regions=some(["DE-BE", "US-CA"]),
    cities=some(["Berlin"]),
    categories=some(CATEGORIES[1:]),
    keywords=phrases(),
    negative_keywords=phrases(),
    times=some(TIMES),
    segments=some(["young", "rich"]),
    negative_segments=some(["young", "bots"]),
    products=some(["p", "q"]),
    blocked_categories=some(["sports", "home/lamps"]),
)
rarely_targeted = st.one_of(st.just(Targeting()), targetings)
campaigns = st.builds(
    Campaign,
    id=st.sampled_from("CDEF"),
    advertiser=st.sampled_from("VW"),
    status=STATUS,
    bid_micros=st.integers(0, 5),
    start_us=st.integers(0, 3),
    end_us=st.one_of(st.none(), st.integers(3, 6)),
    targeting=rarely_targeted,
    deals=st.one_of(st.just(()), some(["d1", "d2"])),
    margin_share=st.sampled_from([None, None, 0.1, 1.0]),
)
groups = st.builds(
    AdGroup,
    id=st.just("replaced"),
    campaign=st.just("replaced"),
    status=STATUS,
    bid_micros=st.none() | st.integers(0, 9),
    targeting=rarely_targeted,
)
creatives = st.builds(
    Creative,
    id=st.sampled_from("12"),
    format=st.sampled_from(["product", "banner", "native"]),
    width=st.sampled_from([0, 300]),
    height=st.sampled_from([0, 250]),
)
ads = st.builds(
    Ad,
    id=st.just("replaced"),
    campaign=st.sampled_from("CDEF"),
    product=st.sampled_from(["", "p", "q", "r"]),
    category=st.sampled_from(CATEGORIES),
    status=STATUS,
    bid_micros=st.one_of(st.none(), st.integers(0, 9)),
    stock=st.sampled_from([None, None, 0, 3]),
    price_micros=st.integers(0, 2),
    margin_micros=st.sampled_from([None, -1, 0, 7]),
    iab=some(["IAB17", "IAB17-1", "IAB2", "483"]),
    creatives=st.lists(creatives, max_size=2).map(tuple),
)
slots = st.builds(
    Slot,
    id=st.just("s"),
    format=st.sampled_from(["product", "banner", "native"]),
    width=st.sampled_from([0, 300, 728]),
    height=st.sampled_from([0, 250]),
    deals=st.lists(st.sampled_from(["d1", "d3"]), max_size=2).map(lambda ids: tuple(Deal(id=i) for i in ids)),
    private=st.sampled_from([False, False, True]),
)
requests = st.builds(
    AdRequest,
    id=st.just("r"),
    time_us=st.just(0),
    slots=st.lists(slots, min_size=1, max_size=2).map(tuple),
    scenario=st.sampled_from(["", "home", "search", "cart"]),
    device=st.sampled_from(["", "phone", "tv"]),
    country=st.sampled_from(["", "DE", "US"]),
    category=st.sampled_from(CATEGORIES),
    query=st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join),
    region=st.sampled_from(["", "DE-BE", "FR-75"]),
    city=st.sampled_from(["", "Berlin", "Paris"]),
    segments=some(["", "young", "rich", "bots"]),
    page_products=some(["", "p", "r"]),
    products=some(["", "p", "q", "x"]),
    blocked_categories=some(["", "sports", "sports/shoes", "home", "IAB17", "IAB17-1", "483"]),
    blocked_advertisers=some(["", "V", "v.com"]),
)
capped = st.lists(
    st.one_of(
        st.tuples(st.just("campaign"), st.sampled_from("CDX")),
        st.tuples(st.just("advertiser"), st.sampled_from("VX")),
        st.tuples(st.just("ad_group"), st.sampled_from(["CG", "DG", "X"])),
        st.tuples(st.just("ad"), st.sampled_from(["a1", "a2", "x"])),
        st.tuples(st.just("creative"), st.just("1")),
    ),
    max_size=2,
)
# Wednesday to Friday of the first week of 1970, around the minutes of TIMES
clocks = st.one_of(
    st.integers(0, 7),
    st.integers(-1, 48).flatmap(lambda h: st.sampled_from([0, 1, 30, 59]).map(lambda m: (h * 60 + m) * 60_000_000)),
)
BASE = Changes(
    version=1,
    advertisers=[Advertiser(id="V"), Advertiser(id="W")],
    campaigns=[Campaign(id=name, advertiser="V") for name in "CDEF"],
    ad_groups=[AdGroup(id=f"{name}G", campaign=name) for name in "CDEF"],
)


def named(ad: Ad, row: int, group: str) -> Ad:
    """The ad of a row, in a group of its campaign or in none."""
    return msgspec.structs.replace(ad, id=f"a{row}", ad_group=f"{ad.campaign}{group}" if group else "")


@st.composite
def some_changes(draw: st.DrawFn) -> Changes:
    """Any part of the catalog anew; some ads removed. Rows are 0 to 29, the id follows the row."""
    rows = draw(st.lists(st.integers(0, 29), max_size=12, unique=True))
    drawn = [(row, draw(st.one_of(st.none(), ads, ads, ads))) for row in sorted(rows)]
    grouped = st.sampled_from(["", "G"])
    names = draw(st.lists(st.sampled_from("CDEF"), max_size=3))
    return Changes(
        version=draw(st.integers(1, 99)),
        advertisers=draw(st.lists(advertisers, max_size=2)),
        campaigns=draw(st.lists(campaigns, max_size=3)),
        ad_groups=[msgspec.structs.replace(draw(groups), id=f"{name}G", campaign=name) for name in names],
        ads=[(row, ad and named(ad, row, draw(grouped))) for row, ad in drawn],
    )


def catalog(**targeting: tuple[str, ...]) -> Snapshot:
    """Two campaigns of one advertiser, the second targeted; ads 0 to 3 belong to them in turn."""
    snapshot = Snapshot()
    snapshot.apply(
        Changes(
            version=1,
            advertisers=[Advertiser(id="V"), Advertiser(id="W", domain="w.com")],
            campaigns=[
                Campaign(id="C", advertiser="V", bid_micros=5),
                Campaign(id="D", advertiser="W", bid_micros=7, targeting=Targeting(**targeting)),
            ],
            ads=[(row, Ad(id=f"a{row}", campaign="CD"[row % 2], category="sports/shoes")) for row in range(4)],
        )
    )
    return snapshot


def ask(**fields: object) -> AdRequest:
    """A request with one product slot."""
    return AdRequest(**{"id": "r", "time_us": 0, "slots": (Slot(id="s"),), **fields})  # type: ignore[arg-type]


@settings(deadline=None, max_examples=120)
@given(
    st.lists(st.tuples(some_changes(), st.sampled_from("CDEF"), st.booleans()), min_size=1, max_size=4),
    st.lists(st.tuples(requests, clocks, capped), min_size=1, max_size=6),
)
def test_bitmap_is_its_slow_twin(
    steps: list[tuple[Changes, str, bool]], asked: list[tuple[AdRequest, int, list[Cap]]]
) -> None:
    """After any changes, budgets running out, caps reached and clocks going any way, eligible == eligible_slow."""
    snapshot = Snapshot()
    snapshot.apply(BASE)
    for changes, campaign, funded in steps:
        snapshot.apply(changes)
        snapshot.set_serving(snapshot.campaign_index_of[campaign], funded)
        for request, now_us, enough in asked:
            np.testing.assert_array_equal(
                snapshot.eligible(request, now_us, enough), snapshot.eligible_slow(request, now_us, enough), strict=True
            )


@settings(deadline=None, max_examples=60)
@given(st.lists(some_changes(), min_size=1, max_size=4), requests, clocks)
def test_history_does_not_matter(steps: list[Changes], request: AdRequest, now_us: int) -> None:
    """A snapshot that lived through changes equals one that read the last state at once."""
    lived = Snapshot()
    for changes in (BASE, *steps):
        lived.apply(changes)
    fresh = Snapshot()
    fresh.apply(
        Changes(
            version=lived.version,
            advertisers=lived.advertisers,
            campaigns=lived.campaigns,
            ad_groups=lived.ad_groups,
            ads=list(enumerate(lived.ads)),
        )
    )
    np.testing.assert_array_equal(lived.eligible(request, now_us), fresh.eligible(request, now_us))
    for name in set(ARRAYS) - {"category"}:
        np.testing.assert_array_equal(getattr(lived, name), getattr(fresh, name), err_msg=name)
    assert lived.row_of == fresh.row_of


def test_bits_are_in_the_order_of_faiss() -> None:
    """IDSelectorBitmap over the bitmap holds exactly the eligible rows."""
    snapshot = catalog(scenarios=("search",))
    bits = snapshot.eligible(ask(scenario="home"), 0)
    selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]  # faiss' own stub is wrong
    assert [row for row in range(snapshot.n) if selector.is_member(row)] == [0, 2] == rows_in(bits, 4).tolist()
    assert are_in(bits, np.array([3, 2])).tolist() == [False, True]


def test_a_page_category_counts_for_its_parents() -> None:
    """A campaign that targets "sports" is seen on "sports/shoes", one that targets "sports/shoes" not on "sports"."""
    assert catalog(categories=("sports",)).why_not(1, ask(category="sports/shoes"), 0) is None
    assert catalog(categories=("sports/shoes",)).why_not(1, ask(category="sports"), 0) == (
        "page category not targeted by the campaign"
    )
    assert rows_in(catalog(categories=("sports",)).eligible(ask(category="sports/shoes"), 0), 4).tolist() == [
        0,
        1,
        2,
        3,
    ]


def test_a_keyword_stands_in_the_query_word_by_word() -> None:
    """ "red shoe" is held by "big RED shoe", not by "red big shoe"; a negative keyword keeps out."""
    snapshot = catalog(keywords=("red shoe",), negative_keywords=("cheap",))
    assert rows_in(snapshot.eligible(ask(query="big RED shoe"), 0), 4).tolist() == [0, 1, 2, 3]
    assert rows_in(snapshot.eligible(ask(query="red big shoe"), 0), 4).tolist() == [0, 2]
    assert rows_in(snapshot.eligible(ask(query="cheap red shoe"), 0), 4).tolist() == [0, 2]


def test_an_empty_budget_switches_all_ads_of_the_campaign() -> None:
    """set_serving(False) takes the campaign's ads out, set_serving(True) brings them back."""
    snapshot = catalog()
    snapshot.set_serving(1, False)
    assert rows_in(snapshot.eligible(ask(), 0), 4).tolist() == [0, 2]
    assert snapshot.why_not(1, ask(), 0) == "budget exhausted"
    snapshot.set_serving(1, True)
    assert rows_in(snapshot.eligible(ask(), 0), 4).tolist() == [0, 1, 2, 3]


def test_apply_names_the_rows_whose_features_changed() -> None:
    """Changed ads and ads whose campaign changed hands; not those whose campaign has a new bid."""
    snapshot = catalog()
    ad = Ad(id="a2", campaign="C", title="new")
    rebid = Campaign(id="D", advertiser="W", bid_micros=9)
    assert snapshot.apply(Changes(version=2, campaigns=[rebid], ads=[(2, ad)])).tolist() == [2]
    assert snapshot.bid.tolist() == [5, 9, 5, 9]
    moved = Campaign(id="D", advertiser="V", bid_micros=9)
    assert snapshot.apply(Changes(version=3, campaigns=[moved])).tolist() == [1, 3]
    assert snapshot.advertiser.tolist() == [0, 0, 0, 0]


def test_columns_hold_what_features_name() -> None:
    """Texts, price in units, missing as None, attributes by name; a tombstone is missing everywhere."""
    snapshot = catalog()
    ad = Ad(
        id="a0",
        campaign="C",
        category="sports/shoes",
        price_micros=2_500_000,
        picture=(0.5, 1.0),
        attributes={"colour": "red"},
    )
    snapshot.apply(Changes(version=2, ads=[(0, ad), (1, None)]))
    assert snapshot.columns([0, 1, 2]) == {
        "ad": ["a0", None, "a2"],
        "campaign": ["C", None, "C"],
        "advertiser": ["V", None, "V"],
        "ad_category": ["sports/shoes", None, "sports/shoes"],
        "ad_department": ["sports", None, "sports"],
        "brand": [None, None, None],
        "price": [2.5, None, 0.0],
        "title": [None, None, None],
        "picture": [[0.5, 1.0], None, None],
        "colour": ["red", None, None],
    }


def test_an_ad_of_an_unknown_campaign_is_refused_whole() -> None:
    """InputError names the field, and nothing of the changes was taken in."""
    snapshot = catalog()
    changes = Changes(version=2, campaigns=[Campaign(id="X", advertiser="V")], ads=[(9, Ad(id="x", campaign="nobody"))])
    with pytest.raises(InputError, match=r"ad\.campaign is 'nobody'"):
        snapshot.apply(changes)
    assert (snapshot.version, snapshot.n, len(snapshot.campaigns)) == (1, 4, 2)
