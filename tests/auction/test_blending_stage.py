"""Laws of the stage that sells pages with organic items, with a page model that a test can read."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.auction.test_stage import Shop, candidates, opportunity

from adcascade.auction import AuctionStage, gsp, vcg
from adcascade.auction.blending import VirtualBids
from adcascade.auction.blending_stage import BlendingStage, PageView, log_odds
from adcascade.auction.page_clicks import FORMAT, PageManifest
from adcascade.auction.page_tokens import Kind, Layout, PageTokens
from adcascade.auction.products import Products
from adcascade.catalog import Ad
from adcascade.contracts import Candidates, Opportunity, Stage
from adcascade.metrics.logistic import probability


class Quarrel:
    """Ads are clicked as they would be alone, unless the ad whose row is odd stands beside another odd one: then never.

    The number of an item is its row.
    """

    def __init__(self, *, organic_clicks: int = 0, slots: int = 3) -> None:
        self.layout = Layout(slots=slots, organic=2, pattern=(1, 3))
        self.manifest = PageManifest(
            format=FORMAT, fingerprint="f", numbers=1, slots=slots, organic=2, pattern=(1, 3), pages=1,
            organic_clicks=organic_clicks, log_loss=0.1, log_loss_separable=0.2,
        )  # fmt: skip
        self.asked: list[PageTokens] = []

    def __call__(self, tokens: PageTokens) -> NDArray[np.float32]:
        """Logits [B, T]."""
        self.asked.append(tokens)
        items, item = tokens.items, tokens.item
        odd = ((items.numbers[:, 0] % 2 == 1) & (items.kind == Kind.AD))[item]
        quarrel = odd & (odd.sum(axis=1) > 1)[:, None]
        organic = np.where(items.kind[item] == Kind.AD, items.base[item], -2.0 - odd.sum(axis=1)[:, None])
        return np.where(quarrel, -30.0, organic).astype(np.float32)


def rows_of(ads: Sequence[Ad | None]) -> Callable[[str], list[int]]:
    """What a catalog of these ads says of a product."""
    return lambda product: [row for row, ad in enumerate(ads) if ad is not None and ad.product == product]


def stage(model: Quarrel | None, *, rule: Any = vcg, **given: Any) -> BlendingStage:
    """Over the shop of test_stage.py: ad i bids i + 1, campaign i // 2, product p(i % 4)."""
    shop = Shop()
    auction = AuctionStage(rule, shop, slot_factors=[1.0, 0.5])
    view = None
    if model is not None:
        vectors = lambda rows: rows.astype(np.float32)[:, None]  # noqa: E731
        view = PageView(
            model=cast("Any", model),
            vectors=vectors,
            products=Products(
                lambda one: [row for row, ad in enumerate(shop.ads) if ad is not None and ad.product == one]
            ),
        )
    return BlendingStage(auction, view, **given)


def page(slots: int = 2, organic: tuple[str, ...] = ("p1", "new")) -> Opportunity:
    """A request with organic items."""
    plain = opportunity(slots)
    return Opportunity(
        request=msgspec.structs.replace(plain.request, organic=organic),
        seen=plain.seen,
        features=plain.features,
        random=plain.random,
    )


def entered() -> Candidates:
    """Twelve ads, the later the dearer."""
    return candidates(12, ctr=0.1)


def test_it_is_a_stage_whose_name_tells_by_whose_clicks() -> None:
    """The trace says whether a page model judged."""
    assert isinstance(stage(None), Stage)
    assert (stage(None).name, stage(Quarrel()).name) == ("slate_auction", "page_auction")


def test_ads_that_spoil_each_other_do_not_stand_together() -> None:
    """The best of each campaign are all odd here; a separable rule shows two, the page model's page only one."""
    model = Quarrel()
    together, apart = stage(None)(page(), entered()), stage(model)(page(), entered())
    assert together.ad.tolist() == [11, 9]
    assert apart.ad.tolist() == [11]
    assert apart.slot.tolist() == [0]
    assert len(model.asked) == 1  # payments ask nothing again


def test_the_winner_pays_for_whom_it_keeps_away() -> None:
    """Ad 11 keeps ad 9 off the page: it owes what 9 would have been worth, as in a second-price auction."""
    won = stage(Quarrel())(page(), entered())
    assert won.price.tolist() == pytest.approx([1_000_000], abs=1)
    assert np.all(won.price <= won.bid)


def test_ctr_times_factor_is_what_the_page_says() -> None:
    """What the log and the answer will say of the winner in its slot is the page model's probability there."""
    others = entered().take(np.array([11, 8, 6]))  # one odd, two even
    won = stage(Quarrel())(page(), others)
    factor = np.array([1.0, 0.5])[won.slot]
    assert won.ad.tolist() == [11, 8]
    assert (won.ctr * factor).tolist() == pytest.approx([0.1, 0.1], rel=1e-5)


def test_organic_products_are_known_by_their_ads() -> None:
    """A product with an ad stands there with that ad's numbers, one without is unknown; only O are looked at."""
    model = Quarrel()
    stage(model)(page(organic=("p1", "new", "p2")), entered())
    items = model.asked[0].items
    assert items.kind[-3:].tolist() == [Kind.ORGANIC, Kind.UNKNOWN, Kind.NOTHING]
    assert items.numbers[-3:, 0].tolist() == [1.0, 0.0, 0.0]


def test_a_virtual_bid_for_organic_clicks_empties_the_page() -> None:
    """Where the model knows organic clicks, a high one keeps the odd ad away that takes them; else it does nothing."""
    high = VirtualBids(organic=10**9)
    assert len(stage(Quarrel(organic_clicks=5), virtual=high)(page(), entered())) == 0
    assert stage(Quarrel(), virtual=high)(page(), entered()).ad.tolist() == [11]


def test_a_page_that_the_model_does_not_know_is_sold_by_factors() -> None:
    """More slots than it has learned: the model is not asked."""
    model = Quarrel(slots=1)
    assert stage(model)(page(2), entered()).ad.tolist() == [11, 9]
    assert not model.asked


def test_nobody_or_no_slot_is_no_error() -> None:
    """Nothing to sell, nobody to buy, nobody known."""
    for model in (None, Quarrel()):
        sold = stage(model, rule=gsp)
        assert len(sold(page(0), entered())) == 0
        assert len(sold(page(), candidates(0))) == 0
        assert len(sold(page(), candidates(ctr=float("nan")))) == 0


def test_the_lowest_row_stands_for_a_product() -> None:
    """As the catalog has them now: when it goes the next one does, and an unknown product has none."""
    rows = {"p0": [2, 0], "p1": [3, 1]}
    products = Products(lambda product: rows.get(product, ()))
    assert products.rows(("p0", "p1", "p9")).tolist() == [0, 1, -1]
    rows["p0"], rows["p9"] = [2], [3]
    assert products.rows(("p0", "p9")).tolist() == [2, 3]


def test_log_odds_and_probability_are_inverse() -> None:
    """Between the edges; outside they stop there."""
    p = np.array([0.001, 0.03, 0.5, 0.99], np.float32)
    assert probability(log_odds(p)).tolist() == pytest.approx(p.tolist(), rel=1e-5)
    assert np.isfinite(log_odds(np.array([0.0, 1.0], np.float32))).all()
