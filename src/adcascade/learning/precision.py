"""How the dense part of a model is computed: its precision, and whether by compiled code.

    float32   as it is
    medium    float32 whose matrix products torch may compute as is quickest here ("medium" of its matmul precision): a
              processor with bf16 tiles rounds their inputs to bf16, another takes oneDNN's kernels instead of MKL's
    bf16      autocast: products in bf16; weights, gradients and losses stay float32

Nothing of it outlives a step: torch's settings are put back.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Literal

import torch
from torch import nn

from adcascade.errors import ConfigurationError

Precision = Literal["float32", "medium", "bf16"]


@contextlib.contextmanager
def computing(precision: Precision, device: str = "cpu") -> Iterator[None]:
    """What runs inside is computed in this precision."""
    if precision == "float32":
        yield
    elif precision == "bf16":
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            yield
    else:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(precision)
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)


def compile_forward(model: nn.Module) -> None:
    """Calls of the model run compiled code from now on. ConfigurationError where no C++ compiler is to be found."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise ConfigurationError(
            f"train.compiled is on, and there is no C++ compiler {compiler!r}: install g++, name another in CXX, or "
            "set train.compiled to false"
        )
    model.compile(dynamic=False)


@contextlib.contextmanager
def eager(wanted: bool) -> Iterator[None]:  # noqa: FBT001  reads as a sentence
    """What runs inside is not compiled if so wanted: a batch of another size would be compiled again."""
    with torch.compiler.set_stance("force_eager") if wanted else contextlib.nullcontext():
        yield
