"""Laws of learning beside a teacher: separate heads, scaled gradients, masked rows, an adapter that is detached."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from adcascade.features import AdFeatures, Encoder
from adcascade.learning.auxiliary_head import (
    AuxiliaryConfig,
    AuxiliaryHeads,
    Heads,
    ScaleGradient,
    auxiliary_loss,
    masked_loss,
    scaled_label,
)
from adcascade.learning.export import export
from adcascade.learning.external_distillation import EXTRA, ExternalDistillation, fit_with_teacher
from adcascade.learning.labelled import Labelled, labelled
from adcascade.learning.loop import Sides, Training, click_loss, fit, gather, predict
from adcascade.learning.model import DeepModel, Shape
from adcascade.learning.scorer import Scorer
from adcascade.learning.student_adapter import AdapterConfig, AdapterLearner, StudentAdapter, Told
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.dcn_v2 import DCNv2, DCNv2Config
from adcascade.ranking.din import DIN, DINConfig

Sample = Callable[..., pa.Table]
MODELS: list[Callable[[Shape], DeepModel]] = [
    lambda shape: DCNv2(shape, DCNv2Config(cross_layers=2, hidden=(8, 4))),
    lambda shape: DIN(shape, DINConfig(attention=4, hidden=(8, 4))),
]
numbers = st.floats(-4, 4, width=32)
shares = st.floats(0.015625, 0.984375, width=32)


def taught(encoder: Encoder, table: pa.Table, teacher: float | None = 0.3) -> Labelled:
    """Samples of which a teacher says the same everywhere; None: nothing."""
    said = pa.array([teacher] * len(table), pa.float32())
    return labelled(encoder, table.append_column("teacher", said).append_column("teacher_age_days", said), extra=EXTRA)


def setting(
    encoder: Encoder,
    samples: Labelled,
    make: Callable[[Shape], DeepModel] = MODELS[0],
    config: AuxiliaryConfig | None = None,
) -> tuple[AuxiliaryHeads, Sides]:
    """Heads on a model with random embeddings, and the samples as it reads them."""
    torch.manual_seed(0)
    student = make(Shape.of(encoder, 4))
    table = PackedEmbedding(encoder.rows, TableConfig(width=4, init_std=1.0))
    heads = AuxiliaryHeads(student, config)
    return heads, gather(table, samples.batch, student.shape)


def gradients(heads: AuxiliaryHeads, loss: Tensor) -> dict[str, Tensor]:
    """The gradient of the loss by parameter; zero where it does not reach."""
    found = torch.autograd.grad(loss, list(heads.parameters()), allow_unused=True, retain_graph=True)
    return {
        name: torch.zeros_like(parameter) if gradient is None else gradient
        for (name, parameter), gradient in zip(heads.named_parameters(), found, strict=True)
    }


@given(st.lists(numbers, min_size=1, max_size=8), st.floats(0, 20, width=32))
def test_a_scaled_gradient_changes_nothing_forward(values: list[float], beta: float) -> None:
    """Forward the identity, backward beta times."""
    z = torch.tensor(values, requires_grad=True)
    out: Tensor = ScaleGradient.apply(z, beta)  # type: ignore[no-untyped-call]
    assert torch.equal(out, z)
    out.sum().backward()  # type: ignore[no-untyped-call]
    assert_close(z.grad, torch.full_like(z, beta))


@given(st.lists(shares, min_size=1, max_size=8), st.floats(0.125, 9, width=32))
def test_labels_are_scaled_and_stay_probabilities(values: list[float], alpha: float) -> None:
    """min(alpha p, 1); an unknown label stays unknown."""
    found = scaled_label(torch.tensor([*values, torch.nan]), alpha)
    assert_close(found[:-1], torch.tensor([min(alpha * value, 1.0) for value in values]))
    assert found[-1].isnan()


@given(st.lists(st.tuples(numbers, st.none() | shares, st.floats(0.125, 3, width=32)), min_size=1, max_size=9))
def test_the_masked_loss_is_a_loop_over_known_rows(rows: list[tuple[float, float | None, float]]) -> None:
    """Sum of -y log p - (1 - y) log(1 - p) where y is known, over the weight of all."""
    total = 0.0
    for logit, target, weight in rows:
        p = 1 / (1 + np.exp(-logit))
        total -= 0.0 if target is None else weight * (target * np.log(p) + (1 - target) * np.log1p(-p))
    logits, weights = (torch.tensor([row[place] for row in rows]) for place in (0, 2))
    targets = torch.tensor([torch.nan if target is None else target for _, target, _ in rows])
    found = masked_loss(logits, targets, weights)
    assert float(found) == pytest.approx(total / sum(weight for *_, weight in rows), rel=1e-4, abs=1e-6)


def test_a_rows_gradient_does_not_depend_on_how_many_others_are_missing() -> None:
    """A teacher that was not asked about its neighbours says no more and no less of a row."""
    label, weight = torch.zeros(4), torch.ones(4)
    found = []
    for unknown in ([], [1], [1, 2, 3]):
        teacher = torch.full((4,), 0.4)
        teacher[unknown] = torch.nan
        distilled = torch.zeros(4, requires_grad=True)
        heads = Heads(torch.zeros(4), distilled, torch.zeros(4))
        auxiliary_loss(heads, label, teacher, weight, AuxiliaryConfig()).backward()  # type: ignore[no-untyped-call]
        assert distilled.grad is not None
        assert (distilled.grad[unknown] == 0).all()
        found.append(float(distilled.grad[0]))
    assert found == [found[0]] * 3


@pytest.mark.parametrize("make", MODELS)
def test_a_head_learns_from_its_own_label_alone(
    make: Callable[[Shape], DeepModel], encoder: Encoder, sample: Sample
) -> None:
    """The teacher's label moves neither the serving map nor its bias; the click moves no auxiliary head."""
    samples = taught(encoder, sample(64, 1))
    heads, sides = setting(encoder, samples, make)
    all_heads = heads.heads(sides.user, sides.ads)
    label, weight = torch.from_numpy(samples.label), torch.from_numpy(samples.weight)
    of_teacher = gradients(heads, masked_loss(all_heads.distilled, torch.full((64,), 0.9), weight))
    of_click = gradients(heads, masked_loss(all_heads.serving, label, weight))
    served_maps = {id(parameter) for parameter in heads.student.head.parameters()}
    own = {name for name, parameter in heads.named_parameters() if id(parameter) in served_maps}
    for name, gradient in of_teacher.items():
        served = name in own
        assert bool((gradient != 0).any()) == (not served and not name.startswith("adapted")), name
    for name, gradient in of_click.items():
        assert bool((gradient != 0).any()) == name.startswith("student"), name


