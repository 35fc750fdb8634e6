"""Laws of retrieval by a neural score: NumPy says what torch says, e_v keeps its scale, taste is learned and served."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.catalog import Ad
from adcascade.catalog.bitmaps import rows_in
from adcascade.catalog.changes import Changes
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Candidates, Opportunity, Slot
from adcascade.errors import BundleError
from adcascade.features import AdFeatures, Encoder
from adcascade.learning.loop import Training, gather
from adcascade.learning.model import Shape
from adcascade.nn.inputs import Inputs, flat
from adcascade.nn.packed import TableConfig
from adcascade.retrieval.nann import NannLearner, NoiseConfig
from adcascade.retrieval.nann_model import NannConfig, NannModel
from adcascade.retrieval.neural_network import NeuralNetwork
from adcascade.retrieval.stage import RetrievalConfig, RetrievalStage

from .conftest import ADS, TASTES, Sample

SMALL = NannConfig(width=8, item_hidden=(16,), attention=8, attention_hidden=12, hidden=(16, 8))
SHAPE = Shape(
    width=3, request_fields=2, request_numbers=1, ad_fields=2, ad_numbers=2, sequences=2, length=5, targets=(0, 1)
)
NOBODY = Candidates.of(np.empty(0, np.int32))


def model_of(*, attends: bool, seed: int = 0) -> NannModel:
    """A model with random weights."""
    torch.manual_seed(seed)
    model = NannModel(SHAPE, NannConfig(**{**SMALL.__dict__, "attends": attends})).eval()
    model.gain.fill_(0.7)
    return model


def inputs_of(n: int, steps: int, seed: int) -> tuple[Inputs, Inputs]:
    """One user with so many steps of history, and n ads."""
    random = torch.Generator().manual_seed(seed)
    mask = torch.arange(5)[None] < steps
    history = torch.randn((1, 5, 2, 3), generator=random) * mask[:, :, None, None]
    user = Inputs(torch.randn((1, 2, 3), generator=random), torch.randn((1, 1), generator=random), history, mask)
    nothing = torch.zeros((n, 0, 0, 3)), torch.zeros((n, 0), dtype=torch.bool)
    return user, Inputs(torch.randn((n, 2, 3), generator=random), torch.randn((n, 2), generator=random), *nothing)


@settings(deadline=None, max_examples=25)
@given(
    n=st.sampled_from([0, 1, 2, 50, 3000]), steps=st.integers(0, 5), attends=st.booleans(), seed=st.integers(0, 2**16)
)
def test_numpy_says_what_torch_says(n: int, steps: int, attends: bool, seed: int) -> None:
    """Vectors and scores within 1e-5, for any number of ads and any length of history, none included."""
    model = model_of(attends=attends, seed=seed)
    user, ads = inputs_of(n, steps, seed)
    network = NeuralNetwork({name: part.numpy() for name, part in model.state_dict().items()})
    side = network.user(flat(user)[0].numpy(), user.history[0, :steps].flatten(1).numpy())
    with torch.no_grad():
        e, expected = model.item_vectors(ads), model.score(model.user_state(user), ads)
    np.testing.assert_allclose(network.item_vectors(flat(ads).numpy()), e.numpy(), atol=1e-5)
    np.testing.assert_allclose(network.score(side, e.numpy()), expected.numpy(), atol=1e-5)


def test_scores_need_no_memory_but_their_own() -> None:
    """Without a history, scoring 2000 ads at any rows allocates their scores: every layer's buffer is the network's."""
    model = model_of(attends=False)
    user, ads = inputs_of(2000, 0, 1)
    network = NeuralNetwork({name: part.numpy() for name, part in model.state_dict().items()})
    side = network.user(flat(user)[0].numpy(), user.history[0, :0].flatten(1).numpy())
    sides = network.item_sides(network.item_vectors(flat(ads).numpy()))
    rows = np.random.default_rng(0).permutation(2000).astype(np.int32)
    expected = network.score_rows(side, sides, rows)
    tracemalloc.start()
    try:
        again = network.score_rows(side, sides, rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(again, expected)
    assert peak < again.nbytes + 4096


def test_a_score_of_rows_is_that_of_their_vectors() -> None:
    """In any order, repeated, and whatever was scored before: the ad's side says all of it."""
    model = model_of(attends=True)
    user, ads = inputs_of(700, 4, 2)
    network = NeuralNetwork({name: part.numpy() for name, part in model.state_dict().items()})
    side = network.user(flat(user)[0].numpy(), user.history[0, :4].flatten(1).numpy())
    e = network.item_vectors(flat(ads).numpy())
    rows = np.random.default_rng(0).integers(0, 700, 1500).astype(np.int32)
    scores = network.score_rows(side, network.item_sides(e), rows)
    np.testing.assert_allclose(scores, network.score(side, e)[rows], atol=1e-6)


def test_a_batch_equals_its_pairs() -> None:
    """B requests against B ads pair by pair, and one request against n ads: the same scores."""
    model = model_of(attends=True)
    user, ads = inputs_of(4, 3, 1)
    with torch.no_grad():
        alone = model.score(model.user_state(user), ads)
        repeated = Inputs(*(part.expand(4, *part.shape[1:]) for part in user))
        torch.testing.assert_close(model(repeated, ads), alone)


def test_growing_the_last_layer_does_not_grow_the_vectors() -> None:
    """The way by which a network escapes the flatness loss is closed: e_v keeps mean 0 and variance 1."""
    model = model_of(attends=True)
    _, ads = inputs_of(20, 3, 1)
    with torch.no_grad():
        before = model.item_vectors(ads)
        model.item_last.weight.mul_(100)
        model.item_last.bias.mul_(100)
        after = model.item_vectors(ads)
    torch.testing.assert_close(after, before, atol=5e-3, rtol=0)
    torch.testing.assert_close(after.var(dim=1, correction=0), torch.ones(20), atol=1e-3, rtol=0)


