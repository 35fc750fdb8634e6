"""A click model of whole pages: what an item is alone, corrected by its place and by all that stands around it.

    s_h(t, u) = relu(<U_h n_t, U_h n_u> + c_h)                    how alike two items are to head h
    x_t       = W [n_t, base_t] + kind + place                    a token: an item at its place; n: its unit vector
    x_t      <- x_t + Σ_h Σ_{u != t} s_h(t, u) g_h[kind_t, kind_u] V_h x_u
    x_t      <- x_t + MLP(x_t)
    logit_t   = base_t + <w, x_t> + level[kind_t]                 base: log-odds alone, in the first slot

The paper's model is a deep one over user, ad and what surrounds it (Carrion et al., arXiv 2105.13556); its layers are
not told, and the reconstruction with softmax self-attention learned nothing of neighbours from some ten thousand pages
of rare clicks. Three things were changed. ReLU instead of softmax, whose weights add up to one however many
similar neighbours there are: two of them take twice as much, and nobody similar takes nothing. Queries and keys are one
map, for likeness has no direction. What likeness does depends on the two kinds alone (g): an ad takes from an organic
item what that need not take back.

What the user does with the ad alone is the ranker's: its calibrated log-odds are `base`, and what is learned here is
the correction, which begins at zero. A page model that has learned nothing changes nothing.

Letters in shapes: B pages, T tokens, I items, D numbers of an item, W width, H heads.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adcascade.auction.page_tokens import Kind
from adcascade.nn.blocks import mlp


@dataclass(frozen=True, kw_only=True)
class PageConfig:
    """Sizes. neighbours: without, every token is judged as if it stood alone (an ablation)."""

    numbers: int  # D
    places: int  # on a page: its slots and organic items
    width: int = 16  # W
    heads: int = 2  # H
    hidden: int = 32
    neighbours: bool = True


class Neighbours(nn.Module):
    """What the other tokens of the page do to each: x [B, T, W] -> a change [B, T, W]."""

    def __init__(self, config: PageConfig) -> None:
        super().__init__()
        self.heads, kinds = config.heads, len(Kind)
        self.likeness = nn.Parameter(torch.stack([_orthogonal(config) for _ in range(config.heads)]))  # [H, D, W]
        self.shift = nn.Parameter(torch.linspace(0.0, 1.0, config.heads))  # [H]
        self.effect = nn.Parameter(torch.ones(config.heads, kinds, kinds))  # [H, kind of the one, kind of the other]
        self.value = nn.Linear(config.width, config.heads * config.width, bias=False)

    def forward(self, x: Tensor, numbers: Tensor, kind: Tensor, seen: Tensor) -> Tensor:
        """numbers [B, T, D], kind [B, T], seen [B, T, T]: 1 where the first token looks at the second."""
        b, t, w = x.shape
        view = torch.einsum("btd,hdw->bhtw", numbers, self.likeness)
        alike = F.relu(view @ view.transpose(2, 3) + self.shift[:, None, None])  # [B, H, T, T]
        effect = self.effect[:, kind[:, :, None], kind[:, None, :]].transpose(0, 1)  # [B, H, T, T]
        value = self.value(x).view(b, t, self.heads, w).transpose(1, 2)  # [B, H, T, W]
        return torch.sum((alike * effect * seen[:, None]) @ value, dim=1)


class PageModel(nn.Module):
    """Logits of every token of every page. mean, spread: by which the items' numbers are brought to one scale."""

    mean: Tensor  # [D]
    spread: Tensor  # [D]

    def __init__(self, config: PageConfig) -> None:
        super().__init__()
        self.config = config
        self.item = nn.Linear(config.numbers + 1, config.width)
        self.kind = nn.Embedding(len(Kind), config.width)
        self.place = nn.Embedding(config.places, config.width)
        self.neighbours = Neighbours(config)
        self.mix = nn.Sequential(*mlp((config.width, config.hidden)), nn.Linear(config.hidden, config.width))
        self.correction = nn.Linear(config.width, 1)
        self.level = nn.Embedding(len(Kind), 1)
        self.register_buffer("mean", torch.zeros(config.numbers))
        self.register_buffer("spread", torch.ones(config.numbers))
        for zero in (self.correction.weight, self.correction.bias, self.level.weight):
            nn.init.zeros_(zero)

    def standardise(self, numbers: Tensor) -> None:
        """Take the scale of these items [I, D]; a number that never changes says nothing and is left out."""
        spread = numbers.std(dim=0)
        self.mean.copy_(numbers.mean(dim=0))
        self.spread.copy_(torch.where(spread > 1e-8, spread, torch.inf))

    def forward(self, *tensors: Tensor) -> Tensor:
        """(numbers [I, D], base [I], kind [I], item [B, T], place [B, T]) -> logits [B, T]."""
        numbers, base, kinds, item, place = tensors
        known = (kinds == Kind.AD) | (kinds == Kind.ORGANIC)
        numbers = F.normalize((numbers - self.mean) / self.spread, dim=1) * known[:, None]  # [I, D]
        items = self.item(torch.cat((numbers, base[:, None]), dim=1)) + self.kind(kinds)  # [I, W]
        x, kind = items[item] + self.place(place), kinds[item]  # [B, T, W], [B, T]
        there = (kind != Kind.NOTHING).to(x.dtype)
        seen = there[:, None, :] * (1.0 - torch.eye(item.shape[1]))  # [B, T, T]
        if self.config.neighbours:
            x = x + self.neighbours(x, numbers[item], kind, seen)
        x = x + self.mix(x)
        correction = self.correction(x)[..., 0] + self.level(kind)[..., 0]
        return base[item] + correction  # type: ignore[no-any-return]


def page_loss(logit: Tensor, click: Tensor, weight: Tensor) -> Tensor:
    """Mean log loss [B, T] over the tokens whose click is known (weight 1, else 0) -> ()."""
    loss = F.binary_cross_entropy_with_logits(logit, click, weight, reduction="sum")
    return loss / weight.sum().clamp(min=1.0)


def _orthogonal(config: PageConfig) -> Tensor:
    """A map [D, W] that keeps angles as far as the width allows."""
    start = torch.empty(config.numbers, config.width)
    nn.init.orthogonal_(start)
    return start
