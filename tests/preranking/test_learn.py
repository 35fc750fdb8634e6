"""Laws of the pre-ranker: its model, its distillation, its learner and its stage, in a small world of tastes."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import torch
from numpy.typing import NDArray

from adcascade.contracts import AdRequest, Batch, Candidates, Opportunity, Slot, Stage
from adcascade.contracts.ecpm import ecpm_of
from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.learning.export import example_ads, example_user
from adcascade.learning.labelled import LabelledBlocks
from adcascade.learning.loop import Training, fit, predict
from adcascade.learning.model import Shape
from adcascade.learning.scorer import Scorer
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.preranking.distillation import DistillationConfig, DistilledBlocks, as_served, draw_ads, joined
from adcascade.preranking.learn import PrerankingLearner
from adcascade.preranking.mlp import PrerankingConfig, PrerankingMLP
from adcascade.preranking.stage import PrerankingStage
from adcascade.ranking.dcn_v2 import DCNv2, DCNv2Config

FEATURES = (
    Feature(name="user", side="user", kind="categorical"),
    Feature(name="history_ad", side="user", kind="sequence", of="ad", length=4),
    Feature(name="position", side="context", kind="categorical"),
    Feature(name="ad", side="ad", kind="categorical"),
    Feature(name="ad_category", side="ad", kind="categorical"),
    Feature(name="price", side="ad", kind="numeric"),
)
ADS, USERS, ROWS = 120, 20, 6000


@dataclass(frozen=True)
class World:
    """A log in which users have tastes for categories, and a catalog of the ads."""

    log: pa.Table
    encoder: Encoder
    ads: AdFeatures


def columns_of_ads(rows: NDArray[np.integer]) -> dict[str, list[object]]:
    """The ad side of these catalog rows."""
    return {
        "ad": [f"a{row}" for row in rows.tolist()],
        "ad_category": [f"c{row % 8}" for row in rows.tolist()],
        "price": [float(row % 7) for row in rows.tolist()],
    }


@pytest.fixture(scope="module")
def world() -> World:
    """6,000 impressions; a click is likely where the user likes the ad's category and the slot is high."""
    random = np.random.default_rng(0)
    taste = random.normal(0, 1.5, (USERS, 8))
    user, ad, slot = (random.integers(0, top, ROWS) for top in (USERS, ADS, 3))
    logit = -1.0 + taste[user, ad % 8] - 0.2 * (ad % 7) - 0.4 * slot
    log = pa.table(
        {
            "user": [f"u{u}" for u in user.tolist()],
            "history_ad": [[f"a{i % ADS}" for i in range(u, u + u % 5)] for u in user.tolist()],
            "position": slot.astype(np.int32),
            **columns_of_ads(ad),
            "logged_ad": ad.astype(np.int32),
            "click": (random.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(np.float32),
        }
    )
    encoder = Encoder.fit(FEATURES, [log])
    ads = AdFeatures(encoder)
    ads.update(np.arange(ADS), columns_of_ads(np.arange(ADS)))
    return World(log, encoder, ads)


@pytest.fixture(scope="module")
def taught(world: World) -> PrerankingLearner:
    """A small ranker trained on the log, and its student."""
    torch.manual_seed(1)
    teacher = DCNv2(Shape.of(world.encoder, 8), DCNv2Config(cross_layers=2, hidden=(32, 16)))
    table = PackedEmbedding(world.encoder.rows, TableConfig(width=8, rate=0.05), seed=1)
    fit(teacher, table, LabelledBlocks(world.encoder, lambda: [world.log]), Training(epochs=3, batch_size=256))
    learner = PrerankingLearner(
        teacher=teacher,
        teacher_table=table,
        ads=world.ads,
        config=PrerankingConfig(hidden=(16, 8)),
        training=Training(epochs=2, batch_size=512, rate=5e-3, seed=1),
    )
    learner.fit(lambda: [world.log], np.arange(ADS, dtype=np.int32))
    return learner


def everything(world: World, requests: int) -> Batch:
    """So many requests of the log beside the whole catalog."""
    seen = world.encoder.encode(as_served(world.log.slice(0, requests)), requests, "request")
    return joined(seen, np.tile(np.arange(ADS, dtype=np.int32), (requests, 1)), world.ads)


def test_a_request_beside_its_ads_is_encoded_as_one_table_would_be(world: World) -> None:
    """joined equals encoding request and ad columns of every pair together."""
    rows = np.array([[3, 7, 3], [0, 119, 5]], np.int32)
    part = world.log.slice(10, 2)
    seen = world.encoder.encode({name: part[name] for name in part.column_names}, 2, "request")
    pairs = part.take([0, 0, 0, 1, 1, 1])
    columns = {name: pairs[name] for name in ("user", "history_ad", "position")}
    slow = world.encoder.encode({**columns, **columns_of_ads(rows.ravel())}, 6)
    fast = joined(seen, rows, world.ads)
    for name in ("ids", "dense", "history", "history_length", "scenario"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name))


