"""Laws of every ranking model: the user side once, padding without effect, torch equal to ONNX."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch.testing import assert_close

import adcascade.ranking
from adcascade.errors import ConfigurationError
from adcascade.learning.export import example_ads, example_user, export
from adcascade.learning.model import ScoringModel, Shape
from adcascade.nn.inputs import Inputs, flat, history_mean
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking import METHODS
from adcascade.ranking.committee import Committee
from adcascade.ranking.dcn_v2 import DCNv2
from adcascade.ranking.din import DIN
from adcascade.ranking.lr import LogisticRegression

SHAPE = Shape(
    width=5,
    request_fields=3,
    request_numbers=2,
    ad_fields=2,
    ad_numbers=1,
    sequences=2,
    length=5,
    targets=(1, 0),
    scenario=1,
)


def model_of(method: str, shape: Shape = SHAPE) -> ScoringModel:
    """The method with random weights, in evaluation mode."""
    torch.manual_seed(0)
    module, _, name = METHODS[method].partition(":")
    model: ScoringModel = getattr(import_module(module), name)(shape)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return model.eval()


@pytest.mark.parametrize("method", METHODS)
def test_the_user_side_once_equals_the_user_side_repeated(method: str) -> None:
    """A state of leading dimension 1 gives the scores of the same request repeated for each ad."""
    model, user, ads = model_of(method), example_user(SHAPE), example_ads(SHAPE, 6)
    repeated = Inputs(*(tensor.expand(6, *tensor.shape[1:]) for tensor in user))
    assert_close(model.score(model.user_state(user), ads), model(repeated, ads), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_each_ad_is_scored_alone(method: str) -> None:
    """An ad's score does not depend on the ads beside it."""
    model, user, ads = model_of(method), example_user(SHAPE), example_ads(SHAPE, 6)
    state = model.user_state(user)
    alone = torch.cat([model.score(state, Inputs(*(tensor[i : i + 1] for tensor in ads))) for i in range(6)])
    assert_close(model.score(state, ads), alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_what_lies_in_padding_does_not_matter(method: str) -> None:
    """Steps outside the mask have no influence, whatever they hold."""
    model, user, ads = model_of(method), example_user(SHAPE), example_ads(SHAPE, 3)
    noisy = user._replace(history=torch.where(user.mask[:, :, None, None], user.history, torch.tensor(99.0)))
    assert_close(
        model(Inputs(*(t.expand(3, *t.shape[1:]) for t in noisy)), ads), model.score(model.user_state(user), ads)
    )


@pytest.mark.parametrize("method", METHODS)
def test_the_exported_graphs_agree_with_torch(method: str, tmp_path: Path) -> None:
    """Both graphs, run by ONNX Runtime, are within 1e-5 of PyTorch for any number of ads."""
    model = model_of(method)
    export(tmp_path, model, PackedEmbedding(5, TableConfig(width=SHAPE.width)), "fingerprint")
    user_graph, score_graph = (ort.InferenceSession(str(tmp_path / f"{name}.onnx")) for name in ("user", "score"))
    for seed, n in ((1, 1), (2, 2), (3, 70)):
        user, ads = example_user(SHAPE, seed), example_ads(SHAPE, n, seed)
        with torch.no_grad():
            state = model.for_serving().user_state(user)
            logit = model.score(model.user_state(user), ads).numpy()
        given = {name: tensor.numpy() for name, tensor in user._asdict().items()}
        found = user_graph.run(None, {one.name: given[one.name] for one in user_graph.get_inputs()})
        for ours, theirs in zip(state, found, strict=True):
            np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-5)
        given = {f"state_{place}": part for place, part in enumerate(found)}
        given |= {"embedded": ads.embedded.numpy(), "dense": ads.dense.numpy()}
        [answer] = score_graph.run(None, {one.name: given[one.name] for one in score_graph.get_inputs()})
        np.testing.assert_allclose(answer, logit, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_exported_says_what_the_model_says(method: str) -> None:
    """The serving form of a model gives the same logits, whatever the history's length."""
    model, ads = model_of(method), example_ads(SHAPE, 7)
    served = model.for_serving().eval()
    for steps in range(SHAPE.length + 1):
        user = example_user(SHAPE)._replace(mask=torch.arange(SHAPE.length)[None] < steps)
        expected = model.score(model.user_state(user), ads)
        assert_close(served.score(served.user_state(user), ads), expected, rtol=1e-5, atol=1e-6)


def test_dcn_v2_is_the_papers_formula() -> None:
    """Unsplit: x_{l+1} = x_0 ⊙ (W x_l + b) + x_l beside an MLP on x_0 = [u; a], joined by one linear map."""
    model = model_of("dcn_v2")
    assert isinstance(model, DCNv2)
    user, ads = example_user(SHAPE), example_ads(SHAPE, 4)
    u = torch.cat((flat(user), history_mean(user)), dim=1).expand(4, -1)
    x_0 = torch.cat((u, flat(ads)), dim=1)
    first = torch.cat((model.first_cross.request_weight, model.first_cross.ad_weight), dim=1)
    x = x_0 * (x_0 @ first.T + model.first_cross.bias) + x_0
    for cross in model.crosses:
        assert isinstance(cross, torch.nn.Linear)
        x = x_0 * (x @ cross.weight.T + cross.bias) + x
    hidden = torch.cat((model.first_hidden.request_weight, model.first_hidden.ad_weight), dim=1)
    deep = model.hidden(torch.relu(x_0 @ hidden.T + model.first_hidden.bias))
    expected = model.last(torch.cat((x, deep), dim=1)).squeeze(1)
    assert_close(model.score(model.user_state(user), ads), expected, rtol=1e-4, atol=1e-4)


def test_din_attends_as_the_unsplit_formula() -> None:
    """With Wq = 0 the split maps are one map of [q, k, q - k, q ⊙ k]: Wk = Ws + Wd, Wd = Wa."""
    model = model_of("din")
    assert isinstance(model, DIN)
    unit = model.attention
    user, ads = example_user(SHAPE), example_ads(SHAPE, 1)
    q = torch.cat((ads.embedded[:, 1], ads.embedded[:, 0]), dim=1)  # the targets, in the order of the sequences
    keys = user.history.flatten(2)[0]  # [L, C]
    w_d, w_k, w_p = unit.ask.weight, unit.step.weight + unit.ask.weight, unit.meet.weight
    whole = torch.cat((torch.zeros_like(w_d), w_k, w_d, w_p), dim=1)  # of [q, k, q - k, q * k]
    seen = torch.cat((q.expand(len(keys), -1), keys, q - keys, q * keys), dim=1)
    weight = unit.weigh(unit.activation(seen @ whole.T + unit.ask.bias)).squeeze(1) * user.mask[0]
    interest = (weight[:, None] * keys).sum(dim=0)
    first = model.first(flat(user), torch.cat((flat(ads), interest[None]), dim=1))
    expected = model.rest(torch.relu(first)).squeeze(1)
    assert_close(model.score(model.user_state(user), ads), expected, rtol=1e-4, atol=1e-4)


def test_logistic_regression_is_a_sum() -> None:
    """Bias, weights of the values, numbers times coefficients, mean of the history's weights."""
    model = model_of("lr")
    assert isinstance(model, LogisticRegression)
    user, ads = example_user(SHAPE), example_ads(SHAPE, 2)
    expected = (
        model.bias
        + user.embedded.sum()
        + ads.embedded.sum(dim=(1, 2))
        + (user.dense * model.request_numbers).sum()
        + (ads.dense * model.ad_numbers).sum(dim=1)
        + history_mean(user).sum()
    )
    assert_close(model.score(model.user_state(user), ads), expected)


def test_a_committee_votes_by_the_mean_and_learns_apart() -> None:
    """Its logit is the mean of its members' on their own columns; a member's loss moves no other member's columns."""
    model = model_of("committee")
    assert isinstance(model, Committee)
    user, ads = example_user(SHAPE), example_ads(SHAPE, 4)
    user = Inputs(*(tensor.expand(4, *tensor.shape[1:]) for tensor in user))
    cuts, votes = [0, 1, 3, 5], []
    for member, start, stop in zip(model.members, cuts[:-1], cuts[1:], strict=True):
        parts = [
            s._replace(embedded=s.embedded[:, :, start:stop], history=s.history[..., start:stop]) for s in (user, ads)
        ]
        votes.append(member(*parts))
    assert_close(model(user, ads), torch.stack(votes).mean(dim=0))
    leaf = ads.embedded.clone().requires_grad_()
    model.learn(user, ads._replace(embedded=leaf))[:, 1].sum().backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    assert (leaf.grad[:, :, 1:3] != 0).any()
    assert (leaf.grad[:, :, [0, 3, 4]] == 0).all()


def test_a_committee_needs_a_column_for_each_member() -> None:
    """Three members cannot share two columns; the message says how many to give."""
    with pytest.raises(ConfigurationError, match="33"):
        Committee(replace(SHAPE, width=2))


@pytest.mark.parametrize("method", ["dcn_v2", "lr"])
def test_a_log_without_an_ads_side_can_be_learned_and_exported(method: str, tmp_path: Path) -> None:
    """Public logs often do not say which columns are the ad's: every ad then has the request's score."""
    shape = Shape(width=4, request_fields=3, request_numbers=2, ad_fields=0, ad_numbers=0)
    model = model_of(method, shape)
    export(tmp_path, model, PackedEmbedding(5, TableConfig(width=4)), "fingerprint")
    user, ads = example_user(shape), example_ads(shape, 50)
    with torch.no_grad():
        state = model.user_state(user)
        expected = model.score(state, ads).numpy()
    given = {f"state_{place}": part.numpy() for place, part in enumerate(state)}
    given |= {"embedded": ads.embedded.numpy(), "dense": ads.dense.numpy()}
    graph = ort.InferenceSession(str(tmp_path / "score.onnx"))
    [answer] = graph.run(None, {one.name: given[one.name] for one in graph.get_inputs()})
    np.testing.assert_allclose(answer, expected, atol=1e-5)
    assert len(set(answer.tolist())) == 1


def test_din_without_a_history_is_refused() -> None:
    """There is nothing to attend to; the message says what to do."""
    with pytest.raises(ConfigurationError, match="dcn_v2"):
        DIN(Shape(width=4, request_fields=1, request_numbers=0, ad_fields=1, ad_numbers=0))


def test_every_public_name_can_be_imported_and_others_are_refused() -> None:
    """The lazy front keeps its promises."""
    for name in adcascade.ranking.PUBLIC:
        assert getattr(adcascade.ranking, name).__name__ == name
    with pytest.raises(AttributeError, match="no 'Nonsense'"):
        _ = adcascade.ranking.Nonsense
