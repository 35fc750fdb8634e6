"""Ali-CCP (Alibaba, Ma et al. 2018, "Entire Space Multi-Task Model"): clicks and purchases in Taobao search.

Two CSV files without headers for each of train and test: `sample_skeleton_*.csv` (sample id, click, purchase,
key of the user's features, number of features, features) and `common_features_*.csv` (key, number, features).
Features are `field \\x02 value \\x03 weight`, joined by \\x01. The common features (of a user in a moment, with
bags of what he did before) are larger than memory: they are put into a SQLite file in a temporary folder once,
and looked up for every block. Rows keep the order of the file: it has no time.

A bag (109_14 categories, 110_14 shops, 127_14 brands, 150_14 intentions) becomes a sequence of its 50 heaviest
items, the heaviest last. The crossed fields 508, 509, 702 and 853 (a bag's weight at the ad's own value) are left out:
they belong to a pair of user and ad, which no side of a request can know.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adcascade.events.importers.badrows import Fault
from adcascade.events.importers.base import Importer, Log, Options, by_name, categorical, declare, files, need
from adcascade.events.importers.blocks import read_blocks, read_numbered
from adcascade.events.importers.columns import finish
from adcascade.events.importers.fields import Field
from adcascade.events.importers.text import Dialect

LENGTH = 50
USER = {
    "101": "user_id", "121": "profile", "122": "group", "124": "gender", "125": "age", "126": "consumption",
    "127": "consumption_2", "128": "worker", "129": "geography",
}  # fmt: skip
AD = {"205": "item_id", "206": "category", "207": "shop", "210": "intention", "216": "brand"}
CONTEXT = {"301": "position_code"}
BAGS = {"109_14": "category", "110_14": "shop", "127_14": "brand", "150_14": "intention"}
FEATURES = (
    *categorical(" ".join(USER.values()), "user", min_count=2),
    *(declare(f"past_{of}", "user", "sequence", of=of, length=LENGTH) for of in BAGS.values()),
    *categorical(" ".join(CONTEXT.values()), "context", min_count=2),
    *categorical(" ".join(AD.values()), "ad", min_count=2),
)
ENTRY = "[^\x01\x02\x03]+\x02[^\x01\x02\x03]+\x03[-+.0-9eE]+"
LIST = Field(name="list", required=True, pattern=f"{ENTRY}(?:\x01{ENTRY})*")
SKELETON = Dialect(columns=("sample_id", "click", "conversion", "common", "number", "list"), quotes=False)
COMMON = Dialect(columns=("common", "number", "list"), quotes=False)
SKELETON_FIELDS = (
    Field(name="request_id", source=("sample_id",), required=True),
    Field(name="click", kind="flag", required=True),
    Field(name="conversion", kind="flag", required=True),
    Field(name="common", required=True),
    LIST,
)
COMMON_FIELDS = (Field(name="common", required=True), LIST)
KINDS = {"common": ("common",), "skeleton": ("skeleton",)}
OWN = CONTEXT | AD  # fields of the skeleton itself
COLUMNS = (*USER.values(), *(f"past_{of}" for of in BAGS.values()))  # what the store has of a key, in this order
STORED = pa.schema([(name, pa.list_(pa.string()) if name.startswith("past_") else pa.string()) for name in COLUMNS])
Stored = list[str | list[str] | None]


def read(sources: Sequence[Path], options: Options) -> Log:
    """The samples in order, each with its common features; a sample without them is a malformed row."""
    chosen = by_name(files(sources, ("sample_skeleton_*", "common_features_*")), KINDS)
    need(chosen["skeleton"], "sample_skeleton_*.csv")
    need(chosen["common"], "common_features_*.csv")
    return Log(features=FEATURES, tables=_tables(chosen, options))


def _tables(chosen: dict[str, list[Path]], options: Options) -> Iterator[pa.Table]:
    """Put the common features into the store, then join the samples block by block."""
    with (
        TemporaryDirectory(prefix="adcascade-aliccp-") as folder,
        closing(sqlite3.connect(Path(folder) / "common.sqlite")) as store,
    ):
        _fill(store, chosen["common"], options)
        for path in chosen["skeleton"]:
            for block, numbers in read_numbered(path, SKELETON_FIELDS, SKELETON, options):
                yield _join(path, block, numbers, store, options)


def _fill(store: sqlite3.Connection, paths: Sequence[Path], options: Options) -> None:
    """Write every key's features into the store."""
    store.execute("CREATE TABLE common (key TEXT PRIMARY KEY, features BLOB) WITHOUT ROWID")
    for path in paths:
        for block in read_blocks(path, COMMON_FIELDS, COMMON, options):
            pairs = zip(block["common"].to_pylist(), block["list"].to_pylist(), strict=True)
            rows = ((key, msgspec.msgpack.encode(_stored(text))) for key, text in pairs)
            store.executemany("INSERT OR REPLACE INTO common VALUES (?, ?)", rows)
    store.commit()


