"""Laws of AdaSparse: the paper's network, masks by scenario, and foldings that compute less and answer the same."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from adcascade.errors import BundleError, ConfigurationError
from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.learning.export import MOST_FOLDED, example_ads, example_user, export, foldings
from adcascade.learning.labelled import labelled
from adcascade.learning.loop import Training, fit, predict
from adcascade.learning.model import Shape, log_loss
from adcascade.learning.scorer import Scorer
from adcascade.nn.inputs import Inputs, flat, history_mean
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.pruner import PrunerConfig, Sees, pruned_share, weights_of
from adcascade.ranking.adasparse import AdaSparse, AdaSparseConfig, Folded

SHAPE = Shape(
    width=4, request_fields=3, request_numbers=2, ad_fields=2, ad_numbers=1, sequences=1, length=3, scenario=1
)
SMALL = AdaSparseConfig(hidden=(12, 8))
SCENARIOS = ("home", "search", "basket")
FLOAT = onnx.TensorProto.FLOAT
ADS = [f"a{i}" for i in range(12)]


def model_of(sees: Sees = "domain", shape: Shape = SHAPE, seed: int = 0) -> AdaSparse:
    """Half trained, with pruners bold enough that many neurons are pruned."""
    torch.manual_seed(seed)
    model = AdaSparse(shape, replace(SMALL, pruner=PrunerConfig(sees=sees)))
    for pruner in model.pruners:
        for parameter in pruner.parameters():
            torch.nn.init.normal_(parameter, std=1.0)
    model.advance(0.5)
    return model.eval()


def rows(n: int, seed: int = 0) -> pa.Table:
    """Impressions in three scenarios, home the most frequent, each of which likes other ads."""
    random = np.random.default_rng(seed)
    scene, ad = random.choice(3, n, p=(0.6, 0.3, 0.1)), random.integers(0, len(ADS), n)
    p = np.where((ad + 4 * scene) % 12 < 6, 0.8, 0.2)
    return pa.table(
        {
            "user": [f"u{i}" for i in random.integers(0, 9, n)],
            "scenario": [SCENARIOS[i] for i in scene],
            "ad": [ADS[i] for i in ad],
            "click": (random.random(n) < p).astype(np.float32),
        }
    )


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """Two fields of the request, of which the second is the scenario, and one of the ad."""
    sides = (("user", "user"), ("scenario", "scenario"), ("ad", "ad"))
    return Encoder.fit([Feature(name=n, side=s, kind="categorical") for n, s in sides], [rows(400)])  # type: ignore[arg-type]


def exported(folder: Path, encoder: Encoder, sees: Sees = "domain") -> tuple[AdaSparse, PackedEmbedding, Scorer]:
    """A model with random embeddings, and what serves from its folder."""
    model = model_of(sees, Shape.of(encoder, 4))
    table = PackedEmbedding(encoder.rows, TableConfig(width=4, init_std=1.0))
    export(folder, model, table, encoder.fingerprint)
    ads = AdFeatures(encoder)
    ads.update(np.arange(len(ADS)), {"ad": ADS})
    return model, table, Scorer(folder, ads)


class Served(NamedTuple):
    """A model with its table, the folder it was exported into, and what serves from there."""

    model: AdaSparse
    table: PackedEmbedding
    folder: Path
    scorer: Scorer


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Served:
    """Masks by scenario; tests only read it."""
    folder = tmp_path_factory.mktemp("served")
    model, table, scorer = exported(folder, encoder)
    return Served(model, table, folder, scorer)


@pytest.mark.parametrize("sees", ["domain", "both", "hidden"])
def test_the_network_is_the_papers(sees: Sees) -> None:
    """Unsplit: h = relu(W h̃ + b), h̃ = h π, on [u; a], layer by layer; n ads for one request."""
    model, user, ads = model_of(sees), example_user(SHAPE), example_ads(SHAPE, 5)
    u = torch.cat((flat(user), history_mean(user)), dim=1).expand(5, -1)
    e = user.embedded[:, 1].expand(5, -1)
    first = torch.cat((model.first.request_weight, model.first.ad_weight), dim=1)
    layers = [layer for layer in model.layers if isinstance(layer, torch.nn.Linear)]
    maps = [(first, model.first.bias), *((layer.weight, layer.bias) for layer in layers)]
    h = torch.cat((u, flat(ads)), dim=1)
    for (weight, bias), pruner in zip(maps, model._each, strict=True):
        h = torch.relu(h @ weight.T + bias)
        v = torch.zeros_like(h)
        if sees != "hidden":
            v = v + e @ pruner.of_domain.T
        if sees != "domain":
            v = v + h @ pruner.of_hidden.T
        h = h * weights_of(v, torch.tensor(3.0), model.config.pruner)
    assert_close(model.score(model.user_state(user), ads), model.last(h).squeeze(1), rtol=1e-4, atol=1e-5)


@given(st.integers(0, 2**16))
@settings(deadline=None, max_examples=40)
def test_a_folding_is_the_masked_model(seed: int) -> None:
    """For requests of its scenario the cut network says what the masked one says, and no more neurons than are kept."""
    model, user, ads = model_of(seed=seed), example_user(SHAPE, seed), example_ads(SHAPE, 6, seed)
    scenario = user.embedded[0, 1]
    folded = model.folded(scenario)
    assert isinstance(folded, Folded)
    assert_close(folded(user, ads), model.score(model.user_state(user), ads), rtol=1e-4, atol=1e-5)
    kept = [max(1, int((mask > 0).sum())) for mask in model.masks(scenario[None])]
    assert [layer.in_features for layer in folded.layers if isinstance(layer, torch.nn.Linear)] == kept
    assert len(folded.kept) == kept[0]


def test_a_layer_that_is_pruned_whole_still_folds() -> None:
    """Nothing passes: the answer is the bias of what follows, not an empty product."""
    model, user, ads = model_of(), example_user(SHAPE), example_ads(SHAPE, 4)
    scenario = torch.ones(4)
    user.embedded[0, 1] = scenario
    with torch.no_grad():
        for parameter in model.pruners.parameters():
            parameter.fill_(-5.0)
    folded = model.folded(scenario)
    assert folded is not None
    whole = model.score(model.user_state(user), ads)
    assert_close(folded(user, ads), whole)
    assert_close(whole, model.last.bias.expand(4))


@pytest.mark.parametrize("sees", ["both", "hidden"])
def test_masks_that_depend_on_the_sample_cannot_be_folded(sees: Sees) -> None:
    """There is no graph to cut."""
    assert model_of(sees).folded(torch.ones(4)) is None


def test_served_foldings_agree_with_torch_and_strangers_meet_the_whole_graph(served: Served, encoder: Encoder) -> None:
    """Known, unseen and missing scenarios: within 1e-5 of PyTorch; only the known have a graph of their own."""
    model, table, _, scorer = served
    assert scorer.manifest.folded == (2, 3, 4)
    assert scorer.manifest.method == "adcascade.ranking.adasparse:AdaSparse"
    for scenario in (*SCENARIOS, "a scenario of tomorrow", None):
        request = {"user": "u1", "scenario": scenario}
        batch = encoder.encode_one(request)
        assert (int(batch.scenario[0]) in scorer.manifest.folded) == (scenario in SCENARIOS)
        columns = {**{name: [value] * len(ADS) for name, value in request.items()}, "ad": ADS}
        expected = predict(model, table, encoder.encode(columns, len(ADS)))
        found = scorer.score(scorer.user(batch), np.arange(len(ADS), dtype=np.int32))
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_folded_graph_holds_fewer_weights_and_is_the_one_that_runs(served: Served, encoder: Encoder) -> None:
    """Counted in the files; under another scenario's number the same state gets another answer."""
    scorer = served.scorer
    counted = {name: weights_in(served.folder / f"{name}.onnx") for name in ("score", "score_2", "score_3")}
    assert max(counted["score_2"], counted["score_3"]) < counted["score"]
    some = np.arange(len(ADS), dtype=np.int32)
    state = scorer.user(encoder.encode_one({"user": "u1", "scenario": "home"}))
    as_other = scorer.score(state._replace(scenario=3), some)
    assert np.abs(as_other - scorer.score(state, some)).max() > 1e-3


