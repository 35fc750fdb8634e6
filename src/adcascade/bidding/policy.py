"""A learned bidding policy as serving knows it: a small Q network in NumPy, and how its level becomes alpha.

    o = (share of the budget left, v / usual v, share of the traffic left, one-hot group)
    level b = argmax over affordable levels of Q(o, b)                         alpha = b / (v / usual v)

A group is what advertisers of one objective have in common: they share the network, and each of them feeds it its own
observation (v: mean value of its last slot, usual v: of all slots that it is shown). A level is a mean bid in units of
the usual value, as in the world where the policy learned.

    policy.npz    weight_0 [D, H], bias_0 [1, H], ..., grid [K]
    policy.json   what it is, its groups, and what it was learned from

Letters in shapes: D width of an observation, H hidden width, K levels; `...` whatever stands before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.contracts.bidder import BidState, PastSlot
from adcascade.errors import BundleError, DataMissingError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
FORMAT = 1
REMEDY = "learn one with `adcascade bidder train`, or set bidding.method to pacing"


class PolicyManifest(msgspec.Struct, frozen=True, kw_only=True):
    """policy.json: what a policy says of itself."""

    method: str
    groups: tuple[str, ...]  # in order of their numbers
    seed: int
    until_us: int  # the log up to here was learned from
    auctions: int  # of it
    figures: dict[str, float]  # of the learning world
    format: int = FORMAT


def allowed(grid: NDArray[np.floating], affordable: NDArray[np.floating]) -> Flags:
    """Which levels [..., K] may be bid with so much affordable [...]; the lowest always may."""
    may = grid <= affordable[..., None] + 1e-6
    may[..., 0] = True
    return np.asarray(may)


@dataclass(frozen=True, slots=True)
class Policy:
    """A network and its manifest."""

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    grid: Floats  # [K] rising
    manifest: PolicyManifest

    def values(self, seen: Floats) -> Floats:
        """Q of all levels: observations [..., D] -> [..., K]."""
        x, last = seen, len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = x @ weight + bias[0]
            if layer < last:
                x = np.maximum(x, 0.0)
        return x

    def bidder(self, group: str, scale: float = 1.0) -> "PolicyBidder":
        """The Bidder of a group; DataMissingError for one that the policy has not learned."""
        if group not in self.manifest.groups:
            raise DataMissingError(f"the policy knows no group {group!r}, only {self.manifest.groups}; {REMEDY}")
        return PolicyBidder(self, self.manifest.groups.index(group), scale)

    def save(self, folder: Path) -> None:
        """Write policy.npz and policy.json into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        layers: dict[str, Any] = {f"weight_{i}": weight for i, weight in enumerate(self.weights)}
        layers |= {f"bias_{i}": bias for i, bias in enumerate(self.biases)}
        np.savez(folder / "policy.npz", grid=self.grid, **layers)
        (folder / "policy.json").write_bytes(msgspec.json.format(msgspec.json.encode(self.manifest), indent=1))


def load_policy(folder: Path) -> Policy:
    """Read a policy; DataMissingError where there is none, BundleError where it cannot be read."""
    if not (folder / "policy.json").exists():
        raise DataMissingError(f"there is no bidding policy in {folder}; {REMEDY}")
    try:
        manifest = msgspec.json.decode((folder / "policy.json").read_bytes(), type=PolicyManifest)
        with np.load(folder / "policy.npz") as stored:
            layers = range(len(stored.files) // 2)
            weights = tuple(stored[f"weight_{i}"] for i in layers)
            biases = tuple(stored[f"bias_{i}"] for i in layers)
            grid = stored["grid"]
    except (OSError, ValueError, KeyError, msgspec.DecodeError) as error:
        raise BundleError(f"the bidding policy in {folder} cannot be read: {error}; {REMEDY}") from error
    if manifest.format != FORMAT:
        raise BundleError(f"the bidding policy in {folder} has format {manifest.format}, not {FORMAT}; {REMEDY}")
    return Policy(weights, biases, grid, manifest)


@dataclass(frozen=True, slots=True)
class PolicyBidder:
    """One member of a group: a Bidder, in the market as in the server.

    scale: bid per unit of value at level 1, where the value is a probability (AuctionNet: the CPA bound C).
    """

    policy: Policy
    group: int
    scale: float = 1.0

    def alpha(self, state: BidState, history: Sequence[PastSlot]) -> float:
        """scale * level / value; the value is taken as usual where no slot had opportunities."""
        return self.alphas([state], [history])[0]

    def alphas(self, states: Sequence[BidState], histories: Sequence[Sequence[PastSlot]]) -> list[float]:
        """The same for many campaigns of the group, by one pass through the network."""
        policy = self.policy
        value = np.array([value_now(history) for history in histories])
        number = np.tile(np.eye(len(policy.manifest.groups))[self.group], (len(states), 1))
        money = np.array([[state.budget_left, 1.0 - state.planned] for state in states])
        seen = np.column_stack([money[:, 0], value, money[:, 1], number])
        affordable = np.where(money[:, 0] > 0, np.inf, 0.0)
        best = np.where(allowed(policy.grid, affordable), policy.values(seen), -np.inf).argmax(axis=-1)
        answers: list[float] = (self.scale * policy.grid[best] / value).tolist()
        return answers


def value_now(history: Sequence[PastSlot]) -> float:
    """Mean value of the last slot that had opportunities, relative to the mean of all such slots; 1 without any."""
    known = [past.mean_value for past in history if past.mean_value > 0]
    return known[-1] * len(known) / sum(known) if known else 1.0
