"""fit_together: the loop of `learning.loop.fit`, by all processes of a world, with checkpoints.

Dropout draws its masks by seed, step and process, so that a training that goes on draws what it would have drawn.
"""

from itertools import groupby

import torch

from adcascade.learning.distributed.checkpoint import Checkpoints, Sofar
from adcascade.learning.distributed.sharded import ShardedEmbedding
from adcascade.learning.distributed.step import TogetherStep
from adcascade.learning.distributed.turns import Turns
from adcascade.learning.loop import Objective, Progress, click_loss
from adcascade.learning.model import ScoringModel


def fit_together(
    model: ScoringModel,
    table: ShardedEmbedding,
    turns: Turns,
    *,
    objective: Objective = click_loss,
    checkpoints: Checkpoints | None = None,
    progress: Progress | None = None,
) -> list[float]:
    """Train in place, from the newest checkpoint on if there is one; the mean loss of each epoch.

    progress is told of whole batches: epoch, samples of it so far, loss. Collective: all processes call it alike.
    """
    training, world = turns.training, turns.world
    step = TogetherStep(model, table, training, world, objective)
    sofar = Sofar() if checkpoints is None else checkpoints.resume(model, step.optimiser, table)
    model.train()
    for epoch, batches in groupby(turns(sofar.position), key=lambda turn: turn.after.epoch):
        sofar.losses += [(0.0, 0)] * (epoch + 1 - len(sofar.losses))
        for turn in batches:
            torch.manual_seed(_seed(training.seed, sofar.step, world.rank))
            loss = step(turn, training.share(sofar.seen))
            total, seen = sofar.losses[epoch]
            sofar.losses[epoch] = total + loss * turn.rows, seen + turn.rows
            sofar.position, sofar.step, sofar.seen = turn.after, sofar.step + 1, sofar.seen + turn.rows
            if progress is not None:
                progress(epoch, seen + turn.rows, loss)
            if checkpoints is not None and checkpoints.due(sofar.step):
                checkpoints.write(sofar, model, step.optimiser, table)
    model.eval()
    return [total / max(seen, 1) for total, seen in sofar.losses]


def _seed(seed: int, step: int, rank: int) -> int:
    """Of the masks of one step in one process."""
    return hash((seed, step, rank)) & ((1 << 63) - 1)
