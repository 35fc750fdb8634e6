"""The worlds of the study of NANN: a simulated catalog of ads whose clicks have known probabilities, and public logs.

Simulated: V ads in G categories, each a point z near its category's centre, with a popularity; a user has three
interests, each a point p_i near a category's centre, and clicks

    P(v | u) = sum_i w_i  [c_v = c_i] pop_v exp(beta z_v . p_i) / Z_i,      w ~ Dirichlet(1, 1, 1)

What the models see: an ad's category and a noisy z, as a picture's or a title's embedding would be; of a user the
last L clicks. One interest answers at a time, which is what attention to the target can see and one vector cannot say.

Public logs: ads are items known by their id alone, the next item is the click.
Letters: V ads, G groups (categories, or items), n samples, L steps, K width.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

WIDTH = 16  # K of z and of what is seen of it
INTERESTS = 3
BETA = 5.0  # how picky users are
SPREAD = 0.7  # of ads and interests around their category's centre
BLUR = 0.1  # of what is seen of z


@dataclass(frozen=True, kw_only=True)
class Clicks:
    """n samples: a user's last clicks, and the next one or its probabilities."""

    history: Ints  # [n, L] ads, the oldest first, right-padded with -1
    answers: Ints  # [n, A] the ads that may be clicked next; -1: none
    chances: Floats  # [n, A] their probabilities

    def __len__(self) -> int:
        """The number of samples, n."""
        return len(self.history)

    def recall(self, sample: int, found: NDArray[np.integer]) -> float:
        """The probability that the next click is among the found ads."""
        return float(self.chances[sample, np.isin(self.answers[sample], found)].sum())


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The ads, and samples to learn from and to judge by; no user is in both."""

    fields: Ints  # [V, F] rows of the table of embeddings, 0 being padding: of its category, or of its id
    content: Floats  # [V, K], or [V, 0] where there is none
    train: Clicks
    test: Clicks

    def __len__(self) -> int:
        """The number of ads, V."""
        return len(self.fields)

    @property
    def table_rows(self) -> int:
        """Rows that the table of embeddings needs."""
        return int(self.fields.max()) + 1

    def rates(self) -> Floats:
        """How often each ad is clicked in training, as shares [V]; an ad never clicked counts for one click."""
        clicked = np.concatenate((self.train.history.ravel(), self.train.answers[:, 0]))
        counts = np.bincount(clicked[clicked >= 0], minlength=len(self)) + 1.0
        rates: Floats = (counts / counts.sum()).astype(np.float32)
        return rates


def simulated(seed: int, *, ads: int, groups: int, users: int, judged: int, length: int = 15) -> Corpus:
    """The simulated world; each user gives one sample."""
    random = np.random.default_rng(seed)
    size = ads // groups  # of a category
    centres = _unit(random.standard_normal((groups, WIDTH)))
    z = _unit(centres[:, None] + SPREAD * _directions(random, (groups, size)))  # [G, size, K]
    known = _Ads(centres, z, random.standard_normal((groups, size), np.float32))
    train, test = (_clicks(random, known, n, length) for n in (users, judged))
    drawn = _drawn(random, train.chances)[:, None]
    learned = Clicks(
        history=train.history,
        answers=np.take_along_axis(train.answers, drawn, axis=1),
        chances=np.ones((users, 1), np.float32),
    )
    content = z.reshape(ads, WIDTH) + BLUR * random.standard_normal((ads, WIDTH), np.float32)
    fields = np.arange(ads)[:, None] // size + 1
    return Corpus(fields=fields, content=content.astype(np.float32), train=learned, test=test)


class _Ads(NamedTuple):
    centres: Floats  # [G, K]
    z: Floats  # [G, size, K]
    popularity: Floats  # [G, size] logs


def _clicks(random: np.random.Generator, ads: _Ads, n: int, length: int) -> Clicks:
    """n new users with all their probabilities."""
    groups, size = ads.popularity.shape
    history, answers = np.empty((n, length), np.int64), np.empty((n, INTERESTS * size), np.int64)
    chances = np.empty((n, INTERESTS * size), np.float32)
    for start in range(0, n, 512):
        part = slice(start, min(start + 512, n))
        b = part.stop - part.start
        chosen = random.integers(groups, size=(b, INTERESTS))
        points = _unit(ads.centres[chosen] + SPREAD * _directions(random, (b, INTERESTS)))  # [b, 3, K]
        logits = BETA * (ads.z[chosen] @ points[..., None])[..., 0] + ads.popularity[chosen]  # [b, 3, size]
        p = np.exp(logits - logits.max(axis=2, keepdims=True))
        p *= random.dirichlet(np.ones(INTERESTS), b).astype(np.float32)[..., None] / p.sum(axis=2, keepdims=True)
        chances[part] = p.reshape(b, -1)
        answers[part] = (chosen[..., None] * size + np.arange(size)).reshape(b, -1)
        drawn = np.stack([_drawn(random, chances[part]) for _ in range(length)], axis=1)
        history[part] = np.take_along_axis(answers[part], drawn, axis=1)
    return Clicks(history=history, answers=answers, chances=chances)


def _drawn(random: np.random.Generator, chances: Floats) -> Ints:
    """One place a line of the chances [n, A], by their probabilities."""
    cumulated = chances.cumsum(axis=1)
    drawn: Ints = (cumulated < (random.random(len(chances)) * cumulated[:, -1])[:, None]).sum(axis=1)
    return drawn


def _directions(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Random vectors [*shape, K] of length about 1."""
    directions: Floats = random.standard_normal((*shape, WIDTH), np.float32) / np.float32(np.sqrt(WIDTH))
    return directions


def _unit(vectors: NDArray[np.floating]) -> Floats:
    unit: Floats = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
    return unit
