"""Taobao display ads (Alimama, Tianchi 2018): 26 million impressions of a million users over eight days.

Four CSV files with headers: `raw_sample.csv` (the impressions), `ad_feature.csv`, `user_profile.csv`, and, if
it is among the sources, `behavior_log.csv` (what users looked at, 700 million rows). Ads and user profiles are
held in memory; impressions and behaviour are sorted by time on disk. The history of a row is what the user did
strictly before it: in the behaviour log, or without it the ads that he clicked.

The Parquet rewrite of 500 rows has histories and profiles in every row, and no time.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa

from adcascade.events.importers.base import Importer, Log, Options, by_name, categorical, declare, files, need
from adcascade.events.importers.blocks import is_parquet, read_blocks
from adcascade.events.importers.columns import finish, with_clock
from adcascade.events.importers.fields import Field
from adcascade.events.importers.history import PastItems, whole_moments
from adcascade.events.importers.lookup import Lookup
from adcascade.events.importers.sort import by_time
from adcascade.events.importers.text import Dialect

LENGTH = 50
PROFILE = (
    "cms_segid cms_group_id final_gender_code age_level pvalue_level shopping_level occupation new_user_class_level"
)
AD = "cate_id campaign_id customer brand"
DIALECT = Dialect(nulls=("", "NULL"))
SAMPLE_FIELDS = (
    Field(name="user", source=("user", "user_id"), required=True, pattern="[0-9]+"),
    Field(name="time_us", source=("time_stamp",), kind="time", format="s", required=True),
    Field(name="adgroup_id", required=True, pattern="[0-9]+"),
    Field(name="pid"),
    Field(name="click", source=("clk",), kind="flag", required=True),
)
AD_FIELDS = (
    Field(name="adgroup_id", required=True, pattern="[0-9]+"),
    *(Field(name=name) for name in AD.split()),
    Field(name="price", kind="number"),
)
PROFILE_FIELDS = (
    Field(name="user", source=("userid", "user_id", "user"), required=True),
    *(Field(name=name, source=(name, f"{name} ")) for name in PROFILE.split()),
)
BEHAVIOUR_FIELDS = (
    Field(name="user", source=("user", "user_id"), required=True),
    Field(name="time_us", source=("time_stamp",), kind="time", format="s", required=True),
    Field(name="cate_id", source=("cate", "cate_id")),
    Field(name="brand"),
)
HAPPENED = {field.name: field.type for field in (*SAMPLE_FIELDS, *AD_FIELDS[1:])}  # an impression with its ad
HISTORIES = (
    declare("past_cate_id", "user", "sequence", of="cate_id", length=LENGTH),
    declare("past_brand", "user", "sequence", of="brand", length=LENGTH),
)
_PLAIN = (
    *categorical("user_id", "user", min_count=2),
    *categorical(PROFILE, "user"),
    *HISTORIES,
    *categorical("pid", "context"),
    *categorical(f"adgroup_id {AD}", "ad", min_count=2),
)
FEATURES = (*_PLAIN, *categorical("hour weekday", "context"), declare("price", "ad", "numeric", log=True))
SMALL_FEATURES = (*_PLAIN, declare("price_scaled", "ad", "numeric"))
SMALL_FIELDS = (
    *(Field(name=name) for name in f"user_id {PROFILE} pid adgroup_id {AD}".split()),
    Field(name="past_cate_id", source=("history_cate",), kind="list"),
    Field(name="past_brand", source=("history_brand",), kind="list"),
    Field(name="price_scaled", kind="number"),
    Field(name="click", source=("clk",), kind="flag", required=True),
)
KINDS = {
    "small": ("samples",),
    "samples": ("raw_sample",),
    "ads": ("ad_feature",),
    "profiles": ("user_profile",),
    "behaviour": ("behavior_log",),
}


def read(sources: Sequence[Path], options: Options) -> Log:
    """The impressions in order of time with ads, profiles and histories; or the rows of the small rewrite."""
    chosen = by_name(files(sources, ("*.csv*", "samples.parquet")), KINDS)
    if chosen["small"]:
        tables = chain.from_iterable(_small(path, options) for path in chosen["small"] if is_parquet(path))
        return Log(features=SMALL_FEATURES, tables=tables)
    need(chosen["samples"], "raw_sample.csv")
    note = () if chosen["behaviour"] else ("no behavior_log.csv: histories are the ads that the user clicked before",)
    return Log(features=FEATURES, tables=_tables(chosen, options), notes=note)


def _tables(chosen: dict[str, list[Path]], options: Options) -> Iterator[pa.Table]:
    """Impressions in order of time with ads, profiles and histories."""
    ads = Lookup(_all(need(chosen["ads"], "ad_feature.csv"), AD_FIELDS, options), "adgroup_id", (*AD.split(), "price"))
    profiles = Lookup(
        _all(need(chosen["profiles"], "user_profile.csv"), PROFILE_FIELDS, options), "user", PROFILE.split()
    )
    past = PastItems(("cate_id", "brand"), LENGTH)
    happened = chain(_behaviour(chosen["behaviour"], options), _impressions(chosen["samples"], ads, options))
    for rows in whole_moments(by_time(happened, run_rows=options.run_rows)):
        seen = rows["click"].is_valid().to_numpy()
        done = ~seen if chosen["behaviour"] else rows["click"].to_numpy() == 1
        table = past.add(rows, done).filter(pa.array(seen))
        if len(table):
            table = profiles.attach(table, "user").append_column("user_id", table["user"])
            yield finish(with_clock(table), FEATURES)


def _impressions(paths: Sequence[Path], ads: Lookup, options: Options) -> Iterator[pa.Table]:
    """The impressions with their ads' columns."""
    for table in _all(paths, SAMPLE_FIELDS, options):
        yield ads.attach(table, "adgroup_id")


def _behaviour(paths: Sequence[Path], options: Options) -> Iterator[pa.Table]:
    """What users did, as rows of the impressions' columns in which the click is null."""
    for table in _all(paths, BEHAVIOUR_FIELDS, options):
        columns = [
            table[name] if name in table.column_names else pa.nulls(len(table), kind) for name, kind in HAPPENED.items()
        ]
        yield pa.table(columns, names=list(HAPPENED))


def _all(paths: Sequence[Path], fields: Sequence[Field], options: Options) -> Iterator[pa.Table]:
    """Several files of one kind."""
    for path in paths:
        yield from read_blocks(path, fields, DIALECT, options)


def _small(path: Path, options: Options) -> Iterator[pa.Table]:
    """The small rewrite, block by block."""
    for block in read_blocks(path, SMALL_FIELDS, DIALECT, options):
        yield finish(block.append_column("user", block["user_id"]), SMALL_FEATURES)


TAOBAO = Importer(
    name="taobao",
    describe="Taobao display ads (Alimama, Tianchi): raw_sample, ad_feature, user_profile, behavior_log",
    features=FEATURES,
    read=read,
)
