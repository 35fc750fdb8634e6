"""PrerankingNetwork: the trained PrerankingMLP in NumPy, which is all that serving needs of it.

The first layer is linear in what it reads, so each of its three parts is computed where it is known:

    logit = tower(relu(base + side + W_m m))     base = W_u u + b     once a request
                                                 side = W_a a         once an ad
                                                 m                    what the two have in common: once a pair

A pair then costs an addition, and next to nothing for matches that are 0, as most are. The numbers are the model's.

Letters: n ads, N capacity in catalog rows, U width of u, A of a, M matches, H of the first layer.
"""

from pathlib import Path
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from adcascade.errors import BundleError
from adcascade.features.prefetch import AHEAD, fetch_row

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
FILE = "network.npz"
VECTORS = {"reassoc", "contract", "nsz", "nnan"}  # sums in any order, no NaN: else no vector instructions are used
CHUNK = 256  # ads whose layers stay in the core's own cache


class PrerankingNetwork:
    """`sides` once an ad, `base` once a request, `logits` for any ads; one thread at a time."""

    def __init__(self, weights: dict[str, Floats], matches: int) -> None:
        """weights: arrays by the names of the model's parameters, each [out, in] or [out]; matches: M, read last."""
        self._weights = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        w = self._weights
        own = w["first.ad_weight"].shape[1] - matches
        self.request_width, self.ad_width, self.width = w["first.request_weight"].shape[1], own, len(w["first.bias"])
        self._side, self._match = (
            np.ascontiguousarray(part.T) for part in np.split(w["first.ad_weight"], [own], axis=1)
        )  # [A, H], [M, H]
        places = sorted(int(name.split(".")[1]) for name in w if name.startswith("tower.") and name.endswith("weight"))
        self._tower = [(np.ascontiguousarray(w[f"tower.{p}.weight"].T), w[f"tower.{p}.bias"]) for p in places]
        self._layers = [np.empty((CHUNK, self.width), np.float32)]
        self._layers += [np.empty((CHUNK, len(bias)), np.float32) for _, bias in self._tower]

    @classmethod
    def load(cls, folder: Path, matches: int) -> Self:
        """Read network.npz; BundleError where it is damaged."""
        try:
            with np.load(folder / FILE, allow_pickle=False) as arrays:
                return cls({name: arrays[name] for name in arrays.files}, matches)
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise BundleError(f"{folder / FILE} cannot be read ({error}); export the model again") from error

    def save(self, folder: Path) -> None:
        """Write network.npz into an existing folder."""
        np.savez(folder / FILE, allow_pickle=False, **self._weights)

    def base(self, u: Floats) -> Floats:
        """The request's part of the first layer: u [U] -> [H]."""
        found: Floats = self._weights["first.request_weight"] @ u + self._weights["first.bias"]
        return found

    def sides(self, a: Floats) -> Floats:
        """The ads' own part of the first layer: [n, A] -> [n, H]."""
        found: Floats = a @ self._side
        return found

    def logits(self, base: Floats, sides: Floats, rows: Rows, matches: Floats) -> Floats:
        """Of the ads at rows [n] of the sides [N, H], which have these matches [n, M]: float32 [n]."""
        logits = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), CHUNK):
            some = slice(start, start + CHUNK)
            self._judge(base, sides, rows[some], matches[some], logits[some])
        return logits

    def _judge(self, base: Floats, sides: Floats, rows: Rows, matches: Floats, logits: Floats) -> None:
        layer = self._layers[0][: len(rows)]
        first_layer(sides, rows, base, matches, self._match, layer)
        last = len(self._tower) - 1
        for place, ((weight, bias), buffer) in enumerate(zip(self._tower, self._layers[1:], strict=True)):
            layer = np.matmul(layer, weight, out=buffer[: len(rows)])
            layer += bias
            if place < last:
                np.maximum(layer, 0, out=layer)
        logits[:] = layer[:, 0]


@njit(cache=True, fastmath=VECTORS)
def first_layer(sides: Floats, rows: Rows, base: Floats, matches: Floats, weight: Floats, out: Floats) -> None:  # noqa: PLR0917  compiled functions take no keywords
    """relu(base [H] + sides [N, H] at rows [n] + matches [n, M] @ weight [M, H]) -> out [n, H]."""
    for place in range(len(rows)):
        if place + AHEAD < len(rows):
            fetch_row(sides, rows[place + AHEAD])
        side, layer = sides[rows[place]], out[place]
        for unit in range(len(base)):
            layer[unit] = base[unit] + side[unit]
        for match in range(matches.shape[1]):
            value = matches[place, match]
            if value != 0:
                for unit in range(len(base)):
                    layer[unit] += value * weight[match, unit]
        for unit in range(len(base)):
            layer[unit] = max(layer[unit], np.float32(0))
