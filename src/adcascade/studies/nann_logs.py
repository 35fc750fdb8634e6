"""Public logs as a corpus for the study of NANN: ads are items known by their id alone, the next item is the click.

sequences_5core: histories of Amazon Beauty, 12,101 items; users are parted, and a judged user's last item is the click.
sessions_diginetica: sessions of a shop, 43,097 items; judged by the publisher's test sessions, of the week after.
"""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adcascade.studies.nann_world import Clicks, Corpus, Floats, Ints

Mask = NDArray[np.bool_]
BEAUTY, DIGINETICA = "sequences_5core", "sessions_diginetica"
SOURCES = {
    BEAUTY: "https://github.com/RUCAIBox/CIKM2020-S3Rec",
    DIGINETICA: "https://github.com/CCIIPLab/GCE-GNN",
}


def beauty(folder: Path, seed: int, *, judged: int, length: int) -> Corpus:
    """Amazon Beauty; `judged` users, drawn by the seed, teach nothing."""
    table = pq.read_table(folder / "amazon_beauty.parquet")  # in order of user and position
    users, items = table["user_id"].to_numpy(), table["item_id"].to_numpy().astype(np.int64)
    starts = np.flatnonzero(np.diff(users, prepend=users[0] - 1))
    chosen = np.random.default_rng(seed).permutation(len(starts))[:judged]
    held = np.zeros(len(starts), np.bool_)
    held[chosen] = True
    ends = np.append(starts[1:], len(items))
    last = np.zeros(len(items), np.bool_)
    last[ends[held] - 1] = True
    taught = np.repeat(~held, ends - starts)
    first = np.repeat(starts, ends - starts)
    return _corpus(items, first, taught, last, length)


def diginetica(folder: Path, seed: int, *, judged: int, length: int) -> Corpus:
    """Diginetica; `judged` test samples drawn by the seed."""
    sessions = pq.read_table(folder / "train.parquet")["items"].combine_chunks()
    test = pq.read_table(folder / "test.parquet")
    test = test.take(np.random.default_rng(seed).permutation(len(test))[:judged])
    prefixes = [[*line["items"], line["next_item"]] for line in test.to_pylist()]
    offsets = np.concatenate(
        (sessions.offsets.to_numpy(), np.cumsum([len(p) for p in prefixes]) + len(sessions.values))
    )
    items = np.concatenate((sessions.values.to_numpy(), *map(np.asarray, prefixes))).astype(np.int64)
    lengths = np.diff(offsets)
    taught = np.repeat(np.arange(len(lengths)) < len(sessions), lengths)
    last = np.zeros(len(items), np.bool_)
    last[offsets[len(sessions) + 1 :] - 1] = True
    return _corpus(items, np.repeat(offsets[:-1], lengths), taught, last, length)


def _corpus(items: Ints, first: Ints, taught: Mask, last: Mask, length: int) -> Corpus:
    """Every item of who is taught, but the first, is a click after what came before; `last` are the judged ones."""
    place = np.arange(len(items))
    later = place > first
    fields = np.arange(1, int(items.max()) + 1)[:, None]
    content: Floats = np.empty((len(fields), 0), np.float32)
    train, test = (_clicks(items - 1, first, np.flatnonzero(which & later), length) for which in (taught, last))
    return Corpus(fields=fields, content=content, train=train, test=test)


def _clicks(items: Ints, first: Ints, places: Ints, length: int) -> Clicks:
    """Samples whose click is at these places of the log [n]."""
    begin = np.maximum(first[places], places - length)
    steps = begin[:, None] + np.arange(length)  # [n, L]
    history = np.where(steps < places[:, None], items[np.minimum(steps, len(items) - 1)], -1)
    return Clicks(history=history, answers=items[places][:, None], chances=np.ones((len(places), 1), np.float32))