def weights_in(path: Path) -> int:
    """Numbers in the matrices of an ONNX file: the multiply-adds per ad."""
    graph = onnx.load(str(path)).graph
    return int(sum(np.prod(one.dims) for one in graph.initializer if len(one.dims) == 2 and one.data_type == FLOAT))


def test_a_model_of_sample_masks_is_served_by_one_graph(tmp_path: Path, encoder: Encoder) -> None:
    """No folded files are written, and none are looked for."""
    _, _, scorer = exported(tmp_path, encoder, "both")
    assert scorer.manifest.folded == ()
    assert sorted(path.name for path in tmp_path.glob("*.onnx")) == ["score.onnx", "user.onnx"]


def test_a_missing_folded_graph_is_refused(served: Served, tmp_path: Path, encoder: Encoder) -> None:
    """The manifest promised it."""
    shutil.copytree(served.folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "score_3.onnx").unlink()
    ads = AdFeatures(encoder)
    with pytest.raises(BundleError, match="score_3"):
        Scorer(tmp_path, ads)


def test_only_the_most_frequent_scenarios_are_folded() -> None:
    """A thousand scenarios do not make a thousand graphs."""
    shape = replace(SHAPE, scenarios=range(3, 1003))
    table = PackedEmbedding(1100, TableConfig(width=4))
    assert list(foldings(model_of(shape=shape), table)) == list(range(2, 2 + MOST_FOLDED))


