"""Laws of COPR: the sampling of chunks, the weights of pairs, the loss; and what a student of lists learns."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.learning.loop import Training, predict
from adcascade.learning.scorer import Scorer
from adcascade.metrics import ndcg
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.preranking.click import ClickLearner
from adcascade.preranking.copr import CoprConfig, chunk_sample, delta_ndcg, log_value, rank_alignment
from adcascade.preranking.copr_learn import CoprLearner, grid
from adcascade.preranking.distillation import as_served, joined
from adcascade.preranking.mixed import EXTRA, MixedBlocks

SEEDS = st.integers(0, 2**16)
FORMS = (CoprConfig(tau=2.0), CoprConfig(form="ratio"), CoprConfig(tau=1.0, weighting="none"))


def rows(lengths: list[int], width: int) -> torch.Tensor:
    """`present` of lists of so many ads."""
    return torch.arange(width)[None, :] < torch.tensor(lengths)[:, None]


@given(lengths=st.lists(st.integers(0, 300), min_size=1, max_size=8), chunks=st.integers(2, 25), seed=SEEDS)
def test_one_ad_of_each_chunk(lengths: list[int], chunks: int, seed: int) -> None:
    """Place c lies in [floor(c N / D), floor((c + 1) N / D)); a list of fewer than D ads is taken whole."""
    place = chunk_sample(np.array(lengths), chunks, np.random.default_rng(seed))
    for n, drawn in zip(lengths, place.tolist(), strict=True):
        cut = min(n, chunks)
        assert drawn[cut:] == [-1] * (chunks - cut)
        for c in range(cut):
            assert c * n // cut <= drawn[c] < (c + 1) * n // cut


def test_every_ad_of_a_chunk_is_drawn_alike() -> None:
    """Over many draws of a list of 10 in 5 chunks, each of its ads comes half of the time."""
    place = chunk_sample(np.full(4000, 10), 5, np.random.default_rng(0))
    assert np.abs(np.bincount(place.ravel(), minlength=10) / 4000 - 0.5).max() < 0.04


@given(n=st.integers(2, 12), pad=st.integers(0, 4))
def test_the_weight_of_a_pair_is_what_swapping_it_costs_in_ndcg(n: int, pad: int) -> None:
    """The reference twin swaps two ads of the ideal list; weights are that loss up to a factor, with mean 1 a list."""
    weight = delta_ndcg(rows([n], n + pad))[0].numpy()
    gain = np.arange(n, 0, -1.0)
    lost = np.zeros((n + pad, n + pad))
    for i in range(n):
        for j in range(i + 1, n):
            place = np.arange(n)
            place[[i, j]] = j, i
            lost[i, j] = 1 - ndcg(gain, -place.astype(float))
    np.testing.assert_allclose(weight, lost * (n * (n - 1) / 2) / lost.sum(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("config", FORMS)
@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5), seed=SEEDS)
def test_the_loss_is_the_mean_over_pairs_one_by_one(config: CoprConfig, lengths: list[int], seed: int) -> None:
    """A loop over lists and pairs says the same; what is not present is not read, NaN included."""
    present = rows(lengths, 6)
    value = torch.randn(present.shape, generator=torch.Generator().manual_seed(seed))
    means = []
    for g, n in enumerate(lengths):
        weight = delta_ndcg(present[g : g + 1])[0]
        terms = []
        for i in range(n):
            for j in range(i + 1, n):
                apart = float(value[g, i] - value[g, j])
                delta = config.tau * apart if config.form == "log" else float(np.expm1(min(apart, 3.0)))
                w = float(weight[i, j]) if config.weighting == "ndcg" else 1.0
                terms.append(w * np.log1p(np.exp(-delta)))
        means += [float(np.mean(terms))] if terms else []
    got = rank_alignment(torch.where(present, value, torch.tensor(float("nan"))), present, config)
    np.testing.assert_allclose(float(got), np.mean(means) if means else 0.0, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("config", FORMS)
@given(seed=SEEDS, scale=st.floats(0.1, 100))
def test_only_relative_bids_matter(config: CoprConfig, seed: int, scale: float) -> None:
    """All bids of a list times the same leave the loss as it was: the currency does not matter."""
    random = torch.Generator().manual_seed(seed)
    logit, log_bid = torch.randn(3, 8, generator=random), torch.randn(3, 8, generator=random)
    present = rows([8, 5, 2], 8)
    losses = [
        rank_alignment(log_value(logit, log_bid + moved, torch.ones(())), present, config)
        for moved in (0.0, float(np.log(scale)))
    ]
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("config", FORMS)
def test_the_gradient_lifts_the_better_ad_and_never_explodes(config: CoprConfig) -> None:
    """Descending raises the first and lowers the last ad, also where scores lie 80 nats apart; no list, no gradient.

    (The ratio form forgets a pair that is so far out of order: its delta ends at -1.)
    """
    for spread in (0.0, 40.0):
        logit = torch.linspace(-spread, spread, 5)[None].requires_grad_()
        rank_alignment(log_value(logit, torch.zeros(1, 5), torch.ones(())), rows([5], 5), config).backward()  # type: ignore[no-untyped-call]
        assert logit.grad is not None
        assert torch.isfinite(logit.grad).all()
        assert logit.grad.abs().max() < 100
        assert logit.grad[0, 0] < 0 or (config.form == "ratio" and spread)
        assert logit.grad[0, 4] >= 0
    nothing = torch.zeros(2, 5, requires_grad=True)
    rank_alignment(nothing, rows([1, 0], 5), config).backward()  # type: ignore[no-untyped-call]
    assert nothing.grad is not None
    assert not nothing.grad.any()


def test_an_ad_that_pays_per_impression_is_worth_its_bid() -> None:
    """Its value is the log of the bid and its logit is not taught."""
    logit = torch.tensor([[0.3, -2.0]], requires_grad=True)
    value = log_value(logit, torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0]]))
    assert value[0, 1] == 2.0
    rank_alignment(value, rows([2], 2), CoprConfig()).backward()  # type: ignore[no-untyped-call]
    assert logit.grad is not None
    assert logit.grad[0, 0] < 0
    assert logit.grad[0, 1] == 0


def test_a_loss_without_pairs_or_direction_is_refused() -> None:
    """ValueError names the numbers."""
    for wrong in ({"chunks": 1}, {"tau": 0.0}, {"strength": -1.0}, {"lists": 0}):
        with pytest.raises(ValueError, match="give"):
            CoprConfig(**wrong)


# --- learning, in a world of tastes with two dimensions and of wide bids

ADS, USERS, LISTS = 60, 10, 400
FEATURES = (
    Feature(name="user", side="user", kind="categorical"),
    Feature(name="position", side="context", kind="categorical"),
    Feature(name="ad", side="ad", kind="categorical"),
)


class World:
    """A log of lists in the ranker's order, and of clicks that say nothing."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.taste = random.normal(0, 1, (USERS, 2)) @ random.normal(0, 1, (2, ADS)) - 2
        self.bid = random.integers(10_000, 500_000, ADS)
        user = random.integers(0, USERS, LISTS)
        ads = [random.choice(ADS, random.integers(2, 40), replace=False) for _ in range(LISTS)]
        ranked = [ad[np.argsort(-self.value(u)[ad])] for u, ad in zip(user, ads, strict=True)]
        self.lists = pa.table(
            {
                "user": [f"u{u}" for u in user],
                "list_ad": pa.array([ad.astype(np.int32) for ad in ranked], pa.list_(pa.int32())),
                "list_bid": [self.bid[ad] for ad in ranked],
                "list_ecpm": [self.value(u)[ad].astype(np.int64) for u, ad in zip(user, ranked, strict=True)],
                "list_click": [np.ones(len(ad), bool) for ad in ranked],
            }
        )
        shown = random.integers(0, ADS, 3000)
        self.log = pa.table(
            {
                "user": [f"u{u}" for u in random.integers(0, USERS, 3000)],
                "position": np.zeros(3000, np.int32),
                "ad": [f"a{ad}" for ad in shown],
                "click": (random.random(3000) < 0.1).astype(np.float32),
            }
        )
        encoder = Encoder.fit(FEATURES, [self.log])
        self.ads = AdFeatures(encoder)
        self.ads.update(np.arange(ADS), {"ad": [f"a{ad}" for ad in range(ADS)]})
        self.table = PackedEmbedding(encoder.rows, TableConfig(width=8, init_std=0.3), seed=1)

    def value(self, user: int) -> NDArray[np.float64]:
        """The ranker's eCPM of every ad: [ADS]."""
        value: NDArray[np.float64] = 1000 * self.bid / (1 + np.exp(-self.taste[user]))
        return value

    def tables(self) -> Iterable[pa.Table]:
        """The impressions."""
        return [self.log]

    def hits(self, learner: CoprLearner | ClickLearner, k: int = 10) -> float:
        """Share of the ranker's first k ads among the pre-ranker's, over all users."""
        users = pa.table({"user": [f"u{u}" for u in range(USERS)]})
        seen = self.ads.encoder.encode(as_served(users), USERS, "request")
        batch = joined(seen, np.tile(np.arange(ADS, dtype=np.int32), (USERS, 1)), self.ads)
        logit = predict(learner.model, learner.table, batch).reshape(USERS, ADS)
        early = np.argsort(-self.bid / (1 + np.exp(-logit)), axis=1)[:, :k]
        late = [np.argsort(-self.value(user))[:k] for user in range(USERS)]
        return float(np.mean([np.isin(e, w).mean() for e, w in zip(early, late, strict=True)]))