def test_every_request_meets_its_own_ad_first_and_live_ads_after() -> None:
    """Half of the others are drawn from the live rows, half from what was shown elsewhere."""
    shown, live = np.array([1, 2, 3], np.int32), np.array([10, 11], np.int32)
    rows = draw_ads(shown, live, 7, np.random.default_rng(0))
    assert rows.shape == (3, 7)
    assert rows[:, 0].tolist() == [1, 2, 3]
    assert set(rows[:, 1:4].ravel().tolist()) <= {10, 11}
    assert set(rows[:, 4:].ravel().tolist()) <= {1, 2, 3}
    assert draw_ads(shown, live, 1, np.random.default_rng(0)).tolist() == [[1], [2], [3]]


def test_labels_are_the_teachers_probabilities_mixed_with_the_shown_ads_click(world: World) -> None:
    """p everywhere; (1 - h) p + h y for the shown ad alone; the teacher is asked for the first slot."""
    asked: list[Batch] = []

    def teacher(batch: Batch) -> NDArray[np.float32]:
        asked.append(batch)
        return np.linspace(-2, 2, len(batch), dtype=np.float32)

    config = DistillationConfig(ads_per_request=4, hard=0.25, requests_at_once=100)
    blocks = DistilledBlocks(
        lambda: [world.log.slice(0, 150)], world.ads, np.arange(9, dtype=np.int32), teacher, config
    )
    labels = np.concatenate([block.label for block in blocks]).reshape(150, 4)
    p = np.concatenate([1 / (1 + np.exp(-np.linspace(-2, 2, n * 4))) for n in (100, 50)]).reshape(150, 4)
    clicked = world.log["click"].to_numpy()[:150]
    np.testing.assert_allclose(labels[:, 1:], p[:, 1:], rtol=1e-5)
    np.testing.assert_allclose(labels[:, 0], 0.75 * p[:, 0] + 0.25 * clicked, rtol=1e-5)
    place = [field.name for field in FEATURES if field.side != "ad" and field.kind == "categorical"].index("position")
    assert all(len(set(batch.ids[:, place].tolist())) == 1 for batch in asked)


def test_every_epoch_meets_other_ads_and_rows_without_an_ad_are_left_out(world: World) -> None:
    """The blocks can be iterated again; a null logged_ad is no sample."""
    half = [None if i % 2 else int(ad) for i, ad in enumerate(world.log["logged_ad"].to_pylist()[:40])]
    log = world.log.slice(0, 40).set_column(
        world.log.column_names.index("logged_ad"), "logged_ad", pa.array(half, pa.int32())
    )
    blocks = DistilledBlocks(
        lambda: [log], world.ads, np.arange(ADS, dtype=np.int32), lambda batch: np.zeros(len(batch), np.float32)
    )
    first, second = (np.concatenate([block.batch.ids for block in blocks]) for _ in range(2))
    assert len(first) == len(second) == 20 * 8
    assert np.any(first != second)


def test_the_student_agrees_with_its_teacher_on_ads_that_were_never_shown(
    world: World, taught: PrerankingLearner
) -> None:
    """Over requests and the whole catalog: of the ranker's best 10 of 120 ads 9 in 10 are in the student's best 30."""
    batch = everything(world, 50)
    teacher = predict(taught.teacher, taught.teacher_table, batch).reshape(50, ADS)
    student = predict(taught.model, taught.table, batch).reshape(50, ADS)
    assert np.corrcoef(teacher.ravel(), student.ravel())[0, 1] > 0.9
    best, kept = np.argsort(-teacher)[:, :10], np.argsort(-student)[:, :30]
    assert np.mean([len(set(b) & set(k)) / 10 for b, k in zip(best.tolist(), kept.tolist(), strict=True)]) > 0.9


