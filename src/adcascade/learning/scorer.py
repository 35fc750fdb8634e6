"""Scorer: runs an exported model on one request and n ads, without torch.

The packed table is memory-mapped; rows are gathered by NumPy into buffers that the Scorer owns and
that grow by doubling. ONNX Runtime runs with one thread: a serving process has one Scorer per thread.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.errors import BundleError
from adcascade.features import AdFeatures
from adcascade.learning.manifest import read_manifest

Floats = NDArray[np.float32]
Feed = dict[str, Floats]  # by name of a graph's input


class State(NamedTuple):
    """What scoring needs of one request."""

    tensors: tuple[Floats, ...]  # of the model's request side
    keys: NDArray[np.int64]  # [1, P] that the ads' keys are matched with
    scenario: int  # its number, by which a folded graph is chosen


class Scorer:
    """`user` once a request, then `score` for any ads of the catalog; not for two threads at once.

    ads: the encoded catalog, by the encoder that the model was trained with. Raises BundleError where
    the folder is damaged or belongs to another encoder.
    """

    def __init__(self, folder: Path, ads: AdFeatures) -> None:
        self.manifest = read_manifest(folder, ads.encoder.fingerprint)
        self._ads = ads
        self._table = mapped_table(folder)
        self._user, self._user_inputs = open_session(folder / "user.onnx")
        self._score = open_session(folder / "score.onnx")
        self._folded = {number: open_session(folder / f"score_{number}.onnx") for number in self.manifest.folded}
        self._embedded = np.empty((0, self.manifest.ad_fields, self.manifest.width), np.float32)
        self._numbers = np.empty((0, self.manifest.ad_numbers), np.float32)

    def user(self, request: Batch) -> State:
        """The state of one request's side (a Batch with B = 1 as `Encoder.encode_one` makes it)."""
        m = self.manifest
        embedded = self._table[request.ids[0]][None]  # [1, F, K]
        given: dict[str, NDArray[np.generic]] = {"embedded": embedded, "dense": request.dense}
        if "history" in self._user_inputs:
            given["history"] = self._table[request.history[0].ravel()].reshape(1, m.length, m.sequences, m.width)
        if "mask" in self._user_inputs:
            given["mask"] = np.arange(m.length)[None] < request.history_length[:, None]  # [1, L]
        tensors = tuple(self._user.run(None, {name: given[name] for name in self._user_inputs}))
        return State(tensors, request.keys, int(request.scenario[0]))

    def vectors(self, rows: NDArray[np.int32]) -> Floats:
        """What the model knows of the ads at these catalog rows [n], whatever the request: [n, F K + D]."""
        return ad_vectors(self._table, self._ads, rows)

    def score(self, state: State, rows: NDArray[np.int32]) -> Floats:
        """Logits float32 [n] of the ads at these catalog rows [n]."""
        if not len(rows):
            return np.empty(0, np.float32)
        return self.infer(state, self.feed(state, rows))

    def feed(self, state: State, rows: NDArray[np.int32]) -> Feed:
        """The graph's inputs for n > 0 ads, in buffers that the next call overwrites."""
        n = len(rows)
        if n > len(self._embedded):
            self._grow(n)
        embedded, numbers = self._embedded[:n], self._numbers[:n]
        ads, plain = self._ads, self._ads.dense.shape[1]
        np.take(self._table, ads.ids.take(rows, axis=0), axis=0, out=embedded, mode="clip")
        numbers[:, :plain] = ads.dense.take(rows, axis=0)
        ads.encoder.matches.of_rows(state.keys, ads.keys, rows, numbers, plain)
        feed = {"embedded": embedded, "dense": numbers}
        feed.update((f"state_{place}", part) for place, part in enumerate(state.tensors))
        return feed

    def infer(self, state: State, feed: Feed) -> Floats:
        """Logits float32 [n] of what `feed` gathered: the graph alone."""
        session, inputs = self._folded.get(state.scenario, self._score)
        logits: Floats = session.run(None, {name: feed[name] for name in inputs})[0]
        return logits

    def _grow(self, n: int) -> None:
        """Buffers for n ads, and some more."""
        capacity = max(2 * len(self._embedded), n, 256)
        self._embedded = np.empty((capacity, *self._embedded.shape[1:]), np.float32)
        self._numbers = np.empty((capacity, self._numbers.shape[1]), np.float32)


def mapped_table(folder: Path) -> Floats:
    """The packed table of an exported model, memory-mapped; BundleError where it cannot be read."""
    try:
        table: Floats = np.load(folder / "table.npy", mmap_mode="r").view(np.ndarray)
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder / 'table.npy'} cannot be read ({error}); export the model again") from error
    return table


def ad_vectors(table: Floats, ads: AdFeatures, rows: NDArray[np.int32]) -> Floats:
    """Embeddings end to end by a packed table, then the numbers, of the ads at these catalog rows [n]: [n, F K + D]."""
    embedded = table[ads.ids[rows]].reshape(len(rows), -1)
    return np.concatenate((embedded, ads.dense[rows]), axis=1, dtype=np.float32)


def open_session(path: Path) -> tuple[ort.InferenceSession, tuple[str, ...]]:
    """An ONNX Runtime session with one thread, and the names of its inputs; BundleError where it cannot be read."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no public base
        raise BundleError(f"{path} cannot be loaded ({error}); restore the bundle or export the model again") from error
    return session, tuple(one.name for one in session.get_inputs())
