"""Avazu mobile ad clicks (Kaggle 2014): `train.csv` with a header, 10 days in order of the hour.

`hour` is YYMMDDHH, so many rows share a time. `device_id` is a99f214a where it was not known: then the user
is taken to be the pair of IP address and model, as the winners of the challenge did.
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

CONTEXT = "C1 banner_pos site_id site_domain site_category app_id app_domain app_category"
USER = "device_id device_ip device_model device_type device_conn_type"
AD = "C14 C15 C16 C17 C18 C19 C20 C21"
FIELDS = (
    Field(name="request_id", source=("id",), required=True),
    Field(name="click", kind="flag", required=True),
    Field(name="time_us", source=("hour",), kind="time", format="%y%m%d%H", required=True),
    *(Field(name=name) for name in f"{CONTEXT} {USER} {AD}".split()),
)
FEATURES = (
    *categorical("hour weekday", "context"),
    *categorical(CONTEXT, "context", min_count=2),
    *categorical(USER, "user", min_count=2),
    *categorical(AD, "ad", min_count=2),
)
UNKNOWN_DEVICE = "a99f214a"


def read(sources: Sequence[Path], options: Options) -> Log:
    """The rows of train.csv or of a Parquet file with the same columns, in order."""
    paths = files(sources, ("train.csv*", "train", "train.gz", "clicks.parquet", "train.parquet"))
    return Log(features=FEATURES, tables=chain.from_iterable(_tables(path, options) for path in paths))


def _tables(path: Path, options: Options) -> Iterator[pa.Table]:
    """One file, block by block."""
    for block in read_blocks(path, FIELDS, Dialect(), options):
        yield finish(with_clock(block.append_column("user", _user(block))), FEATURES)


def _user(block: pa.Table) -> pa.ChunkedArray:
    """The device, or where it is unknown its address and model."""
    guess = pc.binary_join_element_wise(block["device_ip"], block["device_model"], "/")
    return pc.if_else(pc.equal(block["device_id"], UNKNOWN_DEVICE), guess, block["device_id"])


AVAZU = Importer(name="avazu", describe="Avazu mobile ad clicks (Kaggle 2014): train.csv", features=FEATURES, read=read)
