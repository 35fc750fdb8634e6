"""The category tree as arrays: where each leaf lies in the space of interests, how near leaves are, and their words."""

from dataclasses import dataclass

import numpy as np

from adcascade.market.arrays import Floats, Ints, Singles
from adcascade.market.streams import Purpose, stream
from adcascade.market.words import FILLERS, TREE

WIDTH = 16  # D, of interest vectors
_SISTER = 0.35  # how much a page of a sister category (same department) matches


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryTree:
    """C leaf categories of a few departments."""

    paths: tuple[str, ...]  # [C] "sports/shoes"
    departments: tuple[str, ...]
    department: Ints  # [C] index into departments
    centre: Singles  # [C, D] unit vectors; leaves of one department lie near each other
    match: Singles  # [C + 1, C] 1 same leaf, 0.35 same department, else 0; the last row (page without category) is 0
    popularity: Floats  # [C] shares, sum 1
    words: tuple[str, ...]  # [W] all words
    own_words: Ints  # [C, 6] words of the leaf
    fillers: Ints  # words that say nothing about a category

    def __len__(self) -> int:
        """The number of leaves, C."""
        return len(self.paths)


def category_tree(seed: int) -> CategoryTree:
    """The tree of this market: its names are always the same, places and popularity differ with the seed."""
    random = stream(seed, Purpose.CATEGORIES)
    departments = tuple(TREE)
    paths = tuple(f"{department}/{leaf}" for department, leaves in TREE.items() for leaf in leaves)
    department = np.repeat(np.arange(len(TREE), dtype=np.int32), [len(leaves) for leaves in TREE.values()])
    words, own_words = _words()
    same_department = department[:, None] == department[None, :]
    match = np.where(np.eye(len(paths), dtype=bool), 1.0, _SISTER * same_department)
    popularity = np.exp(0.6 * random.standard_normal(len(paths)))
    return CategoryTree(
        paths=paths,
        departments=departments,
        department=department,
        centre=_centres(random, department),
        match=np.vstack([match, np.zeros(len(paths))]).astype(np.float32),
        popularity=popularity / popularity.sum(),
        words=(*words, *FILLERS),
        own_words=own_words,
        fillers=np.arange(len(words), len(words) + len(FILLERS), dtype=np.int32),
    )


def _words() -> tuple[list[str], Ints]:
    """Every word of the leaves once, and which belong to which leaf [C, 6]."""
    number: dict[str, int] = {}
    rows = [
        [number.setdefault(word, len(number)) for word in text.split()]
        for leaves in TREE.values()
        for text in leaves.values()
    ]
    return list(number), np.array(rows, np.int32)


def _centres(random: np.random.Generator, department: Ints) -> Singles:
    """Unit vectors [C, D]: a direction of the department plus one of the leaf."""
    trunks = random.standard_normal((department.max() + 1, WIDTH))
    trunks, _ = np.linalg.qr(trunks.T)  # departments stand at right angles
    leaves = random.standard_normal((len(department), WIDTH)) / np.sqrt(WIDTH)
    centre = 0.65 * trunks.T[department] + leaves
    return np.asarray(centre / np.linalg.norm(centre, axis=1, keepdims=True), np.float32)
