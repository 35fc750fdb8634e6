"""write_graph: a torch module -> one ONNX file, without the exporter's chatter."""

import contextlib
import logging
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim

OPSET = 18


def write_graph(
    path: Path,
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    *,
    dynamic: Collection[str] = (),
) -> None:
    """Export `module(*inputs.values())`, in evaluation mode, to `path`.

    inputs: an example tensor by input name, in order. dynamic: names of the inputs whose first
    dimension may have any size at run time (give the example two or more rows there). The module's
    forward must take `*tensors`.
    """
    given = {name: tensor.detach() for name, tensor in inputs.items()}
    shapes = (tuple({0: Dim.DYNAMIC} if name in dynamic else None for name in given),)
    _parse_once()
    with quiet():
        torch.onnx.export(
            module.eval(),
            tuple(given.values()),
            str(path),
            input_names=list(given),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            dynamic_shapes=shapes,
            verbose=False,
        )


def _parse_once() -> None:
    """Let each of the exporter's 500 translations keep what it reads in its own source.

    The exporter asks all of them for it at every export, and each would parse itself again: a third of an export.
    """
    from onnxscript import TracedOnnxFunction  # noqa: PLC0415  slow, and needed only where something is exported

    parsed = TracedOnnxFunction.__dict__["function_ir"]
    if not isinstance(parsed, cached_property):
        kept = cached_property(parsed.fget)
        kept.__set_name__(TracedOnnxFunction, "function_ir")
        setattr(TracedOnnxFunction, "function_ir", kept)  # noqa: B010  a property is no plain attribute


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back the exporter's log lines about absent torchvision and torch's own deprecation warnings."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning)
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)
