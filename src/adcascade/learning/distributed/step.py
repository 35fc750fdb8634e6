"""TogetherStep: one step of training that all processes take together, on their parts of one batch.

The loss of a batch is a weighted mean, so it is the sum over the processes of (own weight / whole weight) x own loss,
and its gradient is the sum of their gradients: added up (not averaged), they are the gradient that one process would
have found on the whole batch. The table adds its own up where the rows lie; those of the dense part travel in one flat
tensor, with the loss. Then every process applies the same update to the same weights.
"""

import torch
from torch import Tensor

from adcascade.learning.distributed.turns import Turn
from adcascade.learning.distributed.world import World
from adcascade.learning.labelled import Labelled
from adcascade.learning.loop import Objective, Sides, Step, Training, click_loss
from adcascade.learning.model import ScoringModel
from adcascade.nn.table import EmbeddingTable


class TogetherStep:
    """Call it on each turn with the share of the rates. objective: of a batch, a weighted mean over its samples."""

    def __init__(
        self,
        model: ScoringModel,
        table: EmbeddingTable,
        training: Training,
        world: World,
        objective: Objective = click_loss,
    ) -> None:
        self.world = world
        self._objective = objective
        self._share = 1.0
        self._loss = torch.zeros(())
        self._step = Step(model, table, training, self._weighted)
        self._parameters = [one for one in model.parameters() if one.requires_grad]
        self._step.optimiser.register_step_pre_hook(self._add_up)
        self._flat = torch.zeros(
            sum(one.numel() for one in self._parameters) + len(self._parameters) + 1,
            device=self._parameters[0].device if self._parameters else None,
        )

    @property
    def optimiser(self) -> torch.optim.Optimizer:
        """Of the dense part."""
        return self._step.optimiser

    def __call__(self, turn: Turn, share: float = 1.0) -> float:
        """Learn from a batch at `share` of the rates; the loss of the whole batch before that."""
        self._share = turn.share
        self._step(turn.samples, share)
        return float(self._loss)

    def _weighted(self, model: ScoringModel, sides: Sides, samples: Labelled) -> Tensor:
        """The own part of the batch's loss."""
        loss = self._objective(model, sides, samples) * self._share
        self._loss = loss.detach()
        return loss

    def _add_up(self, *_: object) -> None:
        """Replace all gradients and the loss by their sums over the processes; called when the gradients are there.

        A parameter without a gradient stays so unless some process has one: to Adam, none is not zero.
        """
        flat, place = self._flat, 0
        there = flat[-1 - len(self._parameters) : -1]
        views = []
        for number, one in enumerate(self._parameters):
            view = flat[place : place + one.numel()].view_as(one)
            place += one.numel()
            there[number] = 0.0 if one.grad is None else 1.0
            view.copy_(one.grad) if one.grad is not None else view.zero_()
            views.append(view)
        flat[-1] = self._loss
        self.world.add(flat)
        for one, view, known in zip(self._parameters, views, there.tolist(), strict=True):
            one.grad = view if known else None
        self._loss = flat[-1]
