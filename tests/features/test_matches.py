"""What a request and an ad have in common is counted alike for a table, for one request and by hand."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.errors import ConfigurationError
from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.features.defaults import match
from adcascade.features.matches import Matches, _count_rows

FEATURES = (
    Feature(name="ad", side="ad", kind="categorical"),
    Feature(name="ad_category", side="ad", kind="categorical"),
    Feature(name="history", side="user", kind="sequence", of="ad_category", length=3),
    match("page", "ad_category"),
    match("history", "ad_category", length=3),
    match("query", "title", length=4, words=True),
)
TEXT = st.sampled_from(["", "red", "red shoe", "Shoe BLUE", "blue hat red"])
ROW = st.fixed_dictionaries(
    {
        "page": st.sampled_from([None, "a", "b", "c"]),
        "ad_category": st.sampled_from([None, "a", "b"]),
        "history": st.one_of(st.none(), st.lists(st.sampled_from(["a", "b", "c"]), max_size=5)),
        "query": st.one_of(st.none(), TEXT),
        "title": st.one_of(st.none(), TEXT),
        "ad": st.just("x"),
    }
)


def encoder() -> Encoder:
    """Fitted on one row that has every column."""
    table = pa.table(
        {
            "ad": ["x"],
            "ad_category": ["a"],
            "history": pa.array([["a"]]),
            "page": ["a"],
            "query": ["red"],
            "title": ["red shoe"],
        }
    )
    return Encoder.fit(FEATURES, [table])


def by_hand(row: dict[str, object]) -> list[float]:
    """The three matches of a row, from the definition."""
    category = row["ad_category"]
    history = row["history"] if isinstance(row["history"], list) else []
    query, title = (str(row[name] or "").casefold().split() for name in ("query", "title"))
    counts = (
        int(category is not None and row["page"] == category),
        sum(item == category for item in history[-3:]) if category is not None else 0,
        sum(word in title for word in dict.fromkeys(query)),
    )
    return [math.log1p(count) for count in counts]


@given(rows=st.lists(ROW, min_size=1, max_size=6))
def test_a_table_a_pair_and_the_definition_agree(rows: list[dict[str, object]]) -> None:
    """Encoding rows together, as plain values or as Arrow, and meeting request and ad keys online give one answer."""
    made = encoder()
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    expected = np.array([by_hand(row) for row in rows], np.float32)
    assert np.allclose(made.encode(columns, len(rows)).match, expected)
    arrow = {
        name: pa.array(values, pa.list_(pa.string()) if name == "history" else pa.string())
        for name, values in columns.items()
    }
    assert np.allclose(made.encode(arrow, len(rows)).match, expected)
    ads = AdFeatures(made)
    ads.update(np.arange(len(rows)), columns)
    for place, row in enumerate(rows):
        keys = made.encode_one(row, "request").keys
        assert np.allclose(made.matches(keys, ads.keys[[place]])[0], expected[place])


def test_missing_on_both_sides_is_no_match() -> None:
    """An absent page and an absent category have nothing in common."""
    made = encoder()
    assert not made.encode({}, 4).match.any()


def test_one_request_meets_many_ads_as_many_pairs_would() -> None:
    """The keys of one request broadcast over n ads."""
    made = encoder()
    left = made.encode_one({"page": "a", "query": "red hat"}, "request").keys
    right = made.encode({"ad_category": ["a", "b", "a"], "title": ["hat", "red hat", None]}, 3, "ad").keys
    together = made.matches(left, right)
    assert np.array_equal(together, made.matches(np.repeat(left, 3, axis=0), right))
    assert np.allclose(together, np.log1p([[1, 0, 1], [0, 0, 2], [1, 0, 0]]))


@pytest.mark.parametrize(
    "wrong",
    [
        Feature(name="m", side="pair", kind="match", left="page"),
        Feature(name="m", side="ad", kind="match", left="page", right="ad_category"),
        Feature(name="m", side="pair", kind="categorical"),
    ],
)
def test_a_contradictory_declaration_is_named(wrong: Feature) -> None:
    """A match is of side pair and names two columns; nothing else is of side pair."""
    with pytest.raises(ConfigurationError, match="'m'"):
        Encoder.fit((*FEATURES, wrong), [])


@given(rows=st.lists(ROW, min_size=1, max_size=6), asked=ROW, seed=st.integers(0, 99))
def test_rows_of_a_catalog_are_matched_as_pairs_are(
    rows: list[dict[str, object]], asked: dict[str, object], seed: int
) -> None:
    """`of_rows` over any rows of all ads' keys, repeated or not, gives to the bit what a call on those keys gives."""
    matches = Matches(FEATURES)
    columns = {name: [row.get(name) for row in rows] for name in {key for row in rows for key in row}}
    left, right = matches.left_one(asked), matches.right(columns, len(rows))
    some = np.random.default_rng(seed).integers(0, len(rows), 8).astype(np.int32)
    found = np.full((8, len(matches) + 1), np.nan, np.float32)
    matches.of_rows(left, right, some, found, 1)
    np.testing.assert_array_equal(found[:, 1:], matches(left, right[some]))
    assert np.isnan(found[:, 0]).all()


def test_one_row_is_matched_by_the_loop_of_many() -> None:
    """A request with a single candidate compiles nothing: it would pay seconds for it, and later ones be cut short."""
    matches = Matches(FEATURES)
    left, right = matches.left_one({"page": "a"}), matches.right({"ad_category": ["a"] * 8}, 8)
    compiled = []
    for n in (8, 1):
        matches.of_rows(left, right, np.arange(n, dtype=np.int32), np.zeros((n, len(matches) + 1), np.float32), 1)
        compiled.append(len(_count_rows.signatures))
    assert compiled[0] == compiled[1]
