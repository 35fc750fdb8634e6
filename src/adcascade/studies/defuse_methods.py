"""The methods of the DEFUSE study: a protocol, a rule of weights and a network each, and how they learn hour by hour.

All have the same network, optimiser, pretraining clicks and stream, and read the same auxiliary models. All with an
observation window use the same one. Letters in shapes: R records, N clicks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from adcascade.conversion import typed_weights as tw
from adcascade.conversion.delayed_stream import NEVER, Protocol, Records, records
from adcascade.conversion.typed_weights import EDGE, Rule, Seen, answer_of_fnc
from adcascade.nn.blocks import mlp
from adcascade.studies.defuse_world import DAY, Clicks

Floats = NDArray[np.float32]
BATCH, RATE, EPOCHS, HIDDEN = 256, 1e-3, 4, 64
AUX = ("f_dp", "f_rn", "late")  # fields of Auxiliary and of Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """protocol: how its stream is emitted; rules: one a head; watched: it uses the observation window."""

    name: str
    protocol: Protocol
    rules: tuple[Rule, ...] = (tw.plain,)
    watched: bool = True
    role: Literal["baseline", "method", "ablation", "oracle"] = "baseline"
    answer: Callable[[Tensor], Tensor] | None = None  # of the head's probability; None: as it is


METHODS = (
    Method(name="Vanilla", protocol="once"),
    Method(name="Vanilla-Win", protocol="repaired"),
    Method(name="waiting for the window", protocol="settled"),
    Method(name="FNW", protocol="repaired", rules=(tw.fnw,), watched=False),
    Method(name="FNC", protocol="repaired", watched=False, answer=answer_of_fnc),
    Method(name="ES-DFM", protocol="repaired", rules=(tw.es_dfm,)),
    Method(name="DEFER", protocol="twice", rules=(tw.defer,)),
    Method(name="DEFUSE", protocol="repaired", rules=(tw.defuse,), role="method"),
    Method(name="Bi-DEFUSE", protocol="repaired", rules=(tw.in_window, tw.out_of_window), role="method"),
    Method(name="DEFUSE, z of the main model", protocol="repaired", rules=(tw.defuse_own,), role="ablation"),
    Method(name="DEFUSE, z = 0", protocol="repaired", rules=(tw.defuse_blind,), role="ablation"),
    Method(name="the released loss", protocol="repaired", rules=(tw.released,), role="ablation"),
    Method(name="oracle", protocol="truth", role="oracle"),
)


class Heads(nn.Module):
    """A shared layer and one probability a head; the answer is their sum, below 1."""

    def __init__(self, inputs: int, heads: int) -> None:
        super().__init__()
        self.shared = mlp((inputs, HIDDEN))
        self.heads = nn.ModuleList(mlp((HIDDEN, HIDDEN // 2, 1)) for _ in range(heads))

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, heads]."""
        z = self.shared(x)
        return torch.cat([head(z) for head in self.heads], dim=1)


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """What the auxiliary model of one day says of every click, [N] each."""

    f_dp: Floats
    f_rn: Floats
    late: Floats


@dataclass(slots=True)
class Learner:
    """One method on one stream of clicks."""

    method: Method
    clicks: Clicks
    stream: Records
    auxiliaries: Sequence[Auxiliary]  # one a day, from minute 0 on; before it the first
    model: Heads
    optimiser: torch.optim.Optimizer
    random: np.random.Generator

    @classmethod
    def of(
        cls,
        method: Method,
        clicks: Clicks,
        auxiliaries: Sequence[Auxiliary],
        windows: tuple[int, int],
        seed: int,
    ) -> "Learner":
        """With its stream emitted and a fresh network; windows: (observation, attribution) in minutes."""
        observation = windows[0] if method.watched else 0
        stream = records(clicks.time, clicks.delay, method.protocol, observation=observation, attribution=windows[1])
        torch.manual_seed(seed)
        model = Heads(clicks.x.shape[1], len(method.rules))
        adam = torch.optim.Adam(model.parameters(), lr=RATE)
        return cls(method, clicks, stream, auxiliaries, model, adam, np.random.default_rng(seed))

    def learn(self, start: int, stop: int, steps: int) -> None:
        """So many steps over the records of start <= time < stop, each record once in an epoch of them.

        All methods make as many steps, however many records their protocols emit: a duplicate is no extra training.
        """
        there = self.stream.between(start, stop)
        today = self.auxiliaries[max(start // DAY, 0)]
        for _ in range(EPOCHS if stop <= 0 else 1):
            for part in np.array_split(self.random.permutation(len(there)), steps):
                self._step(there.click[part], there.kind[part], today)

    def _step(self, click: NDArray[np.int64], kind: NDArray[np.uint8], auxiliary: Auxiliary) -> None:
        logits = self.model(torch.from_numpy(self.clicks.x[click]))  # [R, heads]
        loss = logits.new_zeros(())
        for place, rule in enumerate(self.method.rules):
            logit = logits[:, place]
            f = torch.sigmoid(logit.detach()).clamp(EDGE, 1 - EDGE)
            seen = Seen(
                kind=torch.from_numpy(kind), f=f, **{n: torch.from_numpy(getattr(auxiliary, n)[click]) for n in AUX}
            )
            positive, negative = rule(seen)
            loss = loss + (positive * nn.functional.softplus(-logit) + negative * nn.functional.softplus(logit)).mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()

    @torch.no_grad()
    def predict(self, index: slice) -> Floats:
        """The probability of clicks, [N]."""
        p = torch.sigmoid(self.model(torch.from_numpy(self.clicks.x[index])))
        p = p if self.method.answer is None else self.method.answer(p)
        found: Floats = p.sum(dim=1).clamp(1e-5, 1 - 1e-5).numpy()
        return found


def learn_auxiliaries(clicks: Clicks, windows: tuple[int, int], days: int, seed: int) -> list[Auxiliary]:
    """One auxiliary model a day: at minute 0 from all clicks that have settled, then each day from those newly settled.

    Three heads: "late" on all clicks; "never" on those that converted late or never; "late" on those that converted.
    """
    observation, attribution = windows
    delay = torch.from_numpy(clicks.delay)
    converts = (delay != NEVER) & (delay <= attribution)
    late = converts & (delay > observation)
    counts = torch.stack((torch.ones_like(late), late | ~converts, converts), dim=1).float()  # [N, 3]
    target = torch.stack((late, ~converts, late), dim=1).float()
    x = torch.from_numpy(clicks.x)
    torch.manual_seed(seed)
    model = Heads(x.shape[1], 3)
    adam = torch.optim.Adam(model.parameters(), lr=RATE)
    random = np.random.default_rng(seed)
    said, learned = [], 0
    for day in range(days):
        settled = int(np.searchsorted(clicks.time, day * DAY - attribution))
        for _ in range(1 if day else EPOCHS):
            for part in np.array_split(random.permutation(settled - learned), max((settled - learned) // BATCH, 1)):
                index = learned + part
                loss = nn.functional.binary_cross_entropy_with_logits(model(x[index]), target[index], counts[index])
                adam.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()
        learned = settled
        with torch.no_grad():
            p = torch.sigmoid(model(x)).clamp(EDGE, 1 - EDGE).numpy()
        said.append(Auxiliary(p[:, 0], p[:, 1], p[:, 2]))
    return said
