"""write_graph: a torch module -> one ONNX file, without the exporter's chatter.

A trace of the module's forward is enough for most, and takes a hundredth of the time of torch.export's capture. Where
Python decided something by a traced size or value (`len(x)`, `if x.shape[0] == 1`), the trace would hold the example's
answer for ever: torch warns of each, and such a module is captured instead, as is one with operators that only the
capture knows.

torch calls the exporter of traces deprecated; the torch that pyproject.toml fixes has it.
"""

import contextlib
import logging
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.jit._trace import TracerWarning
from torch.onnx.errors import UnsupportedOperatorError

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
    write = partial(
        torch.onnx.export,
        module.eval(),
        tuple(given.values()),
        str(path),
        input_names=list(given),
        output_names=list(outputs),
        opset_version=OPSET,
        verbose=False,
    )
    free = [name for name in given if name in dynamic]
    if not traced(partial(write, dynamo=False, dynamic_axes={name: {0: f"{name}_0"} for name in free})):
        shapes = (tuple({0: Dim.DYNAMIC} if name in free else None for name in given),)
        with quiet():
            write(dynamo=True, external_data=False, dynamic_shapes=shapes)


def traced(write: Callable[[], object]) -> bool:
    """Write by a trace; whether it could be, and says for all sizes and values what the module says."""
    doubts = (TracerWarning, UserWarning)  # a value was frozen; an operator is not quite what it was
    with quiet(), warnings.catch_warnings(record=True) as told:
        for doubt in doubts:
            warnings.simplefilter("always", doubt)
        try:
            write()
        except UnsupportedOperatorError:
            return False
    return not any(issubclass(one.category, doubts) for one in told)


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