def test_beta_scales_the_teachers_pull_on_the_backbone_and_w_everything(encoder: Encoder, sample: Sample) -> None:
    """L_d's gradient: in the backbone beta w times, in the head w times; L_s's stays."""
    samples = taught(encoder, sample(32, 1))
    label, weight = torch.from_numpy(samples.label), torch.from_numpy(samples.weight)
    found = {}
    for beta, w in ((1.0, 1.0), (7.0, 1.0), (1.0, 3.0), (7.0, 0.0)):
        heads, sides = setting(encoder, samples, config=AuxiliaryConfig(alpha=3.0, beta=beta, weight=w))
        loss = auxiliary_loss(heads.heads(sides.user, sides.ads), label, torch.full((32,), 0.2), weight, heads.config)
        found[beta, w] = gradients(heads, loss)
    clicks = found[7.0, 0.0]
    for name, plain in found[1.0, 1.0].items():
        pull = plain - clicks[name]
        in_backbone = name.startswith("student")
        assert_close(found[7.0, 1.0][name] - clicks[name], (7 if in_backbone else 1) * pull, atol=1e-5, rtol=1e-3)
        assert_close(found[1.0, 3.0][name] - clicks[name], 3 * pull, atol=1e-5, rtol=1e-3)


def test_without_a_teacher_the_student_learns_as_if_there_were_no_heads(encoder: Encoder, sample: Sample) -> None:
    """All predictions missing: the same steps as plain training from the same start."""
    samples = taught(encoder, sample(400, 1), teacher=None)
    models = []
    for supervised in (False, True):
        torch.manual_seed(3)
        model = MODELS[0](Shape.of(encoder, 4))
        table = PackedEmbedding(encoder.rows, TableConfig(width=4, rate=0.1), seed=3)
        training = Training(epochs=1, batch_size=64, rate=0.01, seed=3)
        if supervised:
            adapter = AdapterLearner(StudentAdapter(encoder.scenarios))
            fit_with_teacher(model, table, [samples], training, AuxiliaryConfig(), adapter=adapter)
        else:
            fit(model, table, [samples], training, objective=click_loss)
        models.append(predict(model, table, samples.batch))
    np.testing.assert_allclose(models[0], models[1], atol=1e-6)


