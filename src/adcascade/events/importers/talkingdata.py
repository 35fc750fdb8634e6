"""TalkingData AdTracking (Kaggle 2018): clicks on mobile ads, and whether the app was installed after.

`train.csv` or `train_sample.csv` with a header, in order of click_time (UTC). Every row is a click, so the
label to learn is the conversion. A user is taken to be the triple of IP address, device and system.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from adcascade.events.importers.base import Importer, Log, Options, categorical, files
from adcascade.events.importers.blocks import read_blocks
from adcascade.events.importers.columns import finish, with_clock
from adcascade.events.importers.fields import Field
from adcascade.events.importers.text import Dialect

IDS = ("ip", "app", "device", "os", "channel")
FIELDS = (
    *(Field(name=name, pattern="[0-9]+", required=True) for name in IDS),
    Field(name="time_us", source=("click_time",), kind="time", required=True),
    Field(name="conversion_time_us", source=("attributed_time",), kind="time", optional=True),
    Field(name="conversion", source=("is_attributed",), kind="flag", required=True),
)
FEATURES = (
    *categorical("ip device os", "user", min_count=2),
    *categorical("hour channel", "context", min_count=2),
    *categorical("app", "ad", min_count=2),
)


def read(sources: Sequence[Path], options: Options) -> Log:
    """The rows of the file in order; test.csv has no label and is refused."""
    paths = files(sources, ("train.csv*", "train_sample.csv*", "clicks.parquet"))
    tables = chain.from_iterable(_tables(path, options) for path in paths)
    return Log(features=FEATURES, tables=tables, label="conversion")


def _tables(path: Path, options: Options) -> Iterator[pa.Table]:
    """One file, block by block."""
    for block in read_blocks(path, FIELDS, Dialect(), options):
        user = pc.binary_join_element_wise(block["ip"], block["device"], block["os"], "/")
        rows = with_clock(block).append_column("user", user)
        rows = rows.append_column("click", pa.array([1.0] * len(rows))).append_column("click_time_us", rows["time_us"])
        yield finish(rows, FEATURES)


TALKINGDATA = Importer(
    name="talkingdata",
    describe="TalkingData AdTracking (Kaggle 2018), installs after clicks: train.csv",
    features=FEATURES,
    read=read,
)