def test_a_teacher_without_an_opinion_teaches_none(world: World) -> None:
    """Where the ranker says the same of all ads, the student's scores differ by next to nothing."""
    torch.manual_seed(2)
    teacher = DCNv2(Shape.of(world.encoder, 8), DCNv2Config(cross_layers=1, hidden=(4,)))
    for parameter in teacher.parameters():
        torch.nn.init.zeros_(parameter)
    learner = PrerankingLearner(
        teacher=teacher,
        teacher_table=PackedEmbedding(world.encoder.rows, TableConfig(width=8)),
        ads=world.ads,
        training=Training(epochs=2, batch_size=512, rate=5e-3),
    )
    learner.fit(lambda: [world.log.slice(0, 3000)], np.arange(ADS, dtype=np.int32))
    logits = predict(learner.model, learner.table, everything(world, 20))
    assert np.abs(1 / (1 + np.exp(-logits)) - 0.5).max() < 0.05


def test_one_request_against_n_ads_equals_n_pairs() -> None:
    """The state with leading dimension 1 broadcasts: batch equals loop."""
    shape = Shape(
        width=4, request_fields=3, request_numbers=2, ad_fields=2, ad_numbers=1, sequences=1, length=5, targets=(0,)
    )
    torch.manual_seed(3)
    model = PrerankingMLP(shape, PrerankingConfig(hidden=(8,))).eval()
    user, ads = example_user(shape), example_ads(shape, 6)
    with torch.no_grad():
        together = model.score(model.user_state(user), ads)
        alone = [model(user, type(ads)(*(part[i : i + 1] for part in ads))) for i in range(6)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-6, rtol=1e-6)


def opportunity(world: World, user: str) -> Opportunity:
    """A request of this user."""
    request = AdRequest(id="r", time_us=0, slots=(Slot(id="0"),), user=user)
    features = world.encoder.encode_one({"user": user, "history_ad": ["a1", "a2"], "position": "0"}, "request")
    return Opportunity(request=request, seen={}, features=features, random=np.random.default_rng(0))


def book(bid: NDArray[np.int64]) -> SimpleNamespace:
    """A catalog of bids per click, ten campaigns."""
    return SimpleNamespace(campaign=(np.arange(ADS) % 10).astype(np.int32), bid=bid, billing_click=np.ones(ADS, bool))


def test_what_is_exported_serves_as_torch_says(world: World, taught: PrerankingLearner, tmp_path: Path) -> None:
    """ONNX Runtime and torch agree within 1e-5 on every ad of the catalog."""
    taught.export(tmp_path)
    scorer, now = Scorer(tmp_path, world.ads), opportunity(world, "u3")
    rows = np.arange(ADS, dtype=np.int32)
    served = scorer.score(scorer.user(now.features), rows)
    np.testing.assert_allclose(
        served, predict(taught.model, taught.table, joined(now.features, rows[None], world.ads)), atol=1e-5
    )


def test_the_stage_keeps_the_best_by_expected_value(world: World, taught: PrerankingLearner, tmp_path: Path) -> None:
    """score is the eCPM of the provisional ctr and the paced bid; the best `keep` leave, best first."""
    taught.export(tmp_path)
    bid = np.random.default_rng(1).integers(10_000, 2_000_000, ADS)
    pacer = SimpleNamespace(alpha=np.linspace(0.1, 1.0, 10))
    entered = Candidates.of(np.arange(ADS, dtype=np.int32))
    scorer = Scorer(tmp_path, world.ads)
    stages = (PrerankingStage(scorer, book(bid), keep=15), PrerankingStage(scorer, book(bid), keep=15, pacer=pacer))
    assert all(isinstance(stage, Stage) for stage in stages)
    for stage, alpha in zip(stages, (np.ones(10), pacer.alpha), strict=True):
        left = stage(opportunity(world, "u3"), entered)
        assert len(left) == 15
        assert np.all((left.ctr > 0) & (left.ctr < 1))
        paid = np.floor(alpha[left.ad % 10] * bid[left.ad]).astype(np.int64)
        value = ecpm_of(left.ctr, paid, np.ones(15, bool))
        np.testing.assert_allclose(left.score, value, rtol=1e-4)
        assert np.all(np.diff(left.score) <= 0)
        everyone = PrerankingStage(scorer, book(bid), keep=ADS, pacer=pacer if alpha is pacer.alpha else None)
        assert everyone(opportunity(world, "u3"), entered).ad[:15].tolist() == left.ad.tolist()
    assert len(stages[0](opportunity(world, "u3"), entered.take(np.empty(0, np.int64)))) == 0