def _stored(text: str) -> Stored:
    """The features of one key in the order of COLUMNS."""
    plain: dict[str, str] = {}
    bags: dict[str, list[tuple[float, str]]] = {field: [] for field in BAGS}
    for entry in text.split("\x01"):
        field, rest = entry.split("\x02")
        value, weight = rest.split("\x03")
        if field in bags:
            bags[field].append((float(weight), value))
        else:
            plain.setdefault(field, value)
    heaviest = ([value for _, value in sorted(bags[field])[-LENGTH:]] for field in BAGS)
    return [*(plain.get(field) for field in USER), *heaviest]


def _join(
    path: Path, block: pa.Table, numbers: NDArray[np.int64], store: sqlite3.Connection, options: Options
) -> pa.Table:
    """A block of samples with the common features of their keys."""
    keys = block["common"].combine_chunks().dictionary_encode()
    found = [_look_up(store, key) for key in keys.dictionary.to_pylist()]
    known = np.array([features is not None for features in found], np.bool_)[keys.indices.to_numpy()]
    lost = [_lost(block, numbers, int(row)) for row in np.flatnonzero(~known)]
    block = block.append_column("place", keys.indices)
    if lost:
        block = block.filter(pa.array(options.bad.judge(path, lost, numbers)))
    columns = zip(*(features or [None] * len(COLUMNS) for features in found), strict=True) if found else ()
    common = pa.table({name: pa.array(column) for name, column in zip(COLUMNS, columns, strict=True)}, schema=STORED)
    common = common.take(block["place"])
    own = _own(block["list"].combine_chunks())
    rows = pa.table({name: block[name] for name in ("request_id", "click", "conversion")} | own)
    for name in COLUMNS:
        rows = rows.append_column(name, common[name])
    rows = rows.append_column("user", rows["user_id"])
    return finish(rows, FEATURES)


def _look_up(store: sqlite3.Connection, key: str) -> Stored | None:
    """The features of one key; None where there are none."""
    row = store.execute("SELECT features FROM common WHERE key = ?", (key,)).fetchone()
    return None if row is None else msgspec.msgpack.decode(row[0], type=Stored)


def _lost(block: pa.Table, numbers: NDArray[np.int64], row: int) -> Fault:
    """A sample whose key has no common features."""
    return Fault(int(numbers[row]), "common", block["common"][row].as_py(), "a key of the common features")


def _own(lists: pa.StringArray) -> dict[str, pa.Array]:
    """The fields of the skeleton's own lists, [n] each: the first value of a field, null where it is absent."""
    entries = pc.split_pattern(lists, "\x01")
    flat, row = entries.flatten(), pc.list_parent_indices(entries).to_numpy()
    columns = {}
    for field, name in OWN.items():
        place = np.flatnonzero(pc.starts_with(flat, f"{field}\x02").to_numpy(zero_copy_only=False))
        rows, first = np.unique(row[place], return_index=True)
        value = pc.list_element(pc.split_pattern(flat.take(pa.array(place[first])), "\x02"), 1)
        value = pc.list_element(pc.split_pattern(value, "\x03"), 0)
        where = np.full(len(lists), -1)
        where[rows] = np.arange(len(rows))
        columns[name] = value.take(pa.array(where, mask=where < 0))
    return columns


ALICCP = Importer(
    name="aliccp",
    describe="Ali-CCP (Taobao search): sample_skeleton_*.csv with common_features_*.csv",
    features=FEATURES,
    read=read,
)
