"""Study of KFAtt (arXiv 2010.00985): what the prior, its precision and the frequency cap each bring.

Part 1, the card's acceptance table, on a world that obeys the paper's own model (kfatt_world.py): every row learns
the same click model <x, v̂> by the same steps, only the pooling of the sensors differs.

    frequency-weighted pooling   every reading counts alike
    softmax attention            exp(qᵀk), no prior
    KFAtt-b, σ_q = 1             the prior's precision is not learned
    KFAtt-b                      base form
    KFAtt-f, σ' = 0              a sensor's weight does not depend on how often it spoke
    KFAtt-f                      the frequency-capped form

Part 2, real sequences: kfatt_sequences.py.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adcascade.metrics import auc
from adcascade.nn.attention import Bilinear
from adcascade.nn.blocks import mlp
from adcascade.nn.kalman import bounded, capped_log_precision, posterior_mean
from adcascade.studies.claims import gain, no_worse, reaches
from adcascade.studies.contract import Claim, Result, Row, Scale, row
from adcascade.studies.data import absent, has_set
from adcascade.studies.kfatt_sequences import DATA_SET, SOURCE, real_rows
from adcascade.studies.kfatt_world import QUERIES, SHARPNESS, D, QueryWorld, Requests

Form = Literal["pooling", "attention", "base, σ_q = 1", "base", "freq, σ' = 0", "freq"]
FORMS: dict[Form, str] = {
    "pooling": "frequency-weighted pooling",
    "attention": "softmax attention",
    "base, σ_q = 1": "KFAtt-b, σ_q = 1",
    "base": "KFAtt-b",
    "freq, σ' = 0": "KFAtt-f, σ' = 0",
    "freq": "KFAtt-f",
}
ROWS = {"tiny": 4_000, "small": 60_000, "full": 400_000}
EPOCHS = {"tiny": 2, "small": 12, "full": 12}
BATCH, RATE, WIDTH = 1024, 5e-3, 16


class Pooling(nn.Module):
    """The interest of B requests by one of the forms; -> v̂ [B, D]."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        self.query = nn.Embedding(QUERIES, WIDTH)
        self.energy = Bilinear(WIDTH)
        self.prior = nn.Sequential(mlp((WIDTH, 32)), nn.Linear(32, D + 1))
        self.noise = nn.Sequential(mlp((WIDTH, 32)), nn.Linear(32, 1))

    def forward(self, seen: Requests) -> Tensor:
        """The posterior mean, or what the form makes of it."""
        q, k = self.query(seen.query), self.query(seen.sensor_query)
        prior = self.prior(q)
        mean = prior[:, :-1] if self.form not in {"pooling", "attention"} else torch.zeros_like(prior[:, :-1])
        mask = torch.ones_like(seen.count, dtype=torch.bool)
        return posterior_mean(self._log_precision(q, k, seen), seen.reading, mean, self.log_precision(prior), mask)

    def log_precision(self, prior: Tensor) -> Tensor:
        """Of the prior, [B]."""
        if self.form in {"pooling", "attention"}:
            return torch.full_like(prior[:, 0], -40.0)
        return torch.zeros_like(prior[:, 0]) if self.form == "base, σ_q = 1" else bounded(prior[:, -1])

    def _log_precision(self, q: Tensor, k: Tensor, seen: Requests) -> Tensor:
        """Of the sensors, [B, M]; n readings of one sensor are n steps of the base form."""
        log_count = seen.count.log()
        if self.form == "pooling":
            return log_count
        energy = bounded(self.energy(q, k, self.energy.step(k)))
        if self.form == "freq":
            return capped_log_precision(energy, bounded(self.noise(k).squeeze(2)), log_count)
        return energy if self.form == "freq, σ' = 0" else energy + log_count


