"""Open Bandit Dataset (ZOZOTOWN, Saito et al. 2020): fashion items shown by a random and by a Thompson-sampling policy.

`{random,bts}/{all,men,women}/CAMPAIGN.csv` with a header and an unnamed first column, and beside each its
`item_context.csv`; or the Parquet rewrites `random_men.parquet` and `item_context_men.parquet`. One import takes
one campaign, for item numbers and the number of items differ between campaigns, but may take both policies: the
column `policy` says which. The propensity is that of the item in its position. There is no user key.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adcascade.errors import InputError
from adcascade.events.importers.base import (
    Declaration,
    Importer,
    Log,
    Options,
    by_name,
    categorical,
    declare,
    files,
    need,
)
from adcascade.events.importers.blocks import column_names, read_blocks
from adcascade.events.importers.columns import finish, with_clock
from adcascade.events.importers.fields import Field
from adcascade.events.importers.lookup import Lookup
from adcascade.events.importers.sort import by_time
from adcascade.events.importers.text import Dialect

USER = "user_feature_0 user_feature_1 user_feature_2 user_feature_3"
AFFINITY = "user-item_affinity_"
ITEM_FIELDS = (
    Field(name="item_id", required=True),
    Field(name="item_feature_0", kind="number"),
    *(Field(name=f"item_feature_{i}") for i in (1, 2, 3)),
)
FIELDS = (
    Field(name="time_us", source=("timestamp",), kind="time", required=True),
    Field(name="item_id", required=True, pattern="[0-9]+"),
    Field(name="rank", source=("position",), kind="integer", required=True, low=1),
    Field(name="click", kind="flag", required=True),
    Field(name="propensity", source=("propensity_score",), kind="number", required=True, low=0, high=1),
    *(Field(name=name) for name in USER.split()),
)
FEATURES = (
    *categorical(USER, "user"),
    *categorical("hour weekday", "context"),
    *categorical("item_id item_feature_1 item_feature_2 item_feature_3", "ad"),
    declare("item_feature_0", "ad", "numeric"),
)
KINDS = {"items": ("item_context",), "shown": ("",)}


def read(sources: Sequence[Path], options: Options) -> Log:
    """The impressions of one campaign in order of time, with item features and the user's affinity to every item."""
    chosen = by_name(files(sources, ("*.csv", "*.parquet")), KINDS)
    shown = need(chosen["shown"], "log of impressions")
    widths = {path.name: _items(path) for path in shown}
    if len(set(widths.values())) > 1:
        raise InputError("sources", widths, "logs of one campaign (the same number of items)", "import each by itself")
    features = (*FEATURES, _affinities(widths[shown[0].name]))
    return Log(features=features, tables=_tables(chosen, features, options))


def _items(path: Path) -> int:
    """How many items the log knows: its columns of affinity."""
    return sum(name.startswith(AFFINITY) for name in column_names(path, Dialect()))


def _affinities(items: int) -> Declaration:
    """The declaration of the vector of affinities."""
    return declare("affinities", "user", "vector", length=items)


def _tables(chosen: dict[str, list[Path]], features: Sequence[Declaration], options: Options) -> Iterator[pa.Table]:
    """Impressions in order of time, with their items' features."""
    paths = need(chosen["items"], "item_context")
    context = (table for path in paths[:1] for table in read_blocks(path, ITEM_FIELDS, Dialect(), options))
    items = Lookup(context, "item_id", [field.name for field in ITEM_FIELDS[1:]])
    for table in by_time(_shown(chosen["shown"], features[-1]["length"], options), run_rows=options.run_rows):
        rows = with_clock(items.attach(table, "item_id"))
        rows = rows.append_column("position", pc.subtract(rows["rank"], 1))
        yield finish(rows, features, ("policy",))


def _shown(paths: Sequence[Path], items: int, options: Options) -> Iterator[pa.Table]:
    """All logs, with affinities as one vector and the policy."""
    names = [f"{AFFINITY}{i}" for i in range(items)]
    fields = (*FIELDS, *(Field(name=name, kind="number") for name in names))
    for path in paths:
        policy = next((word for word in ("random", "bts") if word in str(path)), None)
        for block in read_blocks(path, fields, Dialect(), options):
            rows = block.drop_columns(names).append_column("affinities", _vectors(block.select(names)))
            yield rows.append_column("policy", pa.array([policy] * len(rows), pa.string()))


def _vectors(block: pa.Table) -> pa.Array:
    """The columns [n, K] as one column of n vectors."""
    columns = [np.nan_to_num(column.to_numpy().astype(np.float32)) for column in block.columns]
    flat = np.stack(columns, axis=1).reshape(-1)  # [n * K]
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), block.num_columns)


OPEN_BANDIT = Importer(
    name="open-bandit",
    describe="Open Bandit Dataset (ZOZOTOWN), randomised logs: CAMPAIGN.csv with item_context.csv",
    features=FEATURES,
    read=read,
)