@pytest.fixture(scope="module")
def world() -> World:
    """One for all tests."""
    return World()


@pytest.fixture(scope="module")
def aligned(world: World) -> CoprLearner:
    """A student of the lists."""
    learner = CoprLearner(
        teacher_table=world.table,
        ads=world.ads,
        copr=CoprConfig(chunks=10, impressions=64, lists=16),
        training=Training(epochs=8, rate=1e-2),
    )
    learner.fit(world.tables, lambda: [world.lists])
    return learner


def test_a_batch_holds_its_lists_in_the_rankers_order(world: World) -> None:
    """Shuffled as the loop does, the grid finds every drawn ad at its place again, with its own bid."""
    config = CoprConfig(chunks=6, impressions=32, lists=8)
    batch = next(iter(MixedBlocks(world.tables, lambda: [world.lists], world.ads, config)))
    batch = batch.take(np.random.default_rng(0).permutation(len(batch)))
    assert np.count_nonzero(batch.extra["list"] < 0) == 32
    assert batch.weight.sum() == 32
    value, present = grid(torch.zeros(len(batch)), batch, config)
    assert int(present.sum()) == len(batch) - 32
    assert (present[:, :-1] | ~present[:, 1:]).all()  # what is there comes first
    ctr = torch.zeros(present.shape)
    at = tuple(torch.from_numpy(batch.extra[name][batch.extra["list"] >= 0]).long() for name in EXTRA[:2])
    ctr[at] = torch.from_numpy(batch.label[batch.extra["list"] >= 0])
    ranked = torch.where(present, value - np.log(0.5) + ctr.clamp(min=1e-9).log(), torch.tensor(-99.0))
    assert (ranked[:, :-1] >= ranked[:, 1:] - 1e-3).all()


