"""NeuralNetwork: the trained NannModel in NumPy, which is all that serving needs of it.

What a score needs of an ad alone is computed once an ad, its side: Q(e_v), and by linearity the ad's part W_v e_v of
the first layer. What it needs of the request alone is computed once a request. A score then begins with an addition:

    first = ReLU(W_v e_v + base + alpha . values),   alpha = softmax(keys . Q(e_v)),   base and values = W_u of the user

which is exact, and saves the first product. An ad's side takes A + H numbers where e_v takes E. Rows are ads: a layer
of n ads is [n, width], read from the ads' sides wherever they lie; buffers are the object's own.

Letters: n ads, N capacity in catalog rows, L steps that there are, E width of e_v, A of the attention (0 where nothing
is attended), H and G of the score's layers.
"""

from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from adcascade.errors import BundleError
from adcascade.retrieval.neural_kernels import add_first, last_layer, read_first, read_queries

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
FILE = "network.npz"
CHUNK = 512  # ads whose layers stay in the core's own cache
EPS = 1e-5  # of the layer norm


class UserSide(NamedTuple):
    """What the scores need of one request; L = 0 where nothing is attended."""

    base: Floats  # [H]
    keys: Floats  # [L, A]
    values: Floats  # [L, H], base included: alpha adds up to one


class NeuralNetwork:
    """`item_vectors` and `item_sides` once an ad, `user` once a request, `score_rows` for any ads; one thread."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        """weights: arrays by the names of the model's parameters, each [out, in] or [out]."""
        self.weights = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        w = self.weights
        self.width = len(w["item_last.bias"])
        self.attends = "query.0.weight" in w
        attention = len(w["query.2.bias"]) if self.attends else 0
        second, first = w["second.weight"].shape
        self.side_width = attention + first
        self._turned = np.ascontiguousarray(w["second.weight"].T)  # [H, G]
        self._last = (w["last.weight"] * w["gain"])[0]  # [G]
        self._query, self._first, self._second = (
            np.empty((CHUNK, width), np.float32) for width in (attention, first, second)
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read network.npz; BundleError where it is damaged."""
        try:
            with np.load(folder / FILE, allow_pickle=False) as arrays:
                return cls({name: arrays[name] for name in arrays.files})
        except (OSError, ValueError, KeyError) as error:
            raise BundleError(f"{folder / FILE} cannot be read ({error}); export the model again") from error

    def save(self, folder: Path) -> None:
        """Write network.npz."""
        np.savez(folder / FILE, allow_pickle=False, **self.weights)

    def item_vectors(self, ads: Floats) -> Floats:
        """e_v [n, E] of the ads' embeddings and numbers end to end [n, F K + D]."""
        x = ads
        for place in range(0, 1000, 2):
            if f"item_network.{place}.weight" not in self.weights:
                break
            x = np.maximum(self._linear(f"item_network.{place}", x), 0)
        x = self._linear("item_last", x)
        x = x - x.mean(axis=1, keepdims=True)
        found: Floats = x / np.sqrt((x * x).mean(axis=1, keepdims=True) + EPS)
        return found

    def item_sides(self, e: Floats) -> Floats:
        """What scores need of the ads with these vectors [n, E]: their queries and first layers [n, A + H]."""
        sides = np.empty((len(e), self.side_width), np.float32)
        attention = self.side_width - self._first.shape[1]
        for start in range(0, len(e), CHUNK):
            part = slice(start, start + CHUNK)
            if self.attends:
                hidden = np.maximum(self._linear("query.0", e[part]), 0)
                sides[part, :attention] = self._linear("query.2", hidden)
            sides[part, attention:] = e[part] @ self.weights["item_first.weight"].T
        return sides

    def user(self, profile: Floats, steps: Floats) -> UserSide:
        """The request's side: its embeddings and numbers [P], and the L steps of its history [L, S K]."""
        w = self.weights
        width = w["profile_first.weight"].shape[1] - len(profile)
        mean = steps.mean(axis=0) if len(steps) else np.zeros(width, np.float32)
        base = self._linear("profile_first", np.concatenate((profile, mean[:width]))[None])[0]
        if not self.attends or not len(steps):
            return UserSide(base, np.empty((0, 0), np.float32), np.empty((0, len(base)), np.float32))
        keys = self._linear("key.2", np.maximum(self._linear("key.0", steps), 0))
        keys /= np.float32(np.sqrt(keys.shape[1]))
        return UserSide(base, keys, steps @ w["history_first.weight"].T + base)

    def score(self, user: UserSide, e: Floats) -> Floats:
        """s_u of the vectors e [n, E]: float32 [n]."""
        return self.score_rows(user, self.item_sides(e), np.arange(len(e), dtype=np.int32))

    def score_rows(self, user: UserSide, sides: Floats, rows: Rows) -> Floats:
        """s_u of the ads at rows [n] of the sides [N, A + H]: float32 [n]."""
        scores = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), CHUNK):
            part = slice(start, start + CHUNK)
            self._score(user, sides, rows[part], scores[part])
        return scores

    def _score(self, user: UserSide, sides: Floats, rows: Rows, scores: Floats) -> None:
        n = len(rows)
        query, first, second = self._query[:n], self._first[:n], self._second[:n]
        if len(user.keys):
            read_queries(sides, rows, query)
            alpha = user.keys @ query.T  # [L, n]
            alpha -= alpha.max(axis=0)
            np.exp(alpha, out=alpha)
            alpha /= alpha.sum(axis=0)
            np.matmul(alpha.T, user.values, out=first)
            add_first(sides, rows, first)
        else:
            read_first(sides, rows, user.base, first)
        np.matmul(first, self._turned, out=second)
        last_layer(second, self.weights["second.bias"], self._last, scores)

    def _linear(self, name: str, x: Floats) -> Floats:
        """x [n, in] -> [n, out]."""
        found: Floats = x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return found
