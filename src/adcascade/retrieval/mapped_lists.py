"""MappedLists: the lists of faiss' IVF,SQ8 as they lie in an image, and what was added since in lists of its own.

faiss reads lists of a file by OnDiskInvertedLists: of each list its 8-bit vectors, then their ids. These are never
written; who was removed or replaced since is filtered out, and who came is searched in a small second inverted file of
the same centres. To AdIndex it looks like the one inverted file that it would have in memory.

Letters: L lists, M vectors, Q queries.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import Bits, are_in, patch_of, switch_off
from adcascade.catalog.packed.image import Array, Image

_faiss: Any = faiss  # its stubs do not know what its Python layer adds


def pack_lists(ivf: Any) -> dict[str, Array]:
    """The arrays of `MappedLists` of an index in memory."""
    lists = ivf.invlists
    sizes = np.array([lists.list_size(number) for number in range(lists.nlist)], np.int64)
    stretches: list[Array] = [np.empty(0, np.uint8)]
    for number, size in enumerate(sizes.tolist()):
        if size:
            stretches.append(_faiss.rev_swig_ptr(lists.get_codes(number), size * lists.code_size))
            stretches.append(_faiss.rev_swig_ptr(lists.get_ids(number), size).view(np.uint8))
    empty = _faiss.clone_index(ivf)
    empty.reset()
    empty.nprobe = ivf.nprobe
    listed = np.concatenate(stretches)
    return {"empty": _faiss.serialize_index(empty), "sizes": sizes, "listed": listed, "alive": _ids(ivf, sizes)}


def _ids(ivf: Any, sizes: NDArray[np.int64]) -> Bits:
    """The bitmap of all ids."""
    held = [np.empty(0, np.int64)]
    for number, size in enumerate(sizes.tolist()):
        if size:
            held.append(_faiss.rev_swig_ptr(ivf.invlists.get_ids(number), size).copy())
    ids = np.concatenate(held)
    alive = np.zeros((int(ids.max(initial=-1)) >> 3) + 1, np.uint8)
    patch = patch_of(ids)
    alive[patch.byte] = patch.mask
    return alive


class MappedLists:
    """What AdIndex asks of a faiss.IndexIVFScalarQuantizer."""

    def __init__(self, image: Image) -> None:
        """image: what `pack_lists` wrote."""
        arrays = image.arrays
        self._base, self._live = (_faiss.deserialize_index(arrays["empty"].copy()) for _ in range(2))
        self._alive: Bits = arrays["alive"]  # ids of the base that were neither removed nor replaced
        self._removed = False
        self.nlist, self.nprobe = int(self._base.nlist), int(self._base.nprobe)
        self._lists = _on_disk(image, int(self._base.code_size))
        self._base.replace_invlists(self._lists, False)
        self._base.ntotal = int(arrays["sizes"].sum())
        self._image = image  # keeps the file open

    def add_with_ids(self, vectors: NDArray[np.float32], ids: NDArray[np.int64]) -> None:
        """Vectors [M, K] of ids [M] that are not in it."""
        self._live.add_with_ids(vectors, ids)

    def remove_ids(self, selector: Any) -> None:
        """selector: an IDSelectorArray of ids that are in it."""
        ids = _faiss.rev_swig_ptr(selector.ids, selector.n)
        here = ids[ids < 8 * len(self._alive)]
        switch_off(self._alive, patch_of(here))
        self._removed = True
        self._live.remove_ids(selector)

    def search(self, queries: NDArray[np.float32], k: int, *, params: Any) -> tuple[Array, Array]:
        """Scores and ids of the best of the lists that `params` says, [Q, 2 k], -1 where there are fewer."""
        given = params
        if self._removed and params.sel is None:
            given = _faiss.SearchParametersIVF(sel=_faiss.IDSelectorBitmap(self._alive), nprobe=params.nprobe)
        scores, ids = self._base.search(queries, k, params=given)
        ids[~_inside(self._alive, ids)] = -1
        more, found = self._live.search(queries, k, params=params)
        return np.concatenate((scores, more), axis=1), np.concatenate((ids, found), axis=1)


def _inside(alive: Bits, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each id, -1 too, is alive."""
    inside = ids >= 0
    inside[inside] = are_in(alive, ids[inside])
    return inside


def _on_disk(image: Image, code_size: int) -> Any:
    """faiss' view of the lists in the file."""
    sizes = image.arrays["sizes"]
    lists = _faiss.OnDiskInvertedLists()
    lists.nlist, lists.code_size = len(sizes), code_size
    lists.filename, lists.totsize = image.path, Path(image.path).stat().st_size
    lists.read_only, lists.prefetch_nthread = True, 0
    begin = image.offset("listed")
    for size in sizes.tolist():
        one = _faiss.OnDiskOneList()
        one.size = one.capacity = size
        one.offset = begin
        lists.lists.push_back(one)
        begin += size * (code_size + 8)
    lists.do_mmap()
    return lists