def test_the_exported_graph_is_the_plain_models(tmp_path: Path, encoder: Encoder, sample: Sample) -> None:
    """One output, the same nodes and sizes as without a teacher, and within 1e-5 of what the student says."""
    samples = taught(encoder, sample(400, 1))
    torch.manual_seed(0)
    student, plain = (MODELS[0](Shape.of(encoder, 4)) for _ in range(2))
    table = PackedEmbedding(encoder.rows, TableConfig(width=4, init_std=0.5))
    fit_with_teacher(student, table, [samples], Training(batch_size=64, rate=0.01), AuxiliaryConfig())
    for name, model in (("student", student), ("plain", plain)):
        (tmp_path / name).mkdir()
        export(tmp_path / name, model, table, encoder.fingerprint)
    graphs = [onnx.load(tmp_path / name / "score.onnx").graph for name in ("student", "plain")]
    assert [one.name for one in graphs[0].output] == ["logit"]
    assert [node.op_type for node in graphs[0].node] == [node.op_type for node in graphs[1].node]
    sizes = [{one.name: tuple(one.dims) for one in graph.initializer} for graph in graphs]
    assert sizes[0] == sizes[1]
    ads = AdFeatures(encoder)
    columns = {"ad": [f"a{i}" for i in range(20)], "price": np.linspace(-2, 2, 20)}
    ads.update(np.arange(20), columns)
    scorer = Scorer(tmp_path / "student", ads)
    request = {"user": "u1", "age": 33, "history_ad": ["a1", "a2"]}
    batch = encoder.encode({**{name: [value] * 20 for name, value in request.items()}, **columns}, 20)
    found = scorer.score(scorer.user(encoder.encode_one(request)), np.arange(20, dtype=np.int32))
    np.testing.assert_allclose(found, predict(student, table, batch), atol=1e-5)


def test_a_biased_teacher_bends_its_own_head_and_not_the_serving_one(encoder: Encoder, sample: Sample) -> None:
    """Everything is taught as 0.9: the distillation head says so, the serving head keeps the rate of the clicks."""
    samples = taught(encoder, sample(4000, 1, 0.5), teacher=0.9)
    torch.manual_seed(0)
    student = MODELS[0](Shape.of(encoder, 4))
    table = PackedEmbedding(encoder.rows, TableConfig(width=4, rate=0.05))
    heads = AuxiliaryHeads(student, AuxiliaryConfig(alpha=1.0, weight=2.0))
    fit(heads, table, [samples], Training(epochs=4, batch_size=128, rate=0.01), objective=ExternalDistillation(heads))
    sides = gather(table, samples.batch, student.shape)
    with torch.no_grad():
        said = heads.heads(sides.user, sides.ads)
    assert float(torch.sigmoid(said.distilled).mean()) == pytest.approx(0.9, abs=0.03)
    assert float(torch.sigmoid(said.serving).mean()) == pytest.approx(samples.label.mean(), rel=0.06)


