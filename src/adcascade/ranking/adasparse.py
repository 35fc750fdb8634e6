"""AdaSparse: each scenario uses its own sparse part of one network (Yang et al., CIKM 2022, arXiv 2206.13108).

    h^l  = relu(W^l h̃^{l-1} + b^l),   h̃^l = h^l ⊙ π^l(e_d, h^l),   h̃^0 = [u; a]
    logit = w · h̃^L + c
    loss = log loss + R               R keeps the pruned share in an interval (nn/pruner.py)

u and a are the embeddings and numbers of the request and of the ad; e_d is the embedding of the request's scenario,
the field that the encoder counts in Batch.scenario. The first layer's request half and all that the pruners have of
e_d are computed once per request.

By default the pruners see e_d alone, so every known scenario has one set of masks, and `folded` cuts the weights to
the kept rows and columns: what is pruned is not computed. With `sees="both"` they see [e_d; h] as in the paper, a
mask a sample, and nothing can be folded. Two more departures: α and λ grow with the share of the training that is
done, not with the number of steps, so a short training ends as sharp as a long one; and there is no batch norm, for
the other rankers here have none.

Reads: embedded, dense, history (as a mean), mask; the encoder must declare a scenario.
Letters in shapes: B pairs, n ads, U width of u, A of a, K of e_d, N_l neurons of layer l, L layers.
"""

import itertools
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from adcascade.errors import ConfigurationError
from adcascade.learning.model import ScoringModel, Shape, log_loss
from adcascade.nn.blocks import SplitLinear
from adcascade.nn.inputs import Inputs, flat, history_mean
from adcascade.nn.pruner import Pruner, PrunerConfig, pruned_share, sparsity_penalty


@dataclass(frozen=True, kw_only=True)
class AdaSparseConfig:
    """Sizes, the pruners, and what grows while training (from, to)."""

    hidden: tuple[int, ...] = (256, 128, 64)
    pruner: PrunerConfig = field(default_factory=PrunerConfig)
    alpha: tuple[float, float] = (1.0, 5.0)  # α
    interval: tuple[float, float] = (0.15, 0.25)  # of the pruned share
    strength: tuple[float, float] = (1.0, 10.0)  # λ of the regulariser; (0, 0) leaves it out


