"""NeuralNetwork: the trained NannModel in NumPy, which is all that serving needs of it.

Columns are ads: a layer of n ads is [width, n], so that biases, softmax and ReLU run along memory, and buffers are the
object's own. Per request the query's last layer is folded into the keys: with h the hidden layer of Q,
Q . K_l = h . (W_q K_l) + b_q . K_l. The item's half of the first layer and the hidden layer of Q are one product.

Letters: n ads, L steps that there are, E width of e_v, A of the attention, D of its hidden layer, H and G of the score.
"""

from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from adcascade.errors import BundleError

Floats = NDArray[np.float32]
FILE = "network.npz"
CHUNK = 2048  # ads whose layers fit into the cache together
EPS = 1e-5  # of the layer norm


class UserSide(NamedTuple):
    """What the scores need of one request; L = 0 where nothing is attended."""

    base: Floats  # [H, 1]
    keys: Floats  # [L, D], folded with the query's last layer
    bias: Floats  # [L, 1]
    values: Floats  # [H, L]


class NeuralNetwork:
    """`item_vectors` once an ad, `user` once a request, `score` for any ads; one thread at a time."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        """weights: arrays by the names of the model's parameters, each [out, in] or [out]."""
        self.weights = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        w = self.weights
        self.width = len(w["item_last.bias"])
        self.attends = "query.0.weight" in w
        hidden, first = (len(w["query.0.bias"]) if self.attends else 0), len(w["item_first.weight"])
        self._hidden = hidden
        query = w["query.0.weight"] if self.attends else np.empty((0, self.width), np.float32)
        self._joint = np.concatenate((query, w["item_first.weight"]))  # [D + H, E]
        self._query_bias = w["query.0.bias"][:, None] if self.attends else np.empty((0, 1), np.float32)
        self._last = w["last.weight"] * w["gain"]  # [1, G]
        self._second_bias = w["second.bias"][:, None]
        self._layer = np.empty((hidden + first, CHUNK), np.float32)
        self._added = np.empty((first, CHUNK), np.float32)
        self._second = np.empty((len(self._second_bias), CHUNK), np.float32)

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

    def user(self, profile: Floats, steps: Floats) -> UserSide:
        """The request's side: its embeddings and numbers [P], and the L steps of its history [L, S K]."""
        w, first = self.weights, len(self._added)
        width = w["profile_first.weight"].shape[1] - len(profile)
        mean = steps.mean(axis=0) if len(steps) else np.zeros(width, np.float32)
        base = self._linear("profile_first", np.concatenate((profile, mean[:width]))[None]).T  # [H, 1]
        if not self.attends:
            nothing = np.empty((0, 0), np.float32)
            return UserSide(base, nothing, np.empty((0, 1), np.float32), np.empty((first, 0), np.float32))
        keys = self._linear("key.2", np.maximum(self._linear("key.0", steps), 0))
        keys /= np.float32(np.sqrt(keys.shape[1]))  # [L, A]
        return UserSide(
            base,
            keys @ w["query.2.weight"],
            (keys @ w["query.2.bias"])[:, None],
            w["history_first.weight"] @ steps.T,
        )

    def score(self, user: UserSide, e: Floats) -> Floats:
        """s_u of the vectors e [n, E]: float32 [n]."""
        scores = np.empty(len(e), np.float32)
        for start in range(0, len(e), CHUNK):
            part = e[start : start + CHUNK]
            scores[start : start + CHUNK] = self._score(user, part)
        return scores

    def _score(self, user: UserSide, e: Floats) -> Floats:
        n, hidden = len(e), self._hidden
        layer, added, second = (  # [D + H, n], [H, n], [G, n]
            buffer.reshape(-1)[: len(buffer) * n].reshape(len(buffer), n)
            for buffer in (self._layer, self._added, self._second)
        )
        np.matmul(self._joint, e.T, out=layer)
        first = layer[hidden:]
        first += user.base
        if len(user.keys):
            h = layer[:hidden]
            h += self._query_bias
            np.maximum(h, 0, out=h)
            alpha = user.keys @ h  # [L, n]
            alpha += user.bias
            alpha -= alpha.max(axis=0)
            np.exp(alpha, out=alpha)
            alpha /= alpha.sum(axis=0)
            first += np.matmul(user.values, alpha, out=added)
        np.maximum(first, 0, out=first)
        np.matmul(self.weights["second.weight"], first, out=second)
        second += self._second_bias
        np.maximum(second, 0, out=second)
        found: Floats = (self._last @ second)[0]
        return found

    def _linear(self, name: str, x: Floats) -> Floats:
        """x [n, in] -> [n, out]."""
        found: Floats = x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return found
