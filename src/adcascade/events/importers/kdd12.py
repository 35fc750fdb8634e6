"""KDD Cup 2012 track 2: ads beside the results of the search engine soso.com (Tencent).

`training.txt`: tab-separated without a header; a row counts the impressions and clicks of one user, ad, query
and position. It becomes one row for the impressions that were clicked and one for those that were not, each
weighted by its count. The small Parquet rewrite has click 0 or 1 a row, and stays one row of weight 1.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from adcascade.events.importers.base import Importer, Log, Options, categorical, files
from adcascade.events.importers.blocks import is_parquet, read_blocks
from adcascade.events.importers.columns import finish
from adcascade.events.importers.fields import Field
from adcascade.events.importers.text import Dialect

AD = "ad_id advertiser_id url_hash keyword_id title_id description_id"
COLUMNS = (
    "click impression url_hash ad_id advertiser_id depth position query_id keyword_id title_id description_id user_id"
)
DIALECT = Dialect(delimiter="\t", columns=tuple(COLUMNS.split()), quotes=False)
FIELDS = (
    Field(name="clicks", source=("click",), kind="integer", required=True, low=0),
    Field(name="impressions", source=("impression",), kind="integer", required=True, low=1),
    Field(name="rank", source=("position",), kind="integer", required=True, low=1),
    *(Field(name=name, pattern="[0-9]+") for name in f"{AD} depth query_id user_id".split()),
)
FEATURES = (
    *categorical("user_id", "user", min_count=2),
    *categorical("depth query_id", "context", min_count=2),
    *categorical(AD, "ad", min_count=2),
)


def read(sources: Sequence[Path], options: Options) -> Log:
    """The rows of training.txt, or of the small Parquet rewrite, in order."""
    paths = files(sources, ("training.txt*", "impressions.parquet"))
    return Log(features=FEATURES, tables=chain.from_iterable(_tables(path, options) for path in paths))


def _tables(path: Path, options: Options) -> Iterator[pa.Table]:
    """One file, block by block."""
    for block in read_blocks(path, FIELDS, DIALECT, options):
        rows = _one_each(block) if is_parquet(path) else expand(block)
        known = pc.if_else(pc.equal(rows["user_id"], "0"), pa.scalar(None, pa.string()), rows["user_id"])
        rows = rows.set_column(rows.column_names.index("user_id"), "user_id", known)
        rows = rows.append_column("user", known).append_column("position", pc.subtract(rows["rank"], 1))
        yield finish(rows, FEATURES)


def expand(block: pa.Table) -> pa.Table:
    """A row with c clicks in i impressions as a click of weight c and a non-click of weight i - c, where not 0."""
    clicked = pc.min_element_wise(block["clicks"], block["impressions"])
    passed = pc.subtract(block["impressions"], clicked)
    both = pa.concat_tables([_labelled(block, 1.0, clicked), _labelled(block, 0.0, passed)])
    order = pc.sort_indices(pa.concat_arrays([pa.array(range(len(block)))] * 2))
    both = both.take(order)
    return both.filter(pc.greater(both["weight"], 0))


def _labelled(block: pa.Table, click: float, weight: pa.ChunkedArray) -> pa.Table:
    """The rows with this label and these weights."""
    return block.append_column("click", pa.array([click] * len(block))).append_column("weight", weight)


def _one_each(block: pa.Table) -> pa.Table:
    """The rows as they are, clicked or not."""
    click = pc.greater(block["clicks"], 0).cast(pa.int8())
    return block.append_column("click", click).append_column("weight", pa.array([1.0] * len(block)))


KDD12 = Importer(
    name="kdd12", describe="KDD Cup 2012 track 2, search ads (soso.com): training.txt", features=FEATURES, read=read
)
