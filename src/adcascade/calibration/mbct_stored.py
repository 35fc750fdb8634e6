"""mbct.json: the calibration trees of ctr with the codes of their features, written by learning and read by serving."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.calibration.coding import Coder, FieldCodes
from adcascade.calibration.maps import Floats
from adcascade.calibration.mbct import LEAF, Trees
from adcascade.errors import BundleError

FILE = "mbct.json"


class StoredTrees(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file; lists by node, but for roots, edges and fields."""

    format: int = 1
    fields: tuple[FieldCodes, ...]
    edges: list[float]
    roots: list[int]
    feature: list[int]  # len(fields) is the score, LEAF a leaf
    left: list[int]
    right: list[int]
    k: list[float]
    sets: list[list[int]]  # the codes that go left


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTrees:
    """Trees, and how the values of features become their codes."""

    trees: Trees
    coder: Coder

    def __call__(self, p: Floats, rows: NDArray[np.integer]) -> Floats:
        """Calibrated [n] of probabilities [n] and the values [n, F] of the fields."""
        return self.trees(p, self.coder(rows))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the F fields."""
        return tuple(one.name for one in self.coder.fields)


def write_trees(folder: Path, given: FeatureTrees) -> None:
    """Write mbct.json into the folder of the calibration stage."""
    trees = given.trees
    stored = StoredTrees(
        fields=given.coder.fields,
        edges=trees.edges.tolist(),
        roots=trees.roots.tolist(),
        feature=trees.feature.tolist(),
        left=trees.left.tolist(),
        right=trees.right.tolist(),
        k=trees.k.tolist(),
        sets=[np.flatnonzero(row).tolist() for row in trees.goes_left],
    )
    (folder / FILE).write_bytes(msgspec.json.encode(stored))


def read_trees(folder: Path) -> FeatureTrees | None:
    """What was written; None where mbct.json is absent, BundleError where it is damaged."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=StoredTrees)
        coder = Coder(stored.fields)
        return FeatureTrees(trees=_decoded(stored, coder.codes), coder=coder)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BundleError(f"{path} holds no calibration trees ({error}); build the bundle again") from error


def _decoded(stored: StoredTrees, codes: int) -> Trees:
    """ValueError where a path through the nodes could leave them, or never end."""
    nodes, width = len(stored.feature), max(codes, len(stored.edges) + 1)
    if not nodes == len(stored.left) == len(stored.right) == len(stored.k) == len(stored.sets):
        raise ValueError(f"{nodes} nodes, but not as many links, factors and sets")
    feature, left, right = (np.array(x, np.int32) for x in (stored.feature, stored.left, stored.right))
    number, inner = np.arange(nodes), feature != LEAF
    links = np.stack([left, right])[:, inner]
    if np.any((feature < LEAF) | (feature > len(stored.fields))):
        raise ValueError(f"a node asks for a feature beyond the {len(stored.fields)} fields and the score")
    if np.any((links <= number[inner]) | (links >= nodes)) or not all(0 <= root < nodes for root in stored.roots):
        raise ValueError("a node's children do not come after it")
    k, edges = np.array(stored.k, np.float64), np.array(stored.edges, np.float64)
    if not np.all(np.isfinite(k) & (k > 0)) or not np.all(np.diff(edges) > 0):
        raise ValueError("a factor is not positive, or the edges of the score do not rise")
    goes_left = np.zeros((nodes, width), np.bool_)
    for node, members in enumerate(stored.sets):
        if not all(0 <= code < width for code in members):
            raise ValueError(f"node {node} sends codes beyond {width} to the left")
        goes_left[node, members] = True
    return Trees(
        roots=np.array(stored.roots, np.int32),
        feature=feature,
        left=left,
        right=right,
        k=k,
        goes_left=goes_left,
        edges=edges,
    )