class AdaSparse(ScoringModel):
    """One network with a pruner behind each hidden layer."""

    done: Tensor  # () share of the training that is done; α and λ follow from it, so it belongs to the state

    def __init__(self, shape: Shape, config: AdaSparseConfig | None = None) -> None:
        super().__init__()
        config = config or AdaSparseConfig()
        if shape.scenario is None:
            raise ConfigurationError(
                "AdaSparse prunes by scenario, but no categorical feature of side 'scenario' is declared; "
                "declare one, or rank with dcn_v2"
            )
        self.shape, self.config, self._scenario = shape, config, shape.scenario
        u, a = shape.request_flat + shape.sequences * shape.width, shape.ad_flat
        self.first = SplitLinear(u, a, config.hidden[0])
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in itertools.pairwise(config.hidden))
        self.pruners = nn.ModuleList(Pruner(shape.width, n, config.pruner) for n in config.hidden)
        self.last = nn.Linear(config.hidden[-1], 1)
        self.register_buffer("done", torch.zeros(()))

    @property
    def alpha(self) -> Tensor:
        """α as it is now, ()."""
        return _between(self.config.alpha, self.done)

    def advance(self, done: float) -> None:
        """Move α and λ to where they belong at this share of the training."""
        self.done.fill_(done)

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """The request's half of the first layer [B, N_1], then what e_d says to each pruner [B, N_l]."""
        u = torch.cat((flat(user), history_mean(user)), dim=1) if self.shape.sequences else flat(user)
        return self.first.request(u), *self.masks(user.embedded[:, self._scenario])

    def masks(self, e: Tensor) -> tuple[Tensor, ...]:
        """What the scenarios' embeddings e [B, K] say to the pruner of each layer: [B, N_l], L of them."""
        return tuple(pruner.domain(e, self.alpha) for pruner in self._each)

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n]."""
        return self.run(state, ads)[0]

    def run(self, state: tuple[Tensor, ...], ads: Inputs) -> tuple[Tensor, list[Tensor]]:
        """Logits [n], and π of each layer [n or B, N_l]."""
        first, *said = state
        h = torch.relu(first + self.first.ad(flat(ads)))  # [n, N_1]
        weights = []
        for place, pruner in enumerate(self._each):
            if place:
                h = torch.relu(self.layers[place - 1](h))
            weights.append(pruner(said[place], h, self.alpha))
            h = h * weights[-1]
        return self.last(h).squeeze(1), weights

    def loss(self, user: Inputs, ads: Inputs, label: Tensor, weight: Tensor) -> Tensor:
        """Log loss, and the regulariser of the pruned shares."""
        logits, weights = self.run(self.user_state(user), ads)
        pruned = torch.stack([pruned_share(one) for one in weights])  # [L, B]
        strength = _between(self.config.strength, self.done)
        return log_loss(logits[:, None], label, weight) + sparsity_penalty(pruned, self.config.interval, strength)

    @property
    def _each(self) -> list[Pruner]:
        return [pruner for pruner in self.pruners if isinstance(pruner, Pruner)]

    @torch.no_grad()
    def folded(self, scenario: Tensor) -> "Folded | None":
        """The network cut to what the scenario of this embedding [K] uses; None where masks depend on the sample."""
        if self.config.pruner.sees != "domain":
            return None
        return Folded(self, [weights[0] for weights in self.masks(scenario[None])])


class Folded(ScoringModel):
    """AdaSparse for one scenario: weights of pruned neurons are gone, those of the others carry π.

    A layer that is pruned whole keeps one neuron, at weight zero. Its state is that of the whole model.
    """

    kept: Tensor  # [N_1 kept] places of the first layer's neurons

    def __init__(self, whole: AdaSparse, weights: list[Tensor]) -> None:
        super().__init__()
        self.shape, self._state = whole.shape, whole.user_state
        kept = [_kept(one) for one in weights]
        self.register_buffer("kept", kept[0])
        self.ad = SplitLinear(0, whole.shape.ad_flat, len(kept[0]))
        self.ad.ad_weight.copy_(whole.first.ad_weight[kept[0]])
        self.layers = nn.ModuleList()
        following = [*whole.layers, whole.last]
        for place, layer in enumerate(following):
            rows = kept[place + 1] if place + 1 < len(kept) else slice(None)
            weight = layer.weight[rows][:, kept[place]] * weights[place][kept[place]]
            cut = nn.Linear(weight.shape[1], weight.shape[0])
            cut.weight.copy_(weight)
            cut.bias.copy_(layer.bias[rows])
            self.layers.append(cut)

    def user_state(self, user: Inputs) -> tuple[Tensor, ...]:
        """That of the whole model."""
        return self._state(user)

    def score(self, state: tuple[Tensor, ...], ads: Inputs) -> Tensor:
        """Logits [n] of ads for requests of the scenario."""
        h = torch.relu(state[0][:, self.kept] + self.ad.ad(flat(ads)))  # [n, N_1 kept]
        *hidden, last = self.layers
        for layer in hidden:
            h = torch.relu(layer(h))
        return last(h).squeeze(1)  # type: ignore[no-any-return]


def _kept(weights: Tensor) -> Tensor:
    """Places of the neurons with π > 0 of [N]; of the first one where there is none."""
    places = weights.nonzero().squeeze(1)
    return places if len(places) else places.new_zeros(1)


def _between(ends: tuple[float, float], share: Tensor) -> Tensor:
    """The number that lies at this share of the way from one end to the other, ()."""
    return ends[0] + (ends[1] - ends[0]) * share
