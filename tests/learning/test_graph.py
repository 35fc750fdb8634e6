"""Laws of write_graph: a graph says for every size what its module says, and is traced wherever a trace can say it."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from adcascade.learning import graph
from adcascade.learning.export import ScoreGraph, UserGraph, example_ads, example_user
from adcascade.learning.model import Shape
from adcascade.ranking import METHODS
from adcascade.ranking.recipes import RECIPES


class Tailored(nn.Module):
    """A module of one tensor [n, K]."""

    def __init__(self, of: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.of = of

    def forward(self, *tensors: Tensor) -> Tensor:
        """What it was made of."""
        return self.of(tensors[0])


SMOOTH: dict[str, Callable[[Tensor], Tensor]] = {
    "traced": lambda x: x.sum(dim=1) * x.shape[0],
    "by a length": lambda x: x.sum(dim=1) * len(x),
    "by a choice": lambda x: x.sum(dim=1) if x.shape[1] > 2 else x[:, 0],
    "by an operator": lambda x: torch.logaddexp(x[:, 0], x[:, 1]),
}


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each graph written from now on could be traced."""
    answers: list[bool] = []

    def heard(write: Callable[[], object], known: Callable[[Callable[[], object]], bool] = graph.traced) -> bool:
        answers.append(known(write))
        return answers[-1]

    monkeypatch.setattr(graph, "traced", heard)
    return answers


@pytest.mark.parametrize("name", SMOOTH)
def test_a_graph_holds_for_sizes_that_it_was_not_shown(tmp_path: Path, found: list[bool], name: str) -> None:
    """Whatever Python did with the example's size: what a trace would have frozen is captured instead."""
    module = Tailored(SMOOTH[name])
    graph.write_graph(tmp_path / "one.onnx", module, {"x": torch.ones(3, 4)}, ["y"], dynamic=("x",))
    assert found == [name == "traced"]
    session = onnxruntime.InferenceSession(tmp_path / "one.onnx")
    for n in (1, 3, 11):
        x = torch.arange(4.0 * n).reshape(n, 4) / 10
        np.testing.assert_allclose(session.run(["y"], {"x": x.numpy()})[0], module(x), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "ad_fields"),
    [
        ("dcn_v2", 3),
        ("dcn_v2", 0),
        ("din", 3),
        ("adasparse", 3),
        ("adasparse", 0),
        ("committee", 3),
        ("kfatt", 3),
        ("lr", 3),
        ("lr", 0),
    ],
)
def test_rankers_are_traced(tmp_path: Path, found: list[bool], name: str, ad_fields: int) -> None:
    """Neither half of a ranker waits for a capture, with an ad's side or without: exporting takes no seconds."""
    shape = Shape(
        width=RECIPES[name].table.width,
        request_fields=2,
        request_numbers=1,
        ad_fields=ad_fields,
        ad_numbers=0,
        sequences=1 if ad_fields else 0,
        length=5 if ad_fields else 0,
        targets=(0,) if ad_fields else (),
        scenario=0,
        scenarios=range(1, 3),
    )
    module, _, kind = METHODS[name].partition(":")
    make = getattr(import_module(module), kind)
    model = make(shape).eval().for_serving()
    user, ads = example_user(shape), example_ads(shape, 3)
    state = {f"state_{place}": one.detach() for place, one in enumerate(model.user_state(user))}
    graph.write_graph(tmp_path / "user.onnx", UserGraph(model), user._asdict(), list(state))
    inputs = {**state, "embedded": ads.embedded, "dense": ads.dense}
    graph.write_graph(tmp_path / "score.onnx", ScoreGraph(model), inputs, ["logit"], dynamic=("embedded", "dense"))
    assert found == [True, True]