def told(teacher: Tensor, domain: Tensor | None = None) -> Told:
    """What an adapter reads, of teachers of no age."""
    n = len(teacher)
    return Told(teacher, torch.zeros(n), torch.zeros(n, dtype=torch.int64) if domain is None else domain)


@settings(deadline=None)
@given(st.lists(st.none() | shares, min_size=1, max_size=8))
def test_a_new_adapter_is_the_teacher(values: list[float | None]) -> None:
    """Before the first step q = ŷ_F, and unknown where that is."""
    teacher = torch.tensor([torch.nan if value is None else value for value in values])
    assert_close(AdapterLearner(StudentAdapter()).label(told(teacher)), teacher, equal_nan=True, atol=1e-6, rtol=1e-5)


def test_an_adapter_corrects_what_differs_between_domains() -> None:
    """A teacher twice too high in one domain and half too low in another: after some batches q is right in both."""
    random = torch.Generator().manual_seed(0)
    config = AdapterConfig(rate=3e-2)
    learner = AdapterLearner(StudentAdapter(2, config), config)
    for _ in range(800):
        truth = torch.rand(256, generator=random) * 0.3 + 0.05
        domain = torch.randint(0, 2, (256,), generator=random)
        teacher = truth * torch.tensor([2.0, 0.5])[domain]
        label = (torch.rand(256, generator=random) < truth).float()
        learner.update(told(teacher, domain), label, torch.ones(256))
    for number, factor in ((0, 2.0), (1, 0.5)):
        truth = torch.linspace(0.08, 0.3, 20)
        q = learner.label(told(truth * factor, torch.full((20,), number)))
        assert float((q / truth).mean()) == pytest.approx(1, abs=0.15)


def test_the_students_loss_does_not_reach_the_adapter(encoder: Encoder, sample: Sample) -> None:
    """Only its own step moves it: L's gradient stops at q; and missing rows move nothing at all."""
    samples = taught(encoder, sample(64, 1))
    heads, sides = setting(encoder, samples)
    adapter = StudentAdapter(encoder.scenarios)
    loss = ExternalDistillation(heads, AdapterLearner(adapter))(heads, sides, samples)
    reached = torch.autograd.grad(loss, list(adapter.parameters()), allow_unused=True)
    assert [gradient for gradient in reached if gradient is not None] == []
    before = [parameter.clone() for parameter in adapter.parameters()]
    nothing = replace(samples, extra={name: np.full(64, np.nan, np.float32) for name in EXTRA})
    ExternalDistillation(heads, AdapterLearner(adapter))(heads, sides, nothing)
    for one, other in zip(before, adapter.parameters(), strict=True):
        assert torch.equal(one, other)


def test_what_cannot_be_is_refused(encoder: Encoder, sample: Sample) -> None:
    """Amplifiers that turn a loss round, and an objective of other heads."""
    for name, wrong in (("alpha", 0.0), ("weight", -1.0), ("beta", -0.1), ("adapted", -2.0)):
        with pytest.raises(ValueError, match="at least 0"):
            replace(AuxiliaryConfig(), **{name: wrong})  # type: ignore[arg-type]
    samples = taught(encoder, sample(8, 1))
    heads, sides = setting(encoder, samples)
    with pytest.raises(ValueError, match="other heads"):
        ExternalDistillation(heads)(heads.student, sides, samples)


def test_the_losses_are_those_of_torch() -> None:
    """With alpha = w = 1 and nothing missing L_s + L_d is the sum of two mean log losses."""
    random = torch.Generator().manual_seed(1)
    serving, distilled, label, teacher = torch.rand((4, 50), generator=random)
    found = auxiliary_loss(
        Heads(serving, distilled, serving), label, teacher, torch.ones(50), AuxiliaryConfig(alpha=1.0, weight=1.0)
    )
    expected = F.binary_cross_entropy_with_logits(serving, label)
    assert_close(found, expected + F.binary_cross_entropy_with_logits(distilled, teacher))
