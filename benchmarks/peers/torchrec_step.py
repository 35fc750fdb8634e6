"""TorchRec's fused tables under a DCN-V2: {"data", "vocabulary", "width", "steps", "warm", "device"} -> seconds a step.

`data` is a .npz of ids [N, B, F] (of a field, below `vocabulary`) and label [N, B]. One FusedEmbeddingBagCollection, a
table per field, exact Adagrad in its backward pass; the dense part is three full cross layers beside an MLP of
256-128-64, by torch, with Adagrad. CPU seconds of the process on a CPU; on a GPU the wall clock, after it has finished.
"""

import json
import sys
import time
import warnings

try:
    import numpy as np
    import torch
    from torch import nn
    from torchrec import EmbeddingBagConfig, KeyedJaggedTensor
    from torchrec.modules.fused_embedding_modules import FusedEmbeddingBagCollection
except ImportError as absent:
    print(absent, file=sys.stderr)
    sys.exit(3)

HIDDEN, RATE = [256, 128, 64], 0.01


class Dense(nn.Module):
    """A cross network beside an MLP, on embeddings end to end."""

    def __init__(self, flat):
        super().__init__()
        self.crosses = nn.ModuleList(nn.Linear(flat, flat) for _ in range(3))
        widths = [flat, *HIDDEN]
        steps = [[nn.Linear(a, b), nn.ReLU()] for a, b in zip(widths, HIDDEN, strict=False)]
        self.deep = nn.Sequential(*(layer for step in steps for layer in step))
        self.last = nn.Linear(flat + HIDDEN[-1], 1)

    def forward(self, x_0):
        """[B, F K] -> logits [B]."""
        x = x_0
        for layer in self.crosses:
            x = x + x_0 * layer(x)
        return self.last(torch.cat([x, self.deep(x_0)], dim=1)).squeeze(1)


def main():
    """Read the order, train, print the seconds."""
    order = json.loads(sys.argv[1])
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    device = torch.device(order["device"])
    with np.load(order["data"]) as held:
        ids, label = torch.from_numpy(held["ids"]), torch.from_numpy(held["label"])
    names = [f"f{place}" for place in range(ids.shape[2])]
    tables = [
        EmbeddingBagConfig(
            name=f"t_{name}", embedding_dim=order["width"], num_embeddings=order["vocabulary"], feature_names=[name]
        )
        for name in names
    ]
    embedding = FusedEmbeddingBagCollection(
        tables, optimizer_type=torch.optim.Adagrad, optimizer_kwargs={"lr": RATE}, device=device
    )
    dense = Dense(len(names) * order["width"]).to(device)
    optimiser = torch.optim.Adagrad(dense.parameters(), lr=RATE)
    ones = torch.ones(ids.shape[1] * len(names), dtype=torch.int64, device=device)
    seconds = []
    for step in range(-order["warm"], order["steps"]):
        number = step % len(ids)
        start = time.process_time() if device.type == "cpu" else time.perf_counter()
        values = ids[number].T.contiguous().view(-1).to(device, non_blocking=True)
        given = KeyedJaggedTensor(keys=names, values=values, lengths=ones)
        logits = dense(embedding(given).values())
        loss = nn.functional.binary_cross_entropy_with_logits(logits, label[number].to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        value = float(loss.detach())  # waits for the device
        if step >= 0:
            seconds.append((time.process_time() if device.type == "cpu" else time.perf_counter()) - start)
    print(json.dumps({"seconds": seconds, "loss": value}))


if __name__ == "__main__":
    main()