def learned(form: Form, seen: Requests, *, epochs: int, seed: int) -> Pooling:
    """Train one form on the clicks; the head's sharpness is the world's for all, so that v̂ has its scale."""
    torch.manual_seed(seed)
    model = Pooling(form)
    if form == "pooling":
        return model  # there is nothing to learn
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    steps = epochs * -(-len(seen) // BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, total_iters=steps)
    random = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for index in torch.split(torch.randperm(len(seen), generator=random), BATCH):
            part = taken(seen, index)
            optimiser.zero_grad(set_to_none=True)
            logit = SHARPNESS * (part.candidate * model(part)).sum(dim=1)
            F.binary_cross_entropy_with_logits(logit, part.click).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return model.eval()


def taken(seen: Requests, index: Tensor) -> Requests:
    """Some of the requests."""
    return Requests(*(getattr(seen, name)[index] for name in Requests.__slots__))


@torch.no_grad()
def judged(interest: Tensor, test: Requests) -> dict[str, float]:
    """AUC over all, new and infrequent requests, and the error of the interest."""
    score = (test.candidate * interest).sum(dim=1).numpy()
    click = test.click.numpy()
    parts = {"auc": np.ones(len(test), bool), "auc_new": test.new.numpy(), "auc_infrequent": test.infrequent.numpy()}
    found = {name: auc(click[part], score[part]) for name, part in parts.items()}
    return {**found, "mse": float(((interest - test.interest) ** 2).mean())}


@torch.no_grad()
def prior_agreement(model: Pooling, world: QueryWorld) -> float:
    """Correlation over the queries between the learned and the true log precision of the prior."""
    learned_precision = model.log_precision(model.prior(model.query.weight)).numpy()
    return float(np.corrcoef(learned_precision, -2 * world.spread.log().numpy())[0, 1])


def simulated_rows(seeds: tuple[int, ...], scale: Scale) -> tuple[list[Row], Row]:
    """All forms and the oracle, and as a row of its own how well the prior's precision was learned."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in (*FORMS.values(), "the true interest")}
    agreement = []
    for seed in seeds:
        random = torch.Generator().manual_seed(seed)
        world = QueryWorld.drawn(random)
        train, test = (world.requests(size, random) for size in (ROWS[scale], 2 * ROWS[scale]))
        for form, name in FORMS.items():
            model = learned(form, train, epochs=EPOCHS[scale], seed=seed)
            with torch.no_grad():
                found[name].append(judged(model(test), test))
            if form == "freq":
                agreement.append({"correlation": prior_agreement(model, world)})
        found["the true interest"].append(judged(test.interest, test))
    roles = {"softmax attention": "baseline", "frequency-weighted pooling": "baseline", "the true interest": "oracle"}
    roles |= {"KFAtt-b": "method", "KFAtt-f": "method"}
    rows = [row(name, roles.get(name, "ablation"), runs) for name, runs in found.items()]  # type: ignore[arg-type]
    return rows, row("precision of the prior, learned and true", "ablation", agreement)


def claims_of(rows: dict[str, Row], agreement: Row) -> list[Claim]:
    """The card's acceptance."""
    attention, unit, base, free, capped = (
        rows[FORMS[form]] for form in ("attention", "base, σ_q = 1", "base", "freq, σ' = 0", "freq")
    )
    return [
        gain("KFAtt-f beats softmax attention by 2 points", "auc", capped, attention, at_least=0.02),
        gain("KFAtt-b beats softmax attention by 2 points", "auc", base, attention, at_least=0.02),
        no_worse("the cap does not hurt", "auc", capped, base, margin=0.001),
        gain("new queries: KFAtt-f beats attention by 6 points", "auc_new", capped, attention, at_least=0.06),
        gain("new queries: KFAtt-b beats attention by 6 points", "auc_new", base, attention, at_least=0.06),
        gain("infrequent queries: the cap helps", "auc_infrequent", capped, base),
        gain("a learned σ_q beats σ_q = 1", "auc", base, unit),
        no_worse("σ' does not hurt", "auc", capped, free, margin=0.001),
        gain("the interest is found better than by attention", "mse", capped, attention, lower_is_better=True),
        reaches("the learned precision of the prior follows the true one", "correlation", agreement, at_least=0.3),
    ]


def study(seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:
    """The acceptance table, then DIN with and without Kalman pooling on real sequences."""
    rows, agreement = simulated_rows(seeds, scale)
    claims = claims_of({one.name: one for one in rows}, agreement)
    notes = []
    if has_set(data, DATA_SET):
        real = real_rows(seeds, scale, data)
        rows += real
        din, base, capped = real[:3]
        claims += [
            gain("Amazon Beauty: KFAtt-f in DIN beats DIN", "auc", capped, din),
            gain("Amazon Beauty: KFAtt-b in DIN beats DIN", "auc", base, din),
            gain("Amazon Beauty, new queries: KFAtt-f beats DIN", "auc_new", capped, din),
        ]
    else:
        notes.append(absent(DATA_SET, SOURCE))
    return Result(
        slug="kfatt",
        paper="arXiv 2010.00985",
        data="the paper's generative model" + ("" if notes else "; Amazon Beauty sequences"),
        scale=scale,
        seeds=seeds,
        metric="auc",
        rows=(*rows, agreement),
        claims=tuple(claims),
        seconds=0.0,
        notes=tuple(notes),
    )
