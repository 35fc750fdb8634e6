"""How the study of NANN trains its scorers, all alike: same clicks, same noise, same steps, same optimiser.

Each step has B clicks and one pool of N noise ads, drawn with replacement by their share q of the clicks in training;
each click is told from all of the pool. The expected count of an ad in the pool is N q. (The paper draws unique ads, a
pool for each click; with N q far below 1 the counts are the same, and a shared pool is as much evidence for less work.)

Attention learns by the paper's loss, noise contrast. Two towers and the network without attention learn by a sampled
softmax over the same click and pool: on seeds >= 1000 they retrieve more by it, and two towers, whose scores a
temperature bounds, fall apart by noise contrast on some. These two have their best rates of 1e-3, 3e-3 and 1e-2.

The flatness loss comes on when half of the steps are done: the score of an untrained network has no neighbours to
agree with, and a step with it costs two. Whoever is trained without it takes the same steps.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adcascade.learning.model import Shape
from adcascade.nn.inputs import Inputs
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.retrieval.flatness import FlatnessConfig, Scores, nann_loss
from adcascade.retrieval.nann_model import NannConfig, NannModel
from adcascade.retrieval.tower_model import TwoTower, TwoTowerConfig
from adcascade.studies.nann_world import Corpus, Floats, Ints

State = dict[str, Any]
Kind = Literal["two_tower", "dnn", "attention"]
NO_FLATNESS = FlatnessConfig(epsilon=0.0)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is trained."""

    steps: int
    clicks: int = 128  # B
    noise: int = 48  # N
    rate: float = 3e-3
    softmax: bool = False  # True: the sampled softmax, which has no flatness
    width: int = 16  # K


class Matcher:
    """A scoring model and its table: what turns ads and histories of a corpus into scores."""

    def __init__(self, corpus: Corpus, kind: Kind, plan: Plan, seed: int) -> None:
        """Fresh weights; the same for the same kind and seed."""
        numbers, fields = corpus.content.shape[1], corpus.fields.shape[1]
        shape = Shape(
            width=plan.width,
            request_fields=0,
            request_numbers=0,
            ad_fields=fields,
            ad_numbers=numbers,
            sequences=fields + (numbers > 0),
            length=corpus.train.history.shape[1],
        )
        torch.manual_seed(seed)
        self.corpus, self.content = corpus, torch.from_numpy(corpus.content)
        config = TableConfig(width=plan.width, init_std=0.1, rate=0.05)
        self.table = PackedEmbedding(corpus.table_rows, config, seed=seed)
        self.model: NannModel | TwoTower = (
            TwoTower(shape, TwoTowerConfig(hidden=(64, 64)))
            if kind == "two_tower"
            else NannModel(shape, NannConfig(attends=kind == "attention"))
        )
        self.bias = nn.Parameter(torch.tensor(-math.log(len(corpus))))  # by chance, one ad of V

    def copy(self) -> Self:
        """The same weights, to be trained apart."""
        return copy.deepcopy(self)

    def vectors(self, rows: Ints, embedded: Tensor | None = None) -> Tensor:
        """e_v of the ads [n], whose embeddings [n, F, K] may be given: [n, E]."""
        embedded = self.table.gather(self.corpus.fields[rows]) if embedded is None else embedded
        n, _, k = embedded.shape
        nothing = torch.zeros((n, 0, 0, k)), torch.zeros((n, 0), dtype=torch.bool)
        ads = Inputs(embedded, self.content[rows], *nothing)
        return self.model.ad_vector(ads) if isinstance(self.model, TwoTower) else self.model.item_vectors(ads)

    def steps(self, history: Ints, embedded: Tensor | None = None) -> Tensor:
        """The steps [B, L, S, K] of histories [B, L], whose embeddings [B, L, F, K] may be given."""
        parts = self.table.gather(self.corpus.fields[history]) if embedded is None else embedded
        if self.content.shape[1]:
            parts = torch.cat((parts, self.content[history][:, :, None]), dim=2)
        return parts * torch.from_numpy(history >= 0)[:, :, None, None]

    def state(self, history: Ints, embedded: Tensor | None = None) -> tuple[Tensor, ...]:
        """The users' side of histories [B, L]."""
        steps = self.steps(history, embedded)
        b, k = len(history), steps.shape[3]
        return self.model.user_state(
            Inputs(torch.zeros((b, 0, k)), torch.zeros((b, 0)), steps, torch.from_numpy(history >= 0))
        )

    def scores(self, state: tuple[Tensor, ...], e: Tensor) -> Tensor:
        """s of the vectors [B, n, E]: [B, n]."""
        if isinstance(self.model, NannModel):
            return self.model.score_vectors(state, e) + self.bias
        return (e @ state[0][:, :, None])[:, :, 0] + self.bias


