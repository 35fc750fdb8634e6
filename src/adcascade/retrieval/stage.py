"""RetrievalStage: from the whole catalog to some hundred ads that may answer and are worth a closer look.

What is worth a look is what may earn. With log P(click) = a log prior(ad) + score up to a constant of the request
(blend.py), adding log(bid) orders ads as their eCPM does. So a Searcher looks for score + bonus, where the bonus of a
row is a log prior + bid_weight log(bid per click). The score is the towers' query . vector, or a network's (SEARCHERS).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import rows_in
from adcascade.catalog.packed.image import Array, Image, below
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Candidates, Opportunity
from adcascade.errors import BundleError
from adcascade.features import AdFeatures
from adcascade.retrieval.best import best
from adcascade.retrieval.inverted_file import IndexConfig
from adcascade.retrieval.neural_search import NeuralConfig, NeuralSearch
from adcascade.retrieval.prior import ClickPrior
from adcascade.retrieval.rules import Rules
from adcascade.retrieval.searcher import NoSearch, Searcher
from adcascade.retrieval.tower_search import TowerSearch
from adcascade.retrieval.towers import Towers

Rows = NDArray[np.int32]
Floats = NDArray[np.float32]
RECENT = 3  # categories of the last clicks that count as the page's where it has none


@dataclass(frozen=True, kw_only=True)
class RetrievalConfig:
    """How many ads leave, and how many of them each rule may bring."""

    keep: int = 300
    keyword_share: float = 0.2
    category_share: float = 0.1
    bid_weight: float = 1.0  # of log(bid); 0: the likeliest clicks, whoever pays
    index: IndexConfig = field(default_factory=IndexConfig)  # of the towers' vectors
    neural: NeuralConfig = field(default_factory=NeuralConfig)  # of a network's walk


class RetrievalStage:
    """Candidates with score, best first. One thread at a time, the one that writes the snapshot."""

    name = "retrieval"

    def __init__(
        self,
        snapshot: Snapshot,
        prior: ClickPrior,
        searcher: Searcher | None,
        config: RetrievalConfig | None = None,
        image: Image | None = None,
    ) -> None:
        """Index the whole catalog, or open the image; without a searcher the clicks of the past order the ads."""
        self.config = config or RetrievalConfig()
        self._snapshot, self._prior = snapshot, prior
        self._base = prior.base
        self._log_ctr: Floats = np.zeros(0, np.float32)  # by row, as `prior` has it
        self._bonus: Floats = np.zeros(0, np.float32)  # by row
        self._bonus_version = -1
        self._rules = Rules()
        self.index: Searcher = NoSearch() if searcher is None else searcher
        if image is None:
            self._index_all()
        else:
            self._rules.unpack(image.part("rules").arrays)
            self._log_ctr = image.arrays["log_ctr"]
            self.index.unpack(image.part("index"))

    def _index_all(self) -> None:
        snapshot = self._snapshot
        rows = np.array([row for row, ad in enumerate(snapshot.ads) if ad is not None], np.int32)
        self._update_rules(rows)
        self.index.build(rows)

    @classmethod
    def load(  # noqa: PLR0917  what a stage is made of
        cls,
        folder: Path,
        snapshot: Snapshot,
        features: AdFeatures,
        config: RetrievalConfig | None = None,
        method: str = "two_tower",
        image: Image | None = None,
    ) -> Self:
        """From what the method's learner exported; `features` already hold every ad of the snapshot.

        image: what `pack` wrote of the same folder and an older state of the snapshot; then `ads_changed` comes next.
        """
        if method not in SEARCHERS:
            raise BundleError(f"{folder} was trained as {method!r}; this version serves {', '.join(SEARCHERS)}")
        config = config or RetrievalConfig()
        return cls(snapshot, ClickPrior.load(folder), SEARCHERS[method](folder, features, config), config, image)

    def pack(self) -> dict[str, Array]:
        """What indexing the catalog made, as arrays for an image."""
        log_ctr = {"log_ctr": self._log_ctr}
        return log_ctr | below("rules", self._rules.pack()) | below("index", self.index.pack())

    def ads_changed(self, rows: Rows) -> None:
        """Take over these rows of the snapshot; the AdFeatures must have taken them over before."""
        self._update_rules(rows)
        there = np.array([self._snapshot.ads[row] is not None for row in rows.tolist()], np.bool_)
        self.index.remove(rows[~there])
        self.index.put(rows[there])

    def _update_rules(self, rows: Rows) -> None:
        if len(self._log_ctr) < self._snapshot.n:
            grown = np.full(max(self._snapshot.n, 2 * len(self._log_ctr)), np.log(self._base), np.float32)
            grown[: len(self._log_ctr)] = self._log_ctr
            self._log_ctr = grown
        self._rules.update(rows.tolist(), self._snapshot.ads)
        self._log_ctr[rows] = np.log(self._prior.ctr([self._snapshot.ad_ids[row] for row in rows], self._base))

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:  # noqa: ARG002  the first stage
        """At most `keep` eligible ads; where the request names products, exactly their ads."""
        request = opportunity.request
        bits = self._snapshot.eligible(request, request.time_us, opportunity.capped)
        if opportunity.uncapped is not None:
            bits &= opportunity.uncapped
        bonus = self._bonuses()
        query = self.index.query(opportunity.features)
        keep = self.config.keep
        if request.products:
            rows = rows_in(bits, self._snapshot.n)
            return Candidates.of(*best(rows, self._score(rows, query, bonus), keep))
        by_rules = self._by_rules(opportunity, bits, bonus)
        found, scores = self.index.search(query, keep, bits, bonus)
        rest = np.flatnonzero(~_are_among(found, by_rules))[: keep - len(by_rules)]
        rows = np.concatenate((by_rules, found[rest]))
        worth = np.concatenate((self._score(by_rules, query, bonus), scores[rest]))
        return Candidates.of(*best(rows, worth, keep))

    def _by_rules(self, opportunity: Opportunity, bits: NDArray[np.uint8], bonus: Floats) -> Rows:
        """What the rules bring, distinct rows."""
        config, request = self.config, opportunity.request
        found = [np.empty(0, np.int32)]
        if request.query:
            found.append(self._rules.keywords(request.query, int(config.keyword_share * config.keep), bits)[0])
        categories = _categories(request, opportunity.seen.get("history_category"))
        if categories:
            found.append(self._rules.categories(categories, int(config.category_share * config.keep), bits, bonus)[0])
        rows: Rows = np.unique(np.concatenate(found))
        return rows

    def _score(self, rows: Rows, query: object, bonus: Floats) -> Floats:
        return self.index.score(query, rows) + bonus[rows]

    def _bonuses(self) -> Floats:
        """What every row is worth whoever asks, [N]; a bid per impression counts for 1 / base clicks."""
        snapshot = self._snapshot
        if self._bonus_version != snapshot.bids_version or len(self._bonus) != snapshot.n:
            per_click = np.where(snapshot.billing_click, snapshot.bid, snapshot.bid / self._base)
            bids = self.config.bid_weight * np.log(np.maximum(per_click, 1.0))
            self._bonus = (bids + self._prior.weight * self._log_ctr[: snapshot.n]).astype(np.float32)
            self._bonus_version = snapshot.bids_version
        return self._bonus


def _are_among(rows: Rows, some: Rows) -> NDArray[np.bool_]:
    """Whether each row [n] is one of some ascending ones [m], bool [n]."""
    if not len(some):
        return np.zeros(len(rows), np.bool_)
    places = np.minimum(some.searchsorted(rows), len(some) - 1)
    return np.asarray(some[places] == rows, np.bool_)


def _categories(request: AdRequest, history: object) -> Sequence[str]:
    """The page's category, or else those of the last clicks, the last first."""
    if request.category:
        return (request.category,)
    recent = reversed(history) if isinstance(history, list) else ()
    return tuple(dict.fromkeys(category for category in recent if category))[:RECENT]


def _towers(folder: Path, features: AdFeatures, config: RetrievalConfig) -> Searcher:
    return TowerSearch(Towers(folder, features), config.index)


def _network(folder: Path, features: AdFeatures, config: RetrievalConfig) -> Searcher:
    return NeuralSearch.load(folder, features, config.neural)


# What loads a bundle's folder, by the method that its manifest names.
SEARCHERS: dict[str, Callable[[Path, AdFeatures, RetrievalConfig], Searcher]] = {
    "two_tower": _towers,
    "nann": _network,
}
