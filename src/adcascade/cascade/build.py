"""Build: from a bundle's folder to an engine; the one place that knows in which order the stages stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from adcascade.auction import METHODS as AUCTIONS
from adcascade.auction import AuctionStage
from adcascade.auction.blending import VirtualBids
from adcascade.auction.blending_stage import BlendingStage, PageView
from adcascade.auction.page_clicks import PageClicks
from adcascade.auction.products import Products
from adcascade.auction.slates import page_places
from adcascade.bidding.stage import BiddingStage
from adcascade.calibration.live import LiveCalibration
from adcascade.calibration.slots import read_slot_factors
from adcascade.calibration.stage import CalibrationStage
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.engine import Engine, Pipeline, Place
from adcascade.cascade.exploration import UniformAuction, UniformRetrieval
from adcascade.cascade.page_fit import PageFit
from adcascade.catalog.packed.image import Array, Image, below
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Stage
from adcascade.contracts.bids import Alphas
from adcascade.contracts.stage import CatalogListener
from adcascade.conversion.stage import ConversionStage
from adcascade.creative.counts import VariantCounts, read_counts
from adcascade.creative.stage import CreativeStage
from adcascade.features.ads import AdFeatures
from adcascade.features.encoder import Encoder
from adcascade.learning.scorer import Scorer
from adcascade.preranking.scorer import Judge, opened
from adcascade.preranking.stage import PrerankingStage
from adcascade.ranking.stage import RankingStage
from adcascade.retrieval.stage import RetrievalConfig, RetrievalStage

EVERYTHING = 1 << 30  # a `keep` that keeps all
AT_ONCE = 100_000  # ads encoded at once
FEATURES, INDEX = "features", "index"  # parts of an image: all ads encoded, and what finds them
COLD = "none"  # the version that serves before the first training
COLD_SHARE = 0.6  # of the requests before the first training, answered from the ads that fit the page


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """How wide the cascade is, and its rules: the part of the settings that the engine needs."""

    retrieve: int = 300
    prerank: int = 100
    exploration: float = 0.05
    rule: Literal["gsp", "first_price", "second_price", "vcg"] = "gsp"
    reserve_micros: int = 200_000
    one_per: Literal["campaign", "product", "ad"] = "campaign"
    candidates: int = 6  # of a slate
    pattern: tuple[int, ...] = (1, 3, 5)  # places of the slots among organic items
    virtual_click_micros: int = 0

    @property
    def blends(self) -> bool:
        """Whether pages with organic items are sold as a whole."""
        return self.rule == "vcg"


class Indexed(CatalogListener, Protocol):
    """What keeps something per ad that an image can hold."""

    def pack(self) -> dict[str, Array]:
        """All of it, as arrays."""
        ...


@dataclass(slots=True, kw_only=True)
class Loaded:
    """An engine and what belongs to its models."""

    version: str
    encoder: Encoder
    engine: Engine
    reference: Sequence[Stage]  # the same models without narrowing, to measure what narrowing loses
    slot_factors: NDArray[np.float32]  # [K]
    features: AdFeatures
    snapshot: Snapshot
    listeners: Sequence[Indexed]
    pattern: tuple[int, ...] | None  # places of the slots among organic items; None: the page's affair

    def slot_factor(self, slot: int) -> float:
        """Clicks in this slot for one click in the first; the last factor holds for all further slots."""
        return float(self.slot_factors[min(slot, len(self.slot_factors) - 1)])

    def positions(self, request: AdRequest, winners: int) -> list[int | None]:
        """Where each winner stands among the organic items, from 1; None where the page decides."""
        if self.pattern is None or not request.organic:
            return [None] * winners
        return [place + 1 for place in page_places(winners, len(request.organic), self.pattern)[0]]

    def pack(self) -> dict[str, Array]:
        """What is kept per ad, as arrays for an image."""
        index = {name: array for one in self.listeners for name, array in below(INDEX, one.pack()).items()}
        return below(FEATURES, self.features.pack()) | index

    def ads_changed(self, rows: NDArray[np.int32]) -> None:
        """Ads are new, changed or gone: encode them again and tell the stages that keep something per ad."""
        self.features.update(rows, self.snapshot.columns(rows.tolist()))
        for listener in self.listeners:
            listener.ads_changed(rows)


def cold(snapshot: Snapshot, widths: Widths, pacer: Alphas | None, image: Image | None = None) -> Loaded:
    """What serves before the first training: chance alone, at the lowest price; its log is what training needs.

    image: of an older state of the snapshot (imaging.py); then `ads_changed` comes next.
    """
    encoder = Encoder.fit((), ())
    fit = PageFit(snapshot, image and image.part(INDEX))
    drawing = UniformRetrieval(snapshot, fit, share=COLD_SHARE)
    select = Pipeline("exploration", [Place(drawing, required=True), Place(BiddingStage(snapshot, pacer, snapshot))])
    creatives = CreativeStage(VariantCounts(), snapshot, explore=True)
    close = Pipeline("exploration", _uniform_close(snapshot, widths, creatives))
    return Loaded(
        version=COLD,
        encoder=encoder,
        engine=Engine(select, select, close, close, share=1.0),
        reference=(),
        slot_factors=np.ones(1, np.float32),
        features=AdFeatures(encoder),
        snapshot=snapshot,
        listeners=(fit,),
        pattern=widths.pattern if widths.blends else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """What all stages of one bundle are built of."""

    root: Path
    snapshot: Snapshot
    features: AdFeatures
    ranker: Scorer
    slot_factors: NDArray[np.float32]
    widths: Widths


class _Closing(NamedTuple):
    """From ranked candidates to winners, by kind of request."""

    auction: AuctionStage
    plain: Pipeline
    blended: Pipeline | None  # of pages that also hold organic items
    explored: Pipeline
    pattern: tuple[int, ...] | None


def load_bundle(
    bundles: Bundles,
    version: str,
    snapshot: Snapshot,
    *,
    widths: Widths,
    pacer: Alphas | None,
    live: LiveCalibration,
    sharded: bool = False,
    image: Image | None = None,
) -> Loaded:
    """Verify a bundle and build its engine over the catalog as it is now. sharded: shards do all up to calibration.

    image: of the bundle over an older state of the snapshot (imaging.py); then `ads_changed` comes next.
    """
    methods = bundles.verify(version).methods
    root = bundles.path(version)
    encoder = Encoder.load(root / "features")
    features = encoded_ads(encoder, snapshot, image)
    site = _Site(
        root=root,
        snapshot=snapshot,
        features=features,
        ranker=Scorer(root / "ranking", features),
        slot_factors=read_slot_factors(root / "calibration"),
        widths=widths,
    )
    judging = _judging(site, pacer, live)
    retrieval = None if sharded else _retrieval(site, methods["retrieval"], image)
    judge = None if sharded else opened(root / "preranking", features, image and image.part(INDEX))
    narrowing = () if retrieval is None or judge is None else _narrowing(site, retrieval, judge, pacer)
    select = [*narrowing, *(judging[-2:] if sharded else judging)]  # of a front: live calibration and bidding
    every = RankingStage(site.ranker, keep=EVERYTHING)
    explore = [Place(UniformRetrieval(snapshot), required=True), Place(every), *judging]
    closing = _closing(site)
    return Loaded(
        version=version,
        encoder=encoder,
        engine=Engine(
            Pipeline("cascade", select),
            Pipeline("exploration", explore),
            closing.plain,
            closing.explored,
            share=widths.exploration,
            close_blended=closing.blended,
        ),
        reference=(every, *(place.stage for place in judging), closing.auction),
        slot_factors=site.slot_factors,
        features=features,
        snapshot=snapshot,
        listeners=tuple(one for one in (retrieval, judge) if one is not None and not isinstance(one, Scorer)),
        pattern=closing.pattern,
    )


def _narrowing(site: _Site, retrieval: RetrievalStage, judge: Judge, pacer: Alphas | None) -> tuple[Place, ...]:
    """From the whole catalog to the ads whose clicks the ranker has judged."""
    widths = site.widths
    prerank = PrerankingStage(judge, site.snapshot, keep=widths.prerank, pacer=pacer)
    return (
        Place(retrieval, required=True),
        Place(prerank, keep=widths.prerank, narrows=True),
        Place(RankingStage(site.ranker, keep=widths.prerank), keep=widths.prerank, narrows=True, left_out=2),
    )


def _retrieval(site: _Site, method: str, image: Image | None) -> RetrievalStage:
    """Over the catalog as it is now, or as it was in the image."""
    index = image and image.part(INDEX)
    keep = RetrievalConfig(keep=site.widths.retrieve)
    return RetrievalStage.load(site.root / "retrieval", site.snapshot, site.features, keep, method, index)


def encoded_ads(encoder: Encoder, snapshot: Snapshot, image: Image | None = None) -> AdFeatures:
    """All ads of the snapshot by the encoder, or those of the image."""
    if image is not None:
        return AdFeatures.unpack(encoder, image.part(FEATURES).arrays)
    features = AdFeatures(encoder)
    for start in range(0, snapshot.n, AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, snapshot.n), dtype=np.int32)
        features.update(rows, snapshot.columns(rows.tolist()))
    return features


def _judging(site: _Site, pacer: Alphas | None, live: LiveCalibration) -> list[Place]:
    """From clicks to money: what is the same whether chance or retrieval chose the candidates."""
    return [
        Place(ConversionStage.load(site.root / "conversion", site.features), left_out=2),
        Place(CalibrationStage.load(site.root / "calibration", site.features)),
        Place(live),
        Place(BiddingStage(site.snapshot, pacer, site.snapshot), required=True),
    ]


def _closing(site: _Site) -> _Closing:
    """The auctions and the looks of winners."""
    widths, snapshot = site.widths, site.snapshot
    auction = AuctionStage(
        AUCTIONS[widths.rule],
        snapshot,
        reserve_micros=widths.reserve_micros,
        slot_factors=site.slot_factors,
        one_per=widths.one_per,
    )
    products = Products(snapshot.product_rows)
    view = _page_view(site.root / "page", site.ranker, products, site.features.encoder.fingerprint)
    counts = read_counts(site.root / "creative")
    looks, chance = Place(CreativeStage(counts, snapshot)), CreativeStage(counts, snapshot, explore=True)
    blending = BlendingStage(
        auction, view, candidates=widths.candidates, virtual=VirtualBids(ads=widths.virtual_click_micros)
    )
    return _Closing(
        auction=auction,
        plain=Pipeline("cascade", [Place(auction, required=True), looks]),
        blended=Pipeline("cascade", [Place(blending, required=True), looks]) if widths.blends else None,
        explored=Pipeline("exploration", _uniform_close(snapshot, widths, chance)),
        pattern=_pattern(widths, view),
    )


def _page_view(folder: Path, ranker: Scorer, products: Products, fingerprint: str) -> PageView | None:
    """What the bundle knows of whole pages; None where it has learned nothing of them."""
    if not folder.exists():
        return None
    return PageView(model=PageClicks(folder, fingerprint), vectors=ranker.vectors, products=products)


def _pattern(widths: Widths, view: PageView | None) -> tuple[int, ...] | None:
    """Where slots stand among organic items: as the page model learned it, else as the settings say."""
    if not widths.blends:
        return None
    return widths.pattern if view is None else view.model.layout.pattern


def _uniform_close(snapshot: Snapshot, widths: Widths, creatives: CreativeStage) -> list[Place]:
    auction = UniformAuction(snapshot, reserve_micros=widths.reserve_micros)
    return [Place(auction, required=True), Place(creatives)]