def test_lists_go_round_and_other_ads_are_drawn(world: World) -> None:
    """An epoch is a pass over the impressions, however few lists there are."""
    few: Callable[[], list[pa.Table]] = lambda: [world.lists.slice(0, 3)]  # noqa: E731  a table source
    blocks = MixedBlocks(world.tables, few, world.ads, CoprConfig(chunks=4, impressions=500, lists=8))
    first, second = list(blocks), list(blocks)
    assert len(first) == len(second) == 6
    drawn = [block.batch.ids[block.extra["list"] >= 0] for block in (first[0], second[0])]
    assert drawn[0].shape == drawn[1].shape
    assert np.any(drawn[0] != drawn[1])


def test_the_student_learns_the_order_where_clicks_say_nothing(world: World, aligned: CoprLearner) -> None:
    """COPR finds 7 in 10 of the ranker's first ten, the student of clicks alone not half of them."""
    clicks = ClickLearner(teacher_table=world.table, ads=world.ads, training=Training(epochs=8, batch_size=64))
    clicks.fit(world.tables)
    assert world.hits(aligned) > 0.7
    assert world.hits(clicks) < 0.5


def test_what_is_exported_serves_as_torch_says(world: World, aligned: CoprLearner, tmp_path: Path) -> None:
    """ONNX Runtime and torch agree within 1e-5 on every ad."""
    aligned.export(tmp_path)
    scorer = Scorer(tmp_path, world.ads)
    one = world.ads.encoder.encode_one({"user": "u3", "position": "0"}, "request")
    ads = np.arange(ADS, dtype=np.int32)
    served = scorer.score(scorer.user(one), ads)
    said = predict(aligned.model, aligned.table, joined(one, ads[None], world.ads))
    np.testing.assert_allclose(served, said, atol=1e-5)
