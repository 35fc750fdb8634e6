"""Recipes: for each model, a table and a training that suit few samples.

Chosen on the first 57,600 rows of Criteo's display log, judged on the 6,400 that follow (docs/which-ranker.md has the
figures). What they have in common:

- one epoch for what has wide embeddings: a second one learned the rows of rare values by heart;
- small batches, so that one epoch has enough steps, and rates that fall to zero by the end, so that the
  last batches do not tilt the mean prediction;
- Adagrad's sums start above zero, so that a value seen twice does not move as far as one seen often;
- embeddings start at 0.05, which was better than 0.01 and 0.1.

How the batch grows with larger logs is a guess that no measurement here supports yet; DIN, KFAtt and AdaSparse
have the recipe of DCN-V2.
"""

from dataclasses import dataclass, replace

from adcascade.learning.loop import Training
from adcascade.nn.packed import TableConfig


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to hand to PackedEmbedding and to fit."""

    table: TableConfig
    training: Training

    def of(self, *, rows: int, seed: int) -> "Recipe":
        """The same for a log of so many samples, and a seed; larger logs take larger batches."""
        size = self.training.batch_size
        while rows > 2000 * size and size < 4096:
            size *= 2
        return replace(self, training=replace(self.training, rows=rows, seed=seed, batch_size=size))


WIDE = TableConfig(width=16, rate=0.1, start=1e-6, init_std=0.05)
ONE_EPOCH = Training(epochs=1, batch_size=128, rate=4e-3)

RECIPES = {
    "dcn_v2": Recipe(table=WIDE, training=ONE_EPOCH),
    "din": Recipe(table=WIDE, training=ONE_EPOCH),
    "kfatt": Recipe(table=WIDE, training=ONE_EPOCH),
    "kfatt_base": Recipe(table=WIDE, training=ONE_EPOCH),
    "lr": Recipe(
        table=TableConfig(width=1, rate=0.1, start=1e-4, init_std=0.0),
        training=Training(epochs=4, batch_size=256, rate=1e-3),
    ),
    "committee": Recipe(table=replace(WIDE, width=33), training=ONE_EPOCH),
    "adasparse": Recipe(table=WIDE, training=ONE_EPOCH),
}
