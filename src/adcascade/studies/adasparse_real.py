"""Public logs with scenario-like domains: MovieLens-1M by age band, and KDD Cup 2012 by page depth and place.

Neither is a log of many scenarios: an age band belongs to its users for good, and a place on the page shifts the
rate more than the taste. They say what the method does where nobody has built the difference in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adcascade.features import Encoder, Feature
from adcascade.features.feature import Side
from adcascade.learning.labelled import Labelled, labelled


@dataclass(frozen=True, kw_only=True)
class RealSet:
    """A log with the columns scenario and click; `fields` says whose side each categorical column is."""

    name: str  # of the folder
    title: str
    source: str
    fields: dict[str, Side]
    read: Callable[[Path], pa.Table]


def movielens(folder: Path) -> pa.Table:
    """A rating of 4 or 5 is a click."""
    table = pq.read_table(folder / "ratings.parquet", columns=["user_id", "item_id", "rating"])
    users, items = pq.read_table(folder / "users.parquet"), pq.read_table(folder / "items.parquet")
    user = pc.index_in(table["user_id"].cast(pa.int64()), users["user_id"].combine_chunks())
    item = pc.index_in(table["item_id"].cast(pa.int64()), items["item_id"].combine_chunks())
    return pa.table(
        {
            "user": table["user_id"],
            "gender": users["gender"].take(user),
            "occupation": users["occupation"].take(user),
            "scenario": users["age_group"].take(user),
            "item": table["item_id"],
            "genres": items["genres"].take(item),
            "click": pc.greater_equal(table["rating"], 4).cast(pa.float32()),
        }
    )


def kdd12(folder: Path) -> pa.Table:
    """A row is an ad at a place of a page of one, two or three ads."""
    table = pq.read_table(folder / "impressions.parquet")
    place = pc.add(pc.multiply(table["depth"], 10), table["position"])
    named = {"user_id": "user", "query_id": "query", "ad_id": "ad", "advertiser_id": "advertiser", "url_hash": "url"}
    return pa.table(
        {
            **{ours: table[theirs] for theirs, ours in named.items()},
            "keyword": table["keyword_id"],
            "scenario": place,
            "click": table["click"].cast(pa.float32()),
        }
    )


REAL = (
    RealSet(
        name="movielens_1m",
        title="MovieLens-1M by age band",
        source="https://grouplens.org/datasets/movielens/1m/",
        fields={"user": "user", "gender": "user", "occupation": "user", "item": "ad", "genres": "ad"},
        read=movielens,
    ),
    RealSet(
        name="kdd12_search_ads",
        title="KDD Cup 2012 by depth and place",
        source="https://www.kaggle.com/c/kddcup2012-track2",
        fields={"user": "user", "query": "context", "ad": "ad", "advertiser": "ad", "url": "ad", "keyword": "ad"},
        read=kdd12,
    ),
)


def halves(real: RealSet, table: pa.Table, rows: int, seed: int) -> tuple[Encoder, Labelled, Labelled]:
    """At most so many rows by chance: the encoder, three quarters to learn from, the rest to judge."""
    drawn = table.take(np.random.default_rng((seed, 7)).permutation(len(table))[:rows])
    cut = 3 * len(drawn) // 4
    learn, judge = drawn.slice(0, cut), drawn.slice(cut)
    scene = Feature(name="scenario", side="scenario", kind="categorical")
    others = [Feature(name=name, side=side, kind="categorical", min_count=2) for name, side in real.fields.items()]
    encoder = Encoder.fit([scene, *others], [learn])
    return encoder, labelled(encoder, learn), labelled(encoder, judge)