def learned(encoder: Encoder, sample: Sample, **dial: float) -> NannLearner:
    """A small learner, trained on the world of tastes."""
    learner = NannLearner(
        encoder,
        SMALL,
        noise=NoiseConfig(noise=16, plain_epochs=2),
        training=Training(epochs=2, batch_size=256, rate=5e-3),
        table=TableConfig(width=4, init_std=0.3, rate=0.05),
    )
    learner.fit(lambda: [sample(6000, 1, **dial), sample(6000, 2, **dial)])
    return learner


@pytest.fixture(scope="module")
def tasteful(encoder: Encoder) -> NannLearner:
    """Trained where users click what they like."""
    from .conftest import sample

    return learned(encoder, sample)


@pytest.fixture
def stage(tasteful: NannLearner, features: AdFeatures, snapshot: Snapshot, tmp_path: Path) -> RetrievalStage:
    """What was exported, served: 10 ads to keep, all by the likeliest click."""
    tasteful.index(features, np.arange(ADS, dtype=np.int32))
    tasteful.export(tmp_path)
    config = RetrievalConfig(keep=10, bid_weight=0.0, category_share=0.0)
    return RetrievalStage.load(tmp_path, snapshot, features, config, "nann")


def ask(encoder: Encoder, user: int, **fields: object) -> Opportunity:
    """An opportunity of a user of the world."""
    request = AdRequest(**{"id": "r", "time_us": 0, "slots": (Slot(id="s"),), **fields})  # type: ignore[arg-type]
    seen = {"user": f"u{user}", "history_category": [f"t{user % TASTES}"] * 2}
    return Opportunity(request=request, seen=seen, features=encoder.encode_one(seen), random=np.random.default_rng(0))


def test_taste_is_learned_trusted_and_served(stage: RetrievalStage, tasteful: NannLearner, encoder: Encoder) -> None:
    """The stage brings up the ads of a user's taste; one ad of four would be of it by chance."""
    assert float(tasteful.model.gain) > 0.5
    found = [stage(ask(encoder, user), NOBODY).ad for user in range(8)]
    assert np.mean([(ads % TASTES == user % TASTES).mean() for user, ads in enumerate(found)]) > 0.9


def test_noise_is_not_trusted(encoder: Encoder, sample: Sample) -> None:
    """Where clicks come by chance, held-out clicks show it: the network weighs next to nothing."""
    assert float(learned(encoder, sample, taste=0.0).model.gain) < 0.25


def test_the_stage_scores_what_the_model_scores(
    stage: RetrievalStage, tasteful: NannLearner, features: AdFeatures, encoder: Encoder
) -> None:
    """Encoded requests and ads, through the exported files: within 1e-5 of the trained model."""
    batch = ask(encoder, 3).features
    columns = {"user": ["u3"] * ADS, "history_category": [["t3"] * 2] * ADS}
    columns |= {"ad": [f"a{r}" for r in range(ADS)], "ad_category": [f"t{r % TASTES}" for r in range(ADS)]}
    sides = gather(tasteful.table, encoder.encode({**columns, "price": [0.0] * ADS}, ADS), tasteful.model.shape)
    with torch.no_grad():
        expected = tasteful.model(sides.user, sides.ads).numpy()
    rows = np.arange(ADS, dtype=np.int32)
    features.update(rows, {"ad": columns["ad"], "ad_category": columns["ad_category"], "price": [0.0] * ADS})
    stage.ads_changed(rows)
    np.testing.assert_allclose(stage.index.score(stage.index.query(batch), rows), expected, atol=1e-5)


def test_who_has_no_history_is_answered(stage: RetrievalStage, encoder: Encoder) -> None:
    """A request of a user that nobody knows, without a single click before it."""
    request = AdRequest(id="r", time_us=0, slots=(Slot(id="s"),))
    features = encoder.encode_one({})
    stranger = Opportunity(request=request, seen={}, features=features, random=np.random.default_rng(0))
    assert len(stage(stranger, NOBODY)) == 10


def test_live_changes_are_seen(
    stage: RetrievalStage, snapshot: Snapshot, features: AdFeatures, encoder: Encoder
) -> None:
    """A new ad of a user's taste is found at once, a removed one never again, and only eligible ads are."""

    def change(changes: Changes) -> None:
        rows = snapshot.apply(changes)
        features.update(rows, snapshot.columns(rows.tolist()))
        stage.ads_changed(rows)

    new = Ad(id="a1", campaign="C", category="t1", title="unheard of")
    change(Changes(version=2, ads=[(ADS, new), (1, None)]))
    opportunity = ask(encoder, 1, query="unheard")
    found = stage(opportunity, NOBODY).ad.tolist()
    assert ADS in found
    assert 1 not in found
    assert set(found) <= set(rows_in(snapshot.eligible(opportunity.request, 0), snapshot.n).tolist())
    assert len(stage.index) == ADS


def test_a_method_that_nobody_serves_is_refused(tmp_path: Path, snapshot: Snapshot, features: AdFeatures) -> None:
    """BundleError that names what can be served; a missing network is one too."""
    with pytest.raises(BundleError, match="two_tower, nann"):
        RetrievalStage.load(tmp_path, snapshot, features, method="tea_leaves")
    with pytest.raises(BundleError, match=r"network\.npz"):
        NeuralNetwork.load(tmp_path)
