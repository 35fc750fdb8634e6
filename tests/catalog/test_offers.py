"""Laws of offers: a shop's feed changes stock, price and margin, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.catalog import Ad, Advertiser, Campaign, Offer
from adcascade.catalog.store import CatalogStore
from adcascade.errors import InputError

BASE = Ad(id="a", campaign="C", title="shoe", stock=5, price_micros=7, bid_micros=2)


@pytest.fixture
def shop(store: CatalogStore) -> CatalogStore:
    """Two ads."""
    store.put([Advertiser(id="V")], [Campaign(id="C", advertiser="V")], [BASE, Ad(id="b", campaign="C")])
    return store


def test_only_what_is_told_changes(shop: CatalogStore) -> None:
    """Fields that an offer does not tell stay; None is told, and means not counted."""
    shop.set_offers({"a": Offer(price_micros=9), "b": Offer(stock=0, margin_micros=4)})
    assert shop.find_ad("a") == Ad(id="a", campaign="C", title="shoe", stock=5, price_micros=9, bid_micros=2)
    assert shop.find_ad("b") == Ad(id="b", campaign="C", stock=0, margin_micros=4)
    version = shop.set_stock({"a": None})
    assert shop.changes(version - 1).ads == [(0, Ad(id="a", campaign="C", title="shoe", price_micros=9, bid_micros=2))]


def test_what_is_told_again_changes_nothing(shop: CatalogStore) -> None:
    """An offer as it stands already neither moves the ad's version nor is written down."""
    shop.set_stock({"a": 5})
    assert len(shop.changes(1)) == 0
    assert len(shop.history("ads", "a")) == 1


@pytest.mark.parametrize(
    ("offers", "field"),
    [
        ({"a": Offer(stock=0), "x": Offer(stock=0)}, "offers['x']"),
        ({"a": Offer(stock=-1)}, "offers['a'].stock"),
        ({"a": Offer(price_micros=-1)}, "offers['a'].price_micros"),
    ],
)
def test_a_bad_offer_is_named_and_nothing_is_kept(shop: CatalogStore, offers: dict[str, Offer], field: str) -> None:
    """InputError; the good ones of the call are not kept either."""
    with pytest.raises(InputError) as caught:
        shop.set_offers(offers)
    assert (caught.value.field, shop.find_ad("a")) == (field, BASE)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.none() | st.integers(0, 3), min_size=1), max_size=4))
def test_offers_are_puts_of_the_same(
    tmp_path_factory: pytest.TempPathFactory, feeds: list[dict[str, int | None]]
) -> None:
    """set_stock leaves the catalog as putting the changed ads would."""
    import msgspec

    folder = tmp_path_factory.mktemp("stores")
    base = {"a": BASE, "b": Ad(id="b", campaign="C")}
    with CatalogStore(f"sqlite:///{folder / 'one.db'}") as one, CatalogStore(f"sqlite:///{folder / 'two.db'}") as two:
        for store in (one, two):
            store.put([Advertiser(id="V")], [Campaign(id="C", advertiser="V")], list(base.values()))
        for feed in feeds:
            one.set_stock(feed)
            base |= {ad: msgspec.structs.replace(base[ad], stock=stock) for ad, stock in feed.items()}
            two.put(ads=list(base.values()))
        assert one.changes(0) == two.changes(0)
