"""Laws of precision and compilation: close to float32, and nothing left behind."""

import shutil
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from adcascade.errors import ConfigurationError
from adcascade.features import Encoder
from adcascade.learning.labelled import Labelled, labelled
from adcascade.learning.loop import Step, Training
from adcascade.learning.model import ScoringModel, Shape
from adcascade.learning.precision import Precision, computing
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.dcn_v2 import DCNv2, DCNv2Config
from adcascade.ranking.din import DIN, DINConfig
from adcascade.ranking.lr import LogisticRegression

WIDTH = 4


def model_of(name: str, encoder: Encoder) -> ScoringModel:
    """Small, from one seed."""
    torch.manual_seed(0)
    shape = Shape.of(encoder, WIDTH)
    if name == "dcn_v2":
        return DCNv2(shape, DCNv2Config(hidden=(16, 8)))
    return DIN(shape, DINConfig(attention=8, hidden=(16, 8))) if name == "din" else LogisticRegression(shape)


def losses(name: str, encoder: Encoder, samples: Labelled, training: Training) -> list[float]:
    """Of five steps on the same samples."""
    table = PackedEmbedding(encoder.rows, TableConfig(width=WIDTH, rate=0.1), seed=0)
    step = Step(model_of(name, encoder).train(), table, replace(training, batch_size=len(samples), rate=0.01))
    return [step(samples) for _ in range(5)]


@pytest.fixture(name="samples")
def samples_(encoder: Encoder, sample: Callable[..., pa.Table]) -> Labelled:
    """A batch."""
    return labelled(encoder, sample(300, 1))


@pytest.mark.parametrize("name", ["dcn_v2", "din", "lr"])
@pytest.mark.parametrize(("precision", "apart"), [("medium", 1e-3), ("bf16", 2e-2)])
def test_losses_stay_close_to_those_of_float32(
    name: str, precision: Precision, apart: float, encoder: Encoder, samples: Labelled
) -> None:
    """Five steps by another precision: each loss within a thousandth (medium), a fiftieth (bf16) of float32's."""
    wanted = losses(name, encoder, samples, Training())
    assert losses(name, encoder, samples, Training(precision=precision)) == pytest.approx(wanted, rel=apart)
    assert wanted[-1] < wanted[0]


@pytest.mark.parametrize("precision", ["float32", "medium", "bf16"])
def test_a_step_leaves_torchs_settings_as_they_were(precision: Precision) -> None:
    """Even where something inside fails."""
    before = torch.get_float32_matmul_precision(), torch.is_autocast_enabled("cpu")
    with pytest.raises(ZeroDivisionError), computing(precision):
        1 / 0  # noqa: B018
    assert (torch.get_float32_matmul_precision(), torch.is_autocast_enabled("cpu")) == before


def test_compiling_needs_a_compiler_and_says_so(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the setting and the remedy."""
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ConfigurationError, match=r"no-such-compiler.*train.compiled"):
        Step(model_of("lr", encoder), PackedEmbedding(encoder.rows, TableConfig()), Training(compiled=True))


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++")
@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_compiled_code_computes_the_same(encoder: Encoder, samples: Labelled) -> None:
    """Losses agree to rounding; a batch of another size is not compiled again."""
    training = Training(compiled=True)
    compiled = losses("lr", encoder, samples, training)
    np.testing.assert_allclose(compiled, losses("lr", encoder, samples, Training()), rtol=1e-4)
    table = PackedEmbedding(encoder.rows, TableConfig(width=WIDTH, rate=0.1), seed=0)
    step = Step(model_of("lr", encoder).train(), table, replace(training, batch_size=len(samples)))
    step(samples)
    counted = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert np.isfinite(step(samples.take(slice(0, 50))))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == counted > 0
