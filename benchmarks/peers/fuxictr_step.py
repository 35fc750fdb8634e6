"""FuxiCTR's train_step on ready tensors: {"model", "data", "vocabulary", "width", "steps", "warm"} -> seconds.

`data` is a .npz of ids [N, B, F], label [N, B] and, for DIN, history [N, B, L, 2] (0 is padding); ids are those of a
field, below `vocabulary`. "device" may be there too: CPU seconds without it, seconds by the wall clock on "cuda".
DCN-V2 is the parallel structure of FuxiCTR's model zoo; DIN is the zoo's own, whose attention is not normalised, as in
the paper. Adagrad for everything, gradient norm clipped, as shipped.
"""

import json
import logging
import sys
import tempfile
import time
import warnings
from collections import OrderedDict

try:
    import numpy as np
    import torch
    from fuxictr.features import FeatureMap
    from fuxictr_dcn_v2 import FORM, HIDDEN, LOSS, DCNv2
except ImportError as absent:
    print(absent, file=sys.stderr)
    sys.exit(3)

ATTENTION, OPTIMIZER, RATE = [64], "Adagrad", 0.01


def din(fields, width, folder, gpu):
    """The model zoo's DIN with an attention MLP of one hidden layer."""
    from model_zoo.LongCTR.DIN import DIN  # noqa: PLC0415  it takes long

    return DIN(
        fields, dnn_hidden_units=HIDDEN, attention_hidden_units=ATTENTION, attention_hidden_activations="ReLU",
        din_use_softmax=False, optimizer=OPTIMIZER, loss=LOSS, learning_rate=RATE, embedding_dim=width,
        model_root=folder, **FORM | {"gpu": gpu},
    )  # fmt: skip


def fields_of(count, vocabulary, width, items):
    """A feature map of `count` categorical fields, the first `items` of which are the item's."""
    fields = FeatureMap("benchmark", ".")
    fields.labels = ["y"]
    fields.features = OrderedDict(
        (
            f"f{place}",
            {
                "source": "item" if place < items else "",
                "type": "categorical",
                "vocab_size": vocabulary,
                "padding_idx": 0,
            },
        )
        for place in range(count)
    )
    fields.num_fields, fields.default_emb_dim = fields.get_num_fields(), width
    fields.input_length = count + 1
    return fields


def batches_of(given):
    """What train_step takes: a dictionary of columns, or for DIN (context, items of history and target, mask)."""
    ids, label = torch.from_numpy(given["ids"]), torch.from_numpy(given["label"])
    for number, (x, y) in enumerate(zip(ids, label, strict=True)):
        columns = {f"f{place}": x[:, place].contiguous() for place in range(x.shape[1])}
        if "history" not in given:
            yield {**columns, "y": y}
            continue
        steps = torch.from_numpy(given["history"][number])  # [B, L, 2]
        items = {}
        for place in range(steps.shape[2]):
            target = columns.pop(f"f{place}")
            items[f"f{place}"] = torch.cat([steps[..., place], target[:, None]], dim=1).flatten()
        yield {**columns, "y": y}, items, (steps[..., 0] > 0).float()


def on_device(model, device):
    """The model, which FuxiCTR has moved already; its optimiser made anew, for Adagrad's sums were left on the CPU."""
    if model.device.type != device.type:
        raise SystemExit(f"FuxiCTR took {model.device} where {device} was asked for")
    if device.type != "cpu":
        model.compile(OPTIMIZER, LOSS, RATE)
    return model


def main():
    """Read the order, train, print the seconds."""
    order = json.loads(sys.argv[1])
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with np.load(order["data"]) as held:
        given = dict(held)
    items = given["history"].shape[3] if order["model"] == "din" else 0
    device = torch.device(order.get("device", "cpu"))
    gpu, clock = (-1, time.process_time) if device.type == "cpu" else (device.index or 0, time.perf_counter)
    width, fields = order["width"], fields_of(given["ids"].shape[2], order["vocabulary"], order["width"], items)
    with tempfile.TemporaryDirectory() as folder:
        made = din(fields, width, folder, gpu) if items else DCNv2(fields, width, folder, OPTIMIZER, RATE, gpu)
        model = on_device(made, device)
    model._max_gradient_norm, model._batch_index = 10.0, 0  # noqa: SLF001  what its own fit would set
    model.train()
    batches, seconds = list(batches_of(given)), []
    for step in range(-order["warm"], order["steps"]):
        batch = batches[step % len(batches)]
        batch = (batch[0], dict(batch[1]), batch[2]) if isinstance(batch, tuple) else batch  # it takes items apart
        start = clock()
        loss = float(model.train_step(batch))  # waits for the device
        if step >= 0:
            seconds.append(clock() - start)
    print(json.dumps({"seconds": seconds, "loss": loss}))


if __name__ == "__main__":
    main()
