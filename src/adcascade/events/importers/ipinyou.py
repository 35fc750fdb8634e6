"""iPinYou real-time bidding logs (2013): impressions, and which of them were clicked and converted.

Sources, by name: `imp.YYYYMMDD.txt.bz2` beside `clk.*` and `conv.*` (tab-separated, without a header, the 24
columns of seasons 2 and 3), joined by the bid id; or logs already labelled, such as the `train.log.txt` of the
make-ipinyou-data scripts (a header, a column `click`). Rows come out in order of time. Only the bid ids and
times of clicks and conversions are held in memory (some thousands a day), never impressions.

Times are Beijing's and are taken as they are. Prices are what the log has: RMB fen per thousand impressions.
`bidprice` and `payprice` (the second price, the market's) are kept as columns for learners of bids; they are no
features, for no request knows them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adcascade.events.importers.base import Importer, Log, Options, by_name, categorical, declare, files, need
from adcascade.events.importers.blocks import column_names, is_parquet, read_blocks
from adcascade.events.importers.columns import finish, with_clock
from adcascade.events.importers.fields import Field
from adcascade.events.importers.lookup import Lookup
from adcascade.events.importers.sort import by_time
from adcascade.events.importers.text import Dialect

COLUMNS = (
    "bidid timestamp logtype ipinyouid useragent ip region city adexchange domain url urlid slotid slotwidth "
    "slotheight slotvisibility slotformat slotprice_floor creative bidprice payprice keypage advertiser usertag"
)
RAW = Dialect(delimiter="\t", columns=tuple(COLUMNS.split()), quotes=False, nulls=("", "null"))
LABELLED = Dialect(delimiter="\t", quotes=False, nulls=("", "null"))
CONTEXT = "region city adexchange domain slotid slotwidth slotheight slotvisibility slotformat"
KEPT = ("bidprice", "payprice")
TIME = Field(name="time_us", source=("timestamp", "time"), kind="time", format="%Y%m%d%H%M%S+ms", required=True)
FIELDS = (
    TIME,
    Field(name="request_id", source=("bidid",), required=True),
    Field(name="user", source=("ipinyouid",)),
    Field(name="useragent"),
    Field(name="ip", source=("ip", "IP")),
    *(Field(name=name) for name in CONTEXT.split()),
    Field(name="floor", source=("slotprice_floor", "slotprice"), kind="number", low=0),
    Field(name="creative"),
    Field(name="advertiser"),
    *(Field(name=name, kind="integer", low=0) for name in KEPT),
    Field(name="usertag"),
)
CLICK = Field(name="click", kind="flag", required=True)
EVENT = FIELDS[:2]
TAGS = tuple(  # those of the published dictionary, and the demographic ones 10114 to 10149 of season 3
    map(
        str,
        (
            *(10006, 10024, 10031, 10048, 10052, 10057, 10059, 10063, 10067, 10074, 10075, 10076, 10077, 10079, 10083),
            *(10093, 10102, 10110, 10111, *range(10114, 10150), 10684, 11092, 11278, 11379, 11423, 11512, 11576, 11632),
            *(11680, 11724, 11944, 13042, 13403, 13496, 13678, 13776, 13800, 13866, 13874, 14273, 15398, 16593, 16617),
            *(16661, 16706, 16751, 16753),
        ),
    )
)
FEATURES = (
    *categorical("browser system ip", "user", min_count=2),
    declare("tags", "user", "vector", length=len(TAGS)),
    *categorical(f"hour weekday {CONTEXT}", "context", min_count=2),
    declare("floor", "context", "numeric", log=True),
    *categorical("creative advertiser", "ad"),
)
KINDS = {"clicks": ("clk", "click"), "conversions": ("conv",), "shown": ("imp", "train", "test", "log")}
BROWSERS = ("opera", "maxthon", "tencent", "sogou", "firefox", "chrome", "safari", "msie", "trident", "ie")
SYSTEMS = ("windows", "android", "iphone", "ipad", "mac", "linux", "ios")


def read(sources: Sequence[Path], options: Options) -> Log:
    """The impressions in order of time, labelled."""
    chosen = by_name(files(sources, ("imp*", "clk*", "conv*", "train.log.txt*")), KINDS)
    need(chosen["shown"], "impressions (imp.*, or train.log.txt)")
    labelled = any(_labelled(path) for path in chosen["shown"])
    note = "no clk.* among the sources: no impression counts as clicked"
    notes = () if labelled or chosen["clicks"] else (note,)
    return Log(features=FEATURES, tables=_tables(chosen, options), notes=notes)


def _tables(chosen: dict[str, list[Path]], options: Options) -> Iterator[pa.Table]:
    """Impressions in order of time, with labels, clock, tags and agent."""
    clicks = _events(chosen["clicks"], options)
    conversions = _events(chosen["conversions"], options)
    for table in by_time(_shown(chosen["shown"], options), run_rows=options.run_rows):
        rows = with_clock(_label(_label(table, clicks, "click"), conversions, "conversion"))
        yield finish(_agent(_tags(rows)), FEATURES, KEPT)


def _shown(paths: Sequence[Path], options: Options) -> Iterator[pa.Table]:
    """All impressions, with a click that is null where the log has none."""
    for path in paths:
        for table in read_blocks(path, (*FIELDS, CLICK) if _labelled(path) else FIELDS, _dialect(path), options):
            yield table if _labelled(path) else table.append_column("click", pa.nulls(len(table), pa.float32()))


def _labelled(path: Path) -> bool:
    """Whether the log itself has a column click."""
    return "click" in column_names(path, _dialect(path))


def _dialect(path: Path) -> Dialect:
    """Raw logs have no header; a labelled log has one that names the bid id."""
    return LABELLED if is_parquet(path) or "bidid" in column_names(path, LABELLED) else RAW


def _events(paths: Sequence[Path], options: Options) -> Lookup | None:
    """When each bid id was clicked (or converted)."""
    if not paths:
        return None
    return Lookup(
        (table for path in paths for table in read_blocks(path, EVENT, _dialect(path), options)),
        "request_id",
        ("time_us",),
    )


def _label(rows: pa.Table, events: Lookup | None, name: str) -> pa.Table:
    """Adds `name` and `name`_time_us; a label that the log itself has stays where no event says more."""
    own = rows[name] if name in rows.column_names else pa.nulls(len(rows), pa.float32())
    if events is None:
        when = pa.nulls(len(rows), pa.int64())
        label = pc.fill_null(own, 0.0) if name == "click" else own
    else:
        when = events.attach(rows.select(["request_id"]), "request_id")["time_us"]
        label = pc.max_element_wise(own, when.is_valid().cast(pa.float32()))
    rows = rows.drop_columns([name]) if name in rows.column_names else rows
    return rows.append_column(name, label).append_column(f"{name}_time_us", when)


def _tags(rows: pa.Table) -> pa.Table:
    """`usertag`, ids between commas, as `tags`: a vector with 1 where the user has the tag, 0 elsewhere."""
    tags = pc.split_pattern(pc.utf8_trim_whitespace(pc.fill_null(rows["usertag"], "")), ",").combine_chunks()
    place = pc.index_in(tags.flatten(), value_set=pa.array(TAGS))
    row = pc.list_parent_indices(tags).filter(place.is_valid()).to_numpy()
    matrix = np.zeros((len(rows), len(TAGS)), np.float32)
    matrix[row, place.drop_null().to_numpy()] = 1
    return rows.append_column("tags", pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), len(TAGS)))


def _agent(rows: pa.Table) -> pa.Table:
    """The browser and the system that the user agent names; null where it names none that is known."""
    agent = pc.utf8_lower(rows["useragent"])
    return rows.append_column("browser", _first(agent, BROWSERS)).append_column("system", _first(agent, SYSTEMS))


def _first(text: pa.ChunkedArray, words: Sequence[str]) -> pa.ChunkedArray:
    """The first of the words that each text holds, in the order of the words."""
    holds = [pc.fill_null(pc.match_substring(text, word), False) for word in words]
    return pc.case_when(pc.make_struct(*holds), *words)


IPINYOU = Importer(
    name="ipinyou",
    describe="iPinYou real-time bidding logs (2013): imp.*, clk.*, conv.*, or train.log.txt",
    features=FEATURES,
    read=read,
)