def trained(
    corpus: Corpus, kind: Kind, plan: Plan, seed: int, flatness: tuple[FlatnessConfig, ...] = (NO_FLATNESS,)
) -> list[Matcher]:
    """One matcher for each flatness; they part after half of the steps, and see the same samples."""
    if plan.softmax and any(config.epsilon for config in flatness):
        raise ValueError(f"{kind}: the sampled softmax has no flatness; give epsilon 0, or softmax=False")
    first = Matcher(corpus, kind, plan, seed)
    half = plan.steps // 2
    optimiser = _train(first, plan, seed, range(half), NO_FLATNESS)
    found = []
    for config in flatness:
        found.append(first.copy())
        _train(found[-1], plan, seed, range(half, plan.steps), config, state=optimiser.state_dict())
    return found


def _train(
    matcher: Matcher, plan: Plan, seed: int, steps: range, flatness: FlatnessConfig, *, state: State | None = None
) -> torch.optim.Optimizer:
    """Take these steps; state: of the optimiser that took those before."""
    optimiser = torch.optim.Adam([*matcher.model.parameters(), matcher.bias], lr=plan.rate, fused=True)
    if state is not None:
        optimiser.load_state_dict(copy.deepcopy(state))
    for step, batch in zip(steps, _batches(matcher.corpus, plan, (seed, steps.start)), strict=False):
        share = 1 - step / plan.steps
        optimiser.param_groups[0]["lr"] = plan.rate * share
        optimiser.zero_grad(set_to_none=True)
        _step(matcher, batch, flatness, share, softmax=plan.softmax)
        optimiser.step()
    return optimiser


def _step(matcher: Matcher, batch: "_Batch", flatness: FlatnessConfig, share: float, *, softmax: bool) -> None:
    """Fill the gradients of the networks and update the table."""
    b, fields = len(batch.clicked), matcher.corpus.fields
    history_ids, ad_ids = fields[batch.history], fields[np.concatenate((batch.clicked, batch.pool))]
    ids = np.concatenate((history_ids.ravel(), ad_ids.ravel()))
    leaf = matcher.table.gather(ids)  # [B L F + (B + N) F, K]
    of_history, of_ads = torch.split(leaf, [history_ids.size, ad_ids.size])
    e = matcher.vectors(np.concatenate((batch.clicked, batch.pool)), of_ads.view(*ad_ids.shape, -1))
    pairs = torch.cat((e[:b, None], e[None, b:].expand(b, -1, -1)), dim=1)  # [B, 1 + N, E]
    users = matcher.state(batch.history, of_history.view(*history_ids.shape, -1))
    log_count = torch.from_numpy(batch.log_count)

    def scores(x: Tensor) -> Tensor:
        return matcher.scores(users, x)

    loss = sampled_softmax(scores, pairs, log_count) if softmax else nann_loss(scores, pairs, log_count, flatness)
    loss.backward()  # type: ignore[no-untyped-call]
    matcher.table.update(ids, leaf.grad, share=share)


def sampled_softmax(scores: Scores, e: Tensor, log_count: Tensor) -> Tensor:
    """Cross-entropy of the clicked ad, column 0 of e [B, C, E], among its noise; log_count [B, C]: -> ()."""
    z = scores(e) - log_count
    return F.cross_entropy(z, torch.zeros(len(z), dtype=torch.long))


class _Batch(NamedTuple):
    history: Ints  # [B, L]
    clicked: Ints  # [B]
    pool: Ints  # [N]
    log_count: Floats  # [B, 1 + N]


def _batches(corpus: Corpus, plan: Plan, seed: tuple[int, int]) -> Iterator[_Batch]:
    """Without end."""
    random = np.random.default_rng(seed)
    rates = corpus.rates()
    cumulated, log_rate = rates.cumsum(dtype=np.float64), np.log(plan.noise * rates)
    while True:
        chosen = random.integers(len(corpus.train), size=plan.clicks)
        clicked = corpus.train.answers[chosen, 0]
        pool = np.searchsorted(cumulated, random.random(plan.noise) * cumulated[-1])
        noise = np.broadcast_to(log_rate[pool], (plan.clicks, plan.noise))
        counts = np.concatenate((log_rate[clicked][:, None], noise), axis=1)
        yield _Batch(corpus.train.history[chosen], clicked, pool, counts)
