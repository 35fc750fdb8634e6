"""A world of eight scenes whose clicks come from one hidden network, of which each scene uses its own units.

    z = tanh(V x)                      x: latent vectors of the request's and the ad's values, end to end
    logit = m_c ⊙ (w + δ ξ_c) · z + b_c,   scaled in each scene to the standard deviation SIGNAL

m_c keeps a share of the H units, drawn apart for each scene c; δ shifts the scene's read-out. With a small share and
a large δ the scenes are different worlds; with a share near one and a small δ they are all but the same. The scenes'
shares of the traffic fall from 50 % to 1 %.

LATENT, UNITS, BEND and SIGNAL were chosen on seeds 1000 to 1002 by the figures of the baselines alone: an MLP a scene
with a common table should beat the mixed MLP by about a point where scenes differ, and lose to it where they are
alike. What a value does is then learned from everybody; how values combine differs by scene.

Letters in shapes: B rows, C scenes, F fields of both sides, H hidden units.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.learning.labelled import Labelled
from adcascade.learning.model import Shape
from adcascade.metrics.logistic import sigmoid

SHARES = np.array([0.50, 0.25, 0.12, 0.06, 0.03, 0.02, 0.01, 0.01])  # of the scenes, [C]
SMALL = np.flatnonzero(SHARES < 0.05)  # the four small scenes
VALUES = 60  # of a field
FIELDS = 4  # of each side, beside the scene
LATENT = 12  # width of a value's latent vector
UNITS = 16  # H
BEND = 0.7  # standard deviation of what tanh is given
SIGNAL = 1.6  # of the logit
ROWS = 1 + len(SHARES) + 2 * FIELDS * VALUES  # of the packed table; row 0 is padding
SHAPE = Shape(  # the scene stands among the request's fields, and as one of C numbers
    width=8,
    request_fields=1 + FIELDS,
    request_numbers=len(SHARES),
    ad_fields=FIELDS,
    ad_numbers=0,
    scenario=0,
    scenarios=range(1, 1 + len(SHARES)),
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Regime:
    """How different the scenes are."""

    name: str
    keep: float  # share of the hidden units that a scene uses
    delta: float  # of its read-out
    rows: int  # to learn from


@dataclass(frozen=True, kw_only=True)
class World:
    """The truth of one seed."""

    latent: Floats  # [2 FIELDS, VALUES, LATENT]
    hidden: Floats  # V, [2 FIELDS * LATENT, H]
    readout: Floats  # [C, H], zero for units that the scene does not use
    bias: Floats  # [C]

    @classmethod
    def of(cls, regime: Regime, random: np.random.Generator) -> "World":
        """A world by chance."""
        scenes, fields = len(SHARES), 2 * FIELDS
        latent = random.standard_normal((fields, VALUES, LATENT))
        hidden = BEND * random.standard_normal((fields * LATENT, UNITS)) / np.sqrt(fields * LATENT)
        kept = random.random((scenes, UNITS)).argsort(axis=1) < round(regime.keep * UNITS)  # [C, H]
        readout = kept * (random.standard_normal(UNITS) + regime.delta * random.standard_normal((scenes, UNITS)))
        z = units_of(latent, hidden, random.integers(0, VALUES, (4000, fields)))  # [4000, H]
        return cls(
            latent=latent,
            hidden=hidden,
            readout=SIGNAL * readout / (z @ readout.T).std(axis=0)[:, None],
            bias=-1.5 + 0.3 * random.standard_normal(scenes),
        )

    def probability(self, scene: Ints, value: Ints) -> Floats:
        """P(click) of rows with these scenes [B] and values [B, F]."""
        z = units_of(self.latent, self.hidden, value)
        logit = (self.readout[scene] * z).sum(axis=1) + self.bias[scene]
        return sigmoid(logit)

    def learn(self, rows: int, random: np.random.Generator) -> Labelled:
        """So many impressions, the scenes by their shares, with the clicks that happened."""
        batch, p = self._draw(random.choice(len(SHARES), rows, p=SHARES), random)
        return Labelled(batch=batch, label=(random.random(rows) < p).astype(np.float32), weight=np.ones(rows, "f4"))

    def judge(self, rows: int, random: np.random.Generator) -> Labelled:
        """So many impressions of each scene, labelled by the true probability: an AUC without the noise of clicks."""
        batch, p = self._draw(np.repeat(np.arange(len(SHARES)), rows), random)
        return Labelled(batch=batch, label=p.astype(np.float32), weight=np.ones(len(p), "f4"))

    def _draw(self, scene: Ints, random: np.random.Generator) -> tuple[Batch, Floats]:
        """Impressions of these scenes [B], and P(click) [B]."""
        b = len(scene)
        value = random.integers(0, VALUES, (b, 2 * FIELDS))
        first = SHAPE.scenarios.stop + VALUES * np.arange(2 * FIELDS)  # row of each field's value 0
        batch = Batch(
            ids=np.concatenate((SHAPE.scenarios.start + scene[:, None], first + value), axis=1),
            dense=np.eye(len(SHARES), dtype=np.float32)[scene],
            history=np.zeros((b, 0, 0), np.int64),
            history_length=np.zeros(b, np.int64),
            scenario=2 + scene,
        )
        return batch, self.probability(scene, value)


def units_of(latent: Floats, hidden: Floats, value: Ints) -> Floats:
    """z of rows with these values: [B, F] -> [B, H]."""
    z: Floats = np.tanh(latent[np.arange(latent.shape[0]), value].reshape(len(value), -1) @ hidden)
    return z
