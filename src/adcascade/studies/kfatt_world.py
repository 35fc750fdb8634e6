"""A world that obeys KFAtt's own model: hidden interests, sensors that speak of them, and daily goods that shout.

    v_q = μ_q + σ_q ε             the interest of a shopper under query q; queries come in families of similar μ
    sensor m, query k_m, n_m readings
        related (same query or family):   v_m = v_q + σ_m ε,  n_m small
        unrelated:                        v_m = μ_k + σ_k ε,  n_m up to 25
    v̄_m = v_m + σ'_k ε / sqrt(n_m)        what the history shows
    click ~ Bernoulli( sigmoid( s <x, v_q> ) )      of a candidate x

Sizes are those of the card's prototype. "New" requests have no related sensor; "infrequent" are those whose related
sensors have less than 15 % of the readings, the new ones included.
Letters in shapes: B requests, M sensors, D width of an interest, Q queries.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

QUERIES, FAMILIES, D, M = 100, 20, 8, 6
RELATED = 0.22  # of the sensors, so that 22 % of the requests have none (0.78 ** 6)
OFTEN = 25  # most readings of an unrelated sensor
SELDOM = 3  # most readings of a related one
SHARPNESS = 0.6  # s
EXACT, SIMILAR = 0.2, 0.6  # σ_m of a sensor under the same query, and under one of its family


@dataclass(frozen=True, slots=True)
class Requests:
    """B requests; everything but `interest` is seen by the models."""

    query: Tensor  # int64 [B]
    sensor_query: Tensor  # int64 [B, M]
    count: Tensor  # float [B, M], n_m
    reading: Tensor  # float [B, M, D], v̄_m
    candidate: Tensor  # float [B, D], x
    click: Tensor  # float [B]
    interest: Tensor  # float [B, D], v_q
    new: Tensor  # bool [B]
    infrequent: Tensor  # bool [B]

    def __len__(self) -> int:
        """B."""
        return len(self.query)


@dataclass(frozen=True, slots=True)
class QueryWorld:
    """The truth of all queries."""

    mean: Tensor  # [Q, D] μ_q
    spread: Tensor  # [Q] σ_q
    noise: Tensor  # [Q] σ'_q

    @classmethod
    def drawn(cls, random: torch.Generator) -> "QueryWorld":
        """Families of queries with means close together; how well a query tells the interest differs widely."""
        family = torch.randn((FAMILIES, D), generator=random)
        mean = family.repeat_interleave(QUERIES // FAMILIES, dim=0) + 0.5 * torch.randn((QUERIES, D), generator=random)
        spread = torch.exp(torch.empty(QUERIES).uniform_(-1.6, 0.4, generator=random))
        noise = torch.exp(torch.empty(QUERIES).uniform_(-0.7, 0.4, generator=random))
        return cls(mean, spread, noise)

    def requests(self, b: int, random: torch.Generator) -> Requests:
        """B requests of B shoppers."""
        query = torch.randint(QUERIES, (b,), generator=random)
        interest = self._interest(query, random)
        related = torch.rand((b, M), generator=random) < RELATED
        exact = torch.rand((b, M), generator=random) < 0.5
        size = QUERIES // FAMILIES
        sister = query[:, None] // size * size + torch.randint(size, (b, M), generator=random)
        elsewhere = (
            query[:, None] // size * size + size + torch.randint(QUERIES - size, (b, M), generator=random)
        ) % QUERIES
        key = torch.where(related, torch.where(exact, query[:, None], sister), elsewhere)
        error = torch.where(key == query[:, None], EXACT, SIMILAR)[:, :, None]
        near = interest[:, None] + error * torch.randn((b, M, D), generator=random)
        told = torch.where(related[:, :, None], near, self._interest(key, random))
        chance = torch.rand((b, M), generator=random)
        count = 1 + torch.floor(torch.where(related, SELDOM * chance, OFTEN * chance**4))
        blur = (self.noise[key] / count.sqrt())[:, :, None]
        candidate = torch.randn((b, D), generator=random)
        logit = SHARPNESS * (candidate * interest).sum(dim=1)
        share = (count * related).sum(dim=1) / count.sum(dim=1)
        return Requests(
            query=query,
            sensor_query=key,
            count=count,
            reading=told + blur * torch.randn((b, M, D), generator=random),
            candidate=candidate,
            click=(torch.rand(b, generator=random) < torch.sigmoid(logit)).float(),
            interest=interest,
            new=~related.any(dim=1),
            infrequent=share < 0.15,
        )

    def _interest(self, query: Tensor, random: torch.Generator) -> Tensor:
        """A shopper's own interest under each query: [...] -> [..., D]."""
        chance = torch.randn((*query.shape, D), generator=random)
        return self.mean[query] + self.spread[query][..., None] * chance
