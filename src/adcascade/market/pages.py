"""Pages: a small world of blended pages, where everything that stands on a page moves everything else's clicks.

    ad       logit_i = q_i + slope_k - a Σ_{other ads} cos+(i, j) - b Σ_{organic} cos+(i, j)
    organic  logit_j = q_j - c Σ_{ads} cos+(i, j) - e Σ_{ads} sigmoid(q_i + 3)         cos+ = max(cos, 0)

Two similar things take clicks from each other, and an attractive ad draws the eye from whatever is organic. q is what
an item is alone, its embedding what it is about; both are visible. So the clicks of a page are not a sum over its ads.
The constants are those of the simulated truth that goes with Carrion et al., "Blending advertising with organic
content in e-commerce: a virtual bids optimization approach" (2021).

Letters in shapes: R requests, M ads to choose from, O organic items, D width of an embedding, S slates, K slots.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from adcascade.market.arrays import Floats, sigmoid

NONE = -1


@dataclass(frozen=True, kw_only=True)
class PageConfig:
    """Sizes of a page and the strengths of what stands on it, in log-odds."""

    ads: int = 6  # M
    organic: int = 4  # O
    width: int = 6  # D
    slope: tuple[float, ...] = (0.0, -0.35, -0.7)  # [K] of the slots
    ad_on_ad: float = 1.0  # a
    organic_on_ad: float = 0.5  # b
    ad_on_organic: float = 0.8  # c
    attraction: float = 0.25  # e


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendedPages:
    """R requests, each with its candidates and organic items."""

    config: PageConfig
    ad_look: Floats  # [R, M, D] unit vectors
    ad_pull: Floats  # [R, M] log-odds of a click, alone in the first slot
    organic_look: Floats  # [R, O, D]
    organic_pull: Floats  # [R, O]
    bid: Floats  # [R, M] the value of a click, which truthful advertisers bid

    def __len__(self) -> int:
        """The number of requests, R."""
        return len(self.bid)

    def take(self, index: NDArray[np.integer] | slice) -> "BlendedPages":
        """Some of the requests."""
        arrays = {one.name: getattr(self, one.name)[index] for one in fields(self) if one.name != "config"}
        return BlendedPages(config=self.config, **arrays)

    def logits(self, slates: NDArray[np.integer]) -> tuple[Floats, Floats]:
        """Log-odds of a click of each ad [R, S, K] and organic item [R, S, O]; ads -1 stand nowhere, their logit is 0.

        slates: candidates by slot, [S, K] shown to every request or [R, S, K] to each its own.
        """
        config = self.config
        chosen = np.broadcast_to(slates, (len(self), *slates.shape[-2:]))
        there = chosen >= 0
        ad = np.where(there, chosen, 0)
        row = np.arange(len(self))[:, None, None]
        between = np.maximum(np.einsum("rmd,rnd->rmn", self.ad_look, self.ad_look), 0.0)  # [R, M, M]
        across = np.maximum(np.einsum("rmd,rod->rmo", self.ad_look, self.organic_look), 0.0)  # [R, M, O]
        pull = self.ad_pull - config.organic_on_ad * across.sum(axis=2)  # [R, M]
        logit = pull[row, ad] + np.array(config.slope[: ad.shape[2]])
        for k in range(ad.shape[2]):  # K passes over [R, S, K] instead of one over [R, S, K, K]
            other = ad[:, :, k, None]
            near = between[row, ad, other] * there[:, :, k, None]
            near[:, :, k] = 0.0
            logit -= config.ad_on_ad * near
        taken = config.ad_on_organic * across + config.attraction * sigmoid(self.ad_pull + 3.0)[:, :, None]  # [R, M, O]
        lost = (taken[row, ad] * there[..., None]).sum(axis=2)  # [R, S, O]
        return np.where(there, logit, 0.0), self.organic_pull[:, None, :] - lost

    def clicks(self, slates: NDArray[np.integer]) -> tuple[Floats, Floats]:
        """True P(click) of each ad [R, S, K], 0 where none stands, and of each organic item [R, S, O]."""
        ads, organic = self.logits(slates)
        there = np.broadcast_to(slates, ads.shape) >= 0
        return np.where(there, sigmoid(ads), 0.0), sigmoid(organic)


def draw_pages(requests: int, seed: int, config: PageConfig | None = None) -> BlendedPages:
    """So many requests of a seed."""
    config = config or PageConfig()
    random = np.random.default_rng((seed, 0x9A6E))
    r, m, o, d = requests, config.ads, config.organic, config.width
    return BlendedPages(
        config=config,
        ad_look=_unit(random.standard_normal((r, m, d))),
        ad_pull=random.normal(-3.0, 0.6, (r, m)),
        organic_look=_unit(random.standard_normal((r, o, d))),
        organic_pull=random.normal(-2.5, 0.5, (r, o)),
        bid=np.exp(random.normal(0.0, 0.5, (r, m))),
    )


def _unit(vectors: Floats) -> Floats:
    """Vectors [..., D] of length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
