"""Laws of the stage: only eligible ads, the promised quotas, live changes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from adcascade.catalog import Ad, Campaign
from adcascade.catalog.bitmaps import rows_in
from adcascade.catalog.changes import Changes
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Candidates, Opportunity, Slot, Stage
from adcascade.contracts.stage import CatalogListener
from adcascade.errors import BundleError, ConfigurationError
from adcascade.features import AdFeatures, Encoder
from adcascade.nn.packed import TableConfig
from adcascade.retrieval.prior import ClickPrior
from adcascade.retrieval.stage import RetrievalConfig, RetrievalStage
from adcascade.retrieval.tower_model import TwoTowerConfig
from adcascade.retrieval.two_tower import TwoTowerLearner

from .conftest import ADS, Sample

NOBODY = Candidates.of(np.empty(0, np.int32))
EVEN = ClickPrior(clicks={}, impressions={})


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    """Untrained towers."""
    folder = tmp_path_factory.mktemp("towers")
    learner = TwoTowerLearner(encoder, TwoTowerConfig(width=8, hidden=(8,)), table=TableConfig(width=4, init_std=0.5))
    learner.export(folder)
    return folder


@pytest.fixture
def stage(exported: Path, features: AdFeatures, snapshot: Snapshot) -> RetrievalStage:
    """The towers over the small world, 10 ads to keep."""
    return RetrievalStage.load(exported, snapshot, features, RetrievalConfig(keep=10))


def ask(encoder: Encoder, **fields: object) -> Opportunity:
    """An opportunity of user u1."""
    request = AdRequest(**{"id": "r", "time_us": 0, "slots": (Slot(id="s"),), **fields})  # type: ignore[arg-type]
    seen = {"user": "u1", "history_category": ["t1"]}
    return Opportunity(request=request, seen=seen, features=encoder.encode_one(seen), random=np.random.default_rng(0))


def rows_of(stage: RetrievalStage, encoder: Encoder, **fields: object) -> list[int]:
    """The rows that the stage answers, in order."""
    rows: list[int] = stage(ask(encoder, **fields), NOBODY).ad.tolist()
    return rows


def change(stage: RetrievalStage, snapshot: Snapshot, features: AdFeatures, changes: Changes) -> NDArray[np.int32]:
    """Let a live change reach everything, as the engine does."""
    rows = snapshot.apply(changes)
    features.update(rows, snapshot.columns(rows.tolist()))
    stage.ads_changed(rows)
    return rows


def test_it_is_a_stage_that_listens(stage: RetrievalStage) -> None:
    """It has the shape of both protocols."""
    assert isinstance(stage, Stage)
    assert isinstance(stage, CatalogListener)


@pytest.mark.parametrize("asked", [{}, {"query": "thing 7"}, {"category": "t2"}, {"products": ("",)}])
def test_only_eligible_ads_each_once_best_first(
    stage: RetrievalStage, snapshot: Snapshot, encoder: Encoder, asked: dict[str, object]
) -> None:
    """Whatever the request, no more than `keep`, all eligible, no row twice, scores falling."""
    snapshot.set_serving(1, False)
    opportunity = ask(encoder, **asked)
    found = stage(opportunity, NOBODY)
    assert 0 < len(found) <= 10
    assert len(set(found.ad.tolist())) == len(found)
    assert set(found.ad.tolist()) <= set(rows_in(snapshot.eligible(opportunity.request, 0), snapshot.n).tolist())
    assert (np.diff(found.score) <= 0).all()


def test_a_words_quota_is_kept(stage: RetrievalStage, encoder: Encoder) -> None:
    """The ad that the query names is found, though the towers may think little of it."""
    for row in range(ADS):
        assert row in rows_of(stage, encoder, query=f"thing {row}")


def test_products_of_the_request_are_retrieved_exactly(
    stage: RetrievalStage, snapshot: Snapshot, features: AdFeatures, encoder: Encoder
) -> None:
    """Where the page names products, their ads and no others."""
    ads = [(row, Ad(id=f"a{row}", campaign="C", product=f"p{row % 3}")) for row in (4, 5, 6, 7)]
    change(stage, snapshot, features, Changes(version=2, ads=ads))
    assert sorted(rows_of(stage, encoder, products=("p1", "p0", "unknown"))) == [4, 6, 7]


def test_live_changes_are_seen(
    stage: RetrievalStage, snapshot: Snapshot, features: AdFeatures, encoder: Encoder
) -> None:
    """An added ad is found by its words, a removed one is not, a replaced one by its new words."""
    new = Ad(id="new", campaign="C", title="unheard of", category="t9")
    change(stage, snapshot, features, Changes(version=2, ads=[(ADS, new)]))
    assert ADS in rows_of(stage, encoder, query="unheard")
    assert ADS in rows_of(stage, encoder, category="t9")
    change(
        stage, snapshot, features, Changes(version=3, ads=[(ADS, None), (3, Ad(id="a3", campaign="C", title="owl"))])
    )
    assert ADS not in rows_of(stage, encoder, query="unheard")
    assert 3 in rows_of(stage, encoder, query="owl")
    assert len(stage.index) == ADS


def test_a_higher_bid_never_lowers_the_rank(stage: RetrievalStage, snapshot: Snapshot, encoder: Encoder) -> None:
    """Of the same ad in the same request, live, without another training."""
    before = rows_of(stage, encoder)
    row = before[-2]
    campaign = Campaign(id="E", advertiser="V", bid_micros=50_000_000)
    ad = snapshot.ads[row]
    assert ad is not None
    richer = Ad(id=ad.id, campaign="E", title=ad.title, category=ad.category)
    snapshot.apply(Changes(version=2, campaigns=[campaign], ads=[(row, richer)]))
    assert rows_of(stage, encoder).index(row) < before.index(row)


def test_without_towers_past_clicks_and_bids_decide(snapshot: Snapshot, encoder: Encoder) -> None:
    """log(smoothed CTR) + log(bid): the ad with clicks first, and impression bids counted per click."""
    prior = ClickPrior(clicks={"a8": 50.0}, impressions={f"a{row}": 100.0 for row in range(ADS)})
    stage = RetrievalStage(snapshot, prior, None, RetrievalConfig(keep=5, bid_weight=1.0))
    found = stage(ask(encoder), NOBODY)
    per_click = np.where(snapshot.billing_click, snapshot.bid, snapshot.bid / prior.base)
    value = np.log(np.array(prior.ctr(snapshot.ad_ids))) + np.log(per_click)
    np.testing.assert_allclose(found.score, np.sort(value)[::-1][:5], rtol=1e-5)
    assert int(found.ad[0]) == int(np.argmax(value))


def test_the_prior_counts_weights_and_leaves_out_the_unknown(tmp_path: Path, sample: Sample) -> None:
    """Clicks and impressions by ad, weighted, the same after a file; rows without label or ad do not count."""
    tables = [
        pa.table({"ad": ["x", "x", "y", None], "click": [1.0, 0.0, None, 1.0], "weight": [2.0, 3.0, 1.0, 1.0]}),
        pa.table({"ad": ["y"], "click": [0.0]}),
    ]
    prior = ClickPrior.count(tables, strength=10.0)
    assert (prior.clicks, prior.impressions) == ({"x": 2.0, "y": 0.0}, {"x": 5.0, "y": 1.0})
    assert prior.base == pytest.approx(2 / 6)
    assert prior.ctr(["x", "new"]) == pytest.approx([(2 + 10 / 3) / 15, 1 / 3])
    prior.save(tmp_path)
    assert ClickPrior.load(tmp_path) == prior
    (tmp_path / "prior.json").write_text("{")
    with pytest.raises(BundleError, match=r"prior\.json"):
        ClickPrior.load(tmp_path)
    with pytest.raises(ConfigurationError, match="no column 'ad'"):
        ClickPrior.count([sample(5, 0).drop_columns("ad")])