def test_schedules_move_with_training_and_not_with_looking(encoder: Encoder) -> None:
    """α is at its end after the last step, stays there through predictions, and travels in the state dict."""
    model = AdaSparse(Shape.of(encoder, 4), SMALL)
    table = PackedEmbedding(encoder.rows, TableConfig(width=4, rate=0.1))
    samples = labelled(encoder, rows(600))
    assert float(model.alpha) == 1.0
    fit(model, table, [samples], Training(epochs=2, batch_size=20, rate=0.01, rows=600))
    end = float(model.alpha)
    assert 4.9 < end < 5.0
    predict(model, table, samples.batch)
    assert float(model.alpha) == end
    other = AdaSparse(Shape.of(encoder, 4), SMALL)
    other.load_state_dict(model.state_dict())
    assert float(other.alpha) == end


def test_the_regulariser_pulls_the_pruned_share_towards_its_interval(encoder: Encoder) -> None:
    """Whether more is asked for or less than the network would prune by itself, it ends nearer than that network."""
    samples = labelled(encoder, rows(3000))
    for interval in ((0.05, 0.1), (0.3, 0.4)):
        away = []
        for strength in (10.0, 0.0):
            torch.manual_seed(0)
            config = AdaSparseConfig(hidden=(24, 16), interval=interval, strength=(strength, strength))
            model = AdaSparse(Shape.of(encoder, 4), config)
            table = PackedEmbedding(encoder.rows, TableConfig(width=4, rate=0.1, init_std=0.05))
            fit(model, table, [samples], Training(epochs=6, batch_size=100, rate=0.01, rows=3000))
            e = torch.from_numpy(table.weight[list(model.shape.scenarios)])
            with torch.no_grad():
                shares = torch.cat([pruned_share(mask) for mask in model.masks(e)])
            away.append(float((shares - sum(interval) / 2).abs().mean()))
        assert away[0] < 0.75 * away[1]


def test_the_loss_is_the_log_loss_where_the_regulariser_is_left_out() -> None:
    """And is larger with it where the shares are outside."""
    user, ads = example_user(SHAPE), example_ads(SHAPE, 6)
    user = Inputs(*(tensor.expand(6, *tensor.shape[1:]) for tensor in user))
    label, weight = torch.tensor([0.0, 1, 0, 1, 1, 0]), torch.ones(6)
    losses = []
    for strength in ((0.0, 0.0), (1.0, 1.0)):
        model = model_of()
        model.config = replace(model.config, strength=strength, interval=(0.98, 1.0))
        losses.append(model.loss(user, ads, label, weight))
        plain = log_loss(model(user, ads)[:, None], label, weight)
    assert_close(losses[0], plain)
    assert losses[1] > plain


def test_without_a_scenario_there_is_nothing_to_prune_by() -> None:
    """The message says what to declare and what to take instead."""
    with pytest.raises(ConfigurationError, match=r"side 'scenario'.*dcn_v2"):
        AdaSparse(replace(SHAPE, scenario=None))


def test_the_encoder_says_where_the_scenario_stands(encoder: Encoder) -> None:
    """Field and rows: number minus two is the place among the known scenarios' rows, the frequent first."""
    shape = Shape.of(encoder, 4)
    for number, (name, row) in enumerate(zip(("home", "search", "basket"), shape.scenarios, strict=True), 2):
        batch = encoder.encode_one({"scenario": name})
        assert batch.ids[0, shape.scenario or 0] == row
        assert batch.scenario[0] == number
    nothing = Encoder.fit([Feature(name="ad", side="ad", kind="categorical")], [rows(5)])
    assert (nothing.scenario_field, nothing.scenario_rows) == (None, range(0))
