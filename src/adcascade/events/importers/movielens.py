"""MovieLens (GroupLens): ratings as clicks, a rating of at least 4 of 5 being one (as in the DIN paper's set).

Any of its shapes: `u.data, u.item, u.user` (100K), `ratings.dat, movies.dat, users.dat` (1M, 10M),
`ratings.csv, movies.csv` (20M and later), or Parquet files ratings, items or movies, users. Ratings are sorted by
time on disk; films and users are held in memory. The history of a row is the films that the user liked strictly
before it; where the source has no time (the Parquet rewrite of 1M) there is none and rows keep their order.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
from adcascade.events.importers.history import PastItems, whole_moments
from adcascade.events.importers.lookup import Lookup
from adcascade.events.importers.movielens_text import GENRES, dialect_of
from adcascade.events.importers.sort import by_time

LENGTH = 50
LIKED = 4.0
RATING_FIELDS = (
    Field(name="user", source=("user_id", "userId"), required=True, pattern="[0-9]+"),
    Field(name="item_id", source=("item_id", "movieId"), required=True, pattern="[0-9]+"),
    Field(name="rating", kind="number", required=True, low=0.5, high=5),
)
TIME = Field(name="time_us", source=("timestamp",), kind="time", format="s", required=True)
ITEM_FIELDS = (
    Field(name="item_id", source=("item_id", "movieId"), required=True, pattern="[0-9]+"),
    Field(name="title"),
    Field(name="genres", optional=True),
)
FLAGS = tuple(Field(name=name, kind="flag", optional=True) for name in GENRES)  # u.item: a column a genre
USER_FIELDS = (
    Field(name="user", source=("user_id", "userId"), required=True, pattern="[0-9]+"),
    Field(name="gender", optional=True),
    Field(name="age", source=("age", "age_group"), optional=True),
    Field(name="occupation", optional=True),
)
_PLAIN = (
    *categorical("user_id", "user"),
    *categorical("gender age occupation", "user"),
    *categorical("item_id genre genres", "ad", min_count=2),
    declare("year", "ad", "numeric"),
)
FEATURES = (
    *_PLAIN,
    declare("past_item_id", "user", "sequence", of="item_id", length=LENGTH),
    declare("past_genre", "user", "sequence", of="genre", length=LENGTH),
    *categorical("hour weekday", "context"),
)
KINDS = {"items": ("u.item", "movies", "items"), "users": ("u.user", "users"), "ratings": ("u.data", "ratings")}
PATTERNS = ("u.data", "u.item", "u.user", "ratings.*", "movies.*", "items.parquet", "users.*")


def read(sources: Sequence[Path], options: Options) -> Log:
    """The ratings in order of time as clicks; films without a side table have no genre, users no gender."""
    chosen = by_name(files(sources, PATTERNS), KINDS)
    need(chosen["ratings"], "file of ratings")
    timed = all("timestamp" in column_names(path, dialect_of(path)) for path in chosen["ratings"])
    notes = () if timed else ("no column 'timestamp': no time and no histories, rows stay in their order",)
    features = FEATURES if timed else _PLAIN
    return Log(features=features, tables=_tables(chosen, features, options, timed=timed), notes=notes)


def _tables(
    chosen: dict[str, list[Path]], features: Sequence[Declaration], options: Options, *, timed: bool
) -> Iterator[pa.Table]:
    """Ratings with films, users and histories."""
    films = _lookup(chosen["items"], (*ITEM_FIELDS, *FLAGS), options)
    users = _lookup(chosen["users"], USER_FIELDS, options)
    ratings: Iterator[pa.Table] = (
        _film(films.attach(table, "item_id")) for table in _ratings(chosen["ratings"], options, timed=timed)
    )
    if timed:
        ratings = _with_past(by_time(ratings, run_rows=options.run_rows))
    for table in ratings:
        rows = users.attach(table, "user").append_column("user_id", table["user"])
        yield finish(with_clock(rows) if timed else rows, features)


def _ratings(paths: Sequence[Path], options: Options, *, timed: bool) -> Iterator[pa.Table]:
    """Ratings as clicks."""
    fields = (*RATING_FIELDS, TIME) if timed else RATING_FIELDS
    for path in paths:
        for block in read_blocks(path, fields, dialect_of(path), options):
            liked = pc.greater_equal(block["rating"], LIKED).cast(pa.float32())
            yield block.drop_columns(["rating"]).append_column("click", liked)


def _with_past(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Adds what each user liked before."""
    past = PastItems(("item_id", "genre"), LENGTH)
    for table in whole_moments(tables):
        yield past.add(table, table["click"].to_numpy() == 1)


def _lookup(paths: Sequence[Path], fields: Sequence[Field], options: Options) -> Lookup:
    """The side table, or an empty one where the sources hold none."""
    empty = pa.schema([(field.name, field.type) for field in fields]).empty_table()
    tables = (table for path in paths for table in read_blocks(path, fields, dialect_of(path), options))
    whole = pa.concat_tables([empty, *tables]).combine_chunks()
    if GENRES[0] in whole.column_names:
        whole = _joined(whole)
    return Lookup([whole], fields[0].name, whole.column_names[1:])


def _joined(films: pa.Table) -> pa.Table:
    """`genres` as text with | between, where the source has a column a genre."""
    flags = np.stack([films[name].fill_null(0).to_numpy() for name in GENRES], axis=1)  # [n, G]
    words = ["|".join(genre for genre, has in zip(GENRES, row, strict=True) if has) or None for row in flags]
    joined = pc.coalesce(pa.chunked_array([pa.array(words, pa.string())]), films["genres"])
    films = films.drop_columns([*GENRES, "genres"])
    return films.append_column("genres", joined)


def _film(rows: pa.Table) -> pa.Table:
    """`genre`, the first one listed, and `year`, the four digits at the title's end."""
    first = pc.list_element(pc.split_pattern(pc.fill_null(rows["genres"], ""), "|"), 0)
    genre = pc.if_else(pc.equal(first, ""), pa.scalar(None, pa.string()), first)
    year = pc.struct_field(pc.extract_regex(rows["title"], r"\((?P<year>[0-9]{4})\)\s*$"), "year")
    return rows.append_column("genre", genre).append_column("year", year.cast(pa.float32()))


MOVIELENS = Importer(
    name="movielens",
    describe="MovieLens ratings as clicks (4 of 5 and more): u.data, ratings.dat, ratings.csv",
    features=FEATURES,
    read=read,
)
