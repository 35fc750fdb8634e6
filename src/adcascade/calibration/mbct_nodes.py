"""The nodes of calibration trees while they grow: leaves are split, and splits that did not pay are taken back."""

import numpy as np

from adcascade.calibration.mbct import LEAF, Floats, Ints, Trees
from adcascade.calibration.mbct_split import Split


class Nodes:
    """The arrays of Trees while they grow; the numbers of a node's children are above its own."""

    def __init__(self, most: int, width: int, edges: Floats) -> None:
        """Room for `most` nodes and `width` codes; edges: of the score's bins."""
        self.count, self.edges = 0, edges
        self.feature, self.left, self.right = (np.full(most, LEAF, np.int32) for _ in range(3))
        self.k, self.z = np.ones(most), np.zeros(most)
        self.goes_left = np.zeros((most, width), np.bool_)

    def leaf(self, k: float) -> int:
        """A new leaf; returns its number."""
        node = self.count
        self.count += 1
        self.feature[node], self.left[node], self.right[node], self.k[node], self.z[node] = LEAF, LEAF, LEAF, k, 0.0
        return node

    def split(self, node: int, split: Split, k_left: float, k_right: float) -> tuple[int, int]:
        """Give a leaf two children; returns the smaller first."""
        left, right = self.leaf(k_left), self.leaf(k_right)
        self.feature[node], self.left[node], self.right[node] = split.feature, left, right
        self.goes_left[node], self.z[node] = split.goes_left, split.z
        return (left, right) if split.left[0] <= split.right[0] else (right, left)

    def prune(self, root: int, z: float) -> Ints:
        """Take back the splits from `root` on with no z that high at or below them; returns each node's new number."""
        number = np.arange(self.count, dtype=np.int32)
        kept = np.zeros(self.count, np.bool_)
        inner = [node for node in range(root, self.count) if self.feature[node] != LEAF]
        for node in reversed(inner):
            kept[node] = self.z[node] >= z or kept[self.left[node]] or kept[self.right[node]]
        for node in inner:
            if not kept[node]:
                number[[self.left[node], self.right[node]]] = number[node]
                self.feature[node] = self.left[node] = self.right[node] = LEAF
        stay = np.flatnonzero(number == np.arange(self.count))
        number = np.searchsorted(stay, number).astype(np.int32)
        for values in (self.feature, self.left, self.right, self.k, self.z, self.goes_left):
            values[: len(stay)] = values[stay]
        self.count = len(stay)
        for links in (self.left[root : self.count], self.right[root : self.count]):
            links[links != LEAF] = number[links[links != LEAF]]
        return number

    def trees(self, roots: list[int]) -> Trees:
        """What was grown."""
        used = slice(0, self.count)
        return Trees(
            roots=np.array(roots, np.int32),
            feature=self.feature[used],
            left=self.left[used],
            right=self.right[used],
            k=self.k[used],
            goes_left=self.goes_left[used],
            edges=self.edges,
        )
