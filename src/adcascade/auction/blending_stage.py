"""The auction of a page that also holds organic items: whole slates, chosen and priced by VCG (blending.py).

    request, ranked ads -> N candidates -> S slates -> P(click) of all that stands on each page -> s*, prices

With a page model the clicks of a page are its, so that whoever takes clicks from others pays for them: the trace says
`page_auction`. As long as none was learned they are ctr times the slot's factor: `slate_auction`. So are those of
a page with more slots than the model knows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adcascade.auction.blending import VirtualBids
from adcascade.auction.lot import Lot
from adcascade.auction.page_clicks import PageClicks
from adcascade.auction.page_tokens import PageTokens, Singles, items_of, slate_places
from adcascade.auction.products import Products
from adcascade.auction.stage import AuctionStage
from adcascade.auction.vcg import CANDIDATES, Field, field_of, sell, separable_clicks
from adcascade.contracts import Candidates, Opportunity
from adcascade.contracts.ecpm import ecpm_of, parts_per_billion
from adcascade.metrics.logistic import probability

Vectors = Callable[[NDArray[np.int32]], Singles]  # catalog rows [n] -> what is known of these ads, [n, D]
EDGE = 1e-6  # a click probability or a slot's factor is at least this, where one is divided by


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """What a page model needs to see of a page: itself, the ads' numbers, and which ads organic products have."""

    model: PageClicks
    vectors: Vectors
    products: Products

    def clicks(
        self, lot: Lot, field: Field, ad: NDArray[np.int32], organic: tuple[str, ...]
    ) -> tuple[Singles, Singles]:
        """P(click) of each slate's ads [S, K] and of the organic items [S, O]; ad [N]: the candidates' rows.

        O is 0 where the model has never seen an organic item clicked.
        """
        layout = self.model.layout
        rows = self.products.rows(organic[: layout.organic])
        known = rows >= 0
        numbers = self.vectors(np.concatenate((ad, np.where(known, rows, 0)), dtype=np.int32))
        numbers[len(ad) :][~known] = 0.0
        item, place = slate_places(field.slates, len(ad), len(rows), layout)
        items = items_of(numbers, log_odds(lot.ctr[field.ad]), known)
        p = probability(self.model(PageTokens(items=items, item=item, place=place)))  # [S, T]
        judged = len(rows) if self.model.manifest.organic_clicks else 0
        return p[:, : len(lot.floor)], p[:, layout.slots : layout.slots + judged]


class BlendingStage:
    """Sells whole slates to the best `candidates` ads; `auction` says what is for sale to whom. view: None: no model.

    The winners' ctr is what, times the factor of the slot, the page's click probability is: so the log, the live
    calibration and the answer speak of the page as it was chosen.
    """

    def __init__(
        self,
        auction: AuctionStage,
        view: PageView | None = None,
        *,
        candidates: int = CANDIDATES,
        virtual: VirtualBids | None = None,
    ) -> None:
        self.auction, self.view, self.candidates = auction, view, candidates
        self.virtual = virtual or VirtualBids()

    @property
    def name(self) -> str:
        """By whose clicks the page is chosen."""
        return "slate_auction" if self.view is None else "page_auction"

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """At most one winner per slot with slot, price (micros per billing event), ctr and ecpm set."""
        request = opportunity.request
        if not len(candidates) or not request.slots:
            return candidates.take(np.empty(0, np.int64))
        lot = self.auction.lot(request, candidates)
        field = field_of(lot, self.candidates)
        if self.view is None or len(request.slots) > self.view.model.layout.slots:
            sale = sell(lot, field, separable_clicks(lot, field), virtual=self.virtual)
            ctr = lot.ctr[sale.award.ad]
        else:
            ads, organic = self.view.clicks(lot, field, candidates.ad[field.ad], request.organic)
            sale = sell(lot, field, parts_per_billion(ads), parts_per_billion(organic), self.virtual)
            slot = sale.award.slot
            ctr = np.minimum(ads[sale.slate, slot] / np.maximum(lot.factor[slot], EDGE), 1.0).astype(np.float32)
        award = sale.award
        winners = candidates.take(award.ad)
        ecpm = ecpm_of(ctr, winners.bid, lot.per_click[award.ad])
        price = self.auction.prices(request, candidates, lot, award)
        return winners.with_(slot=award.slot, price=price, ctr=ctr, ecpm=ecpm)


def log_odds(p: NDArray[np.floating]) -> Singles:
    """log p / (1 - p), float32 of the same shape; probabilities are kept off 0 and 1."""
    inside = np.clip(p.astype(np.float64), EDGE, 1.0 - EDGE)
    return np.log(inside / (1.0 - inside)).astype(np.float32)
