"""Laws of the encoder: one rule for files, requests and the catalog; every odd value has a meaning."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.contracts import Batch
from adcascade.errors import BundleError, ConfigurationError, InputError
from adcascade.features import AdFeatures, Encoder, Feature, default_features, fitting

FEATURES = (
    Feature(name="brand", side="ad", kind="categorical", buckets=7),
    Feature(name="user", side="user", kind="categorical", min_count=2),
    Feature(name="age", side="user", kind="numeric"),
    Feature(name="scenario", side="scenario", kind="categorical"),
    Feature(name="price", side="ad", kind="numeric", log=True),
    Feature(name="price", side="ad", kind="numeric", log=True, bins=4),
    Feature(name="ad", side="ad", kind="categorical"),
    Feature(name="history_ad", side="user", kind="sequence", of="ad", length=3),
    Feature(name="history_brand", side="user", kind="sequence", of="brand", length=3),
    Feature(name="picture", side="ad", kind="vector", length=2),
)
WORDS = st.sampled_from([None, "", "a", "b", "c", "ä", "🙂", "a longer one"])
NUMBERS = st.one_of(st.none(), st.floats(width=32), st.integers(-5, 5).map(float))
ROW = st.fixed_dictionaries(
    {
        "brand": WORDS,
        "user": WORDS,
        "age": NUMBERS,
        "scenario": WORDS,
        "price": NUMBERS,
        "ad": WORDS,
        "history_ad": st.one_of(st.none(), st.lists(WORDS, max_size=5)),
        "history_brand": st.one_of(st.none(), st.lists(WORDS, max_size=5)),
        "picture": st.one_of(st.none(), st.lists(st.floats(width=32), min_size=2, max_size=2)),
    }
)
SCHEMA = pa.schema(
    {
        "brand": pa.string(),
        "user": pa.dictionary(pa.int32(), pa.string()),
        "age": pa.float64(),
        "scenario": pa.large_string(),
        "price": pa.float64(),
        "ad": pa.string(),
        "history_ad": pa.list_(pa.string()),
        "history_brand": pa.large_list(pa.string()),
        "picture": pa.list_(pa.float32(), 2),
    }
)


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    """The rows as an Arrow table of several types of columns."""
    return pa.Table.from_pylist(rows, SCHEMA)


def columns_of(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The columns by name."""
    return {name: table[name] for name in table.column_names}


def fitted() -> Encoder:
    """An encoder that has seen a few values of everything."""
    seen: list[dict[str, Any]] = [
        {"brand": "x", "user": "a", "age": 20.0, "scenario": "home", "price": 1.0, "ad": "a", "history_ad": ["b"]},
        {"brand": "y", "user": "a", "age": 40.0, "scenario": "home", "price": 10.0, "ad": "b"},
        {"brand": "x", "user": "b", "age": None, "scenario": "search", "price": 100.0, "ad": "a"},
    ]
    return Encoder.fit(FEATURES, [table_of(seen)])


ENCODER = fitted()


def assert_same(left: Batch, right: Batch) -> None:
    """Equal ids, lengths and scenarios, and numbers equal up to the last digits of a float32."""
    for name in ("ids", "history", "history_length", "scenario"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
    np.testing.assert_allclose(left.dense, right.dense, rtol=1e-6, atol=1e-6)


@settings(deadline=None)  # numba compiles during the first example
@given(st.lists(ROW, min_size=1, max_size=8))
def test_a_table_is_encoded_like_its_rows_one_by_one(rows: list[dict[str, Any]]) -> None:
    """encode(table) is the concatenation of encode_one(row), for any values: training sees what serving sees."""
    whole = ENCODER.encode(columns_of(table_of(rows)), len(rows))
    for place, row in enumerate(table_of(rows).to_pylist()):
        assert_same(whole.take(slice(place, place + 1)), ENCODER.encode_one(row, "both"))


@settings(deadline=None)  # numba compiles during the first example
@given(st.lists(ROW, min_size=1, max_size=8))
def test_python_columns_are_encoded_like_arrow_columns(rows: list[dict[str, Any]]) -> None:
    """Lists of plain values and Arrow arrays, sliced or in several chunks, give the same batch."""
    table = table_of(rows)
    plain = {name: table[name].to_pylist() for name in table.column_names}
    padded = pa.concat_tables([table_of([rows[-1]]), table, table]).slice(1, len(rows))
    assert_same(ENCODER.encode(plain, len(rows)), ENCODER.encode(columns_of(table), len(rows)))
    assert_same(ENCODER.encode(plain, len(rows)), ENCODER.encode(columns_of(padded), len(rows)))


@settings(deadline=None)  # numba compiles during the first example
@given(st.lists(ROW, min_size=1, max_size=4))
def test_both_sides_are_the_request_and_then_the_ad(rows: list[dict[str, Any]]) -> None:
    """The two sides' columns, side by side, are those of "both"; the history belongs to the request."""
    columns = columns_of(table_of(rows))
    both, request, ad = (ENCODER.encode(columns, len(rows), side) for side in ("both", "request", "ad"))
    np.testing.assert_array_equal(both.ids, np.concatenate((request.ids, ad.ids), axis=1))
    np.testing.assert_array_equal(both.dense, np.concatenate((request.dense, ad.dense), axis=1))
    np.testing.assert_array_equal(both.history, request.history)
    assert request.ids.shape[1] == ENCODER.request_fields
    assert ad.dense.shape[1] == ENCODER.ad_numbers
    assert ad.history.size == 0


@settings(deadline=None)  # numba compiles during the first example
@given(st.lists(ROW, min_size=1, max_size=8))
def test_every_id_lies_in_its_own_field(rows: list[dict[str, Any]]) -> None:
    """No value, however odd, leaves the rows of its field; padding is row 0 and only padding is."""
    batch = ENCODER.encode(columns_of(table_of(rows)), len(rows))
    names = ["user", "scenario", "brand", "price", "ad"]
    for place, name in enumerate(names):
        rows_of_field = ENCODER.field_rows(name)
        assert ((batch.ids[:, place] >= rows_of_field.start) & (batch.ids[:, place] < rows_of_field.stop)).all()
    steps = np.arange(ENCODER.length) < batch.history_length[:, None]
    assert (batch.history[~steps] == 0).all()
    assert np.isfinite(batch.dense).all()
    assert batch.ids.max() < ENCODER.rows


def local(name: str, value: object) -> int:
    """The local row that a value gets in its field."""
    batch = ENCODER.encode_one({name: value}, "both")
    place = ["user", "scenario", "brand", "price", "ad"].index(name)
    return int(batch.ids[0, place]) - ENCODER.field_rows(name).start


def test_missing_unseen_and_rare_have_their_own_rows() -> None:
    """Missing is local row 0, unseen and too rare are row 1, the vocabulary follows from row 2."""
    assert [local("user", value) for value in (None, "", float("nan"))] == [0, 0, 0]
    assert [local("user", value) for value in ("never", "b")] == [1, 1]
    assert local("user", "a") == 2
    assert [local("price", value) for value in (None, float("nan"))] == [0, 0]
    assert min(local("price", value) for value in (-1e30, 0, 5, 1e30, float("inf"), -float("inf"))) >= 2


def test_the_scenario_is_counted_from_its_own_rows() -> None:
    """Batch.scenario: 0 missing, 1 never seen, then the known ones, the most frequent first."""
    numbers = [ENCODER.encode_one({"scenario": value}).scenario[0] for value in (None, "new", "home", "search")]
    assert numbers == [0, 1, 2, 3]
    assert ENCODER.scenarios == 4


def test_a_sequence_shares_the_rows_of_its_ad_feature() -> None:
    """An item of a history has the row that the same ad has as a candidate."""
    batch = ENCODER.encode_one({"history_ad": ["b", None, "never"], "history_brand": ["x"], "ad": "b"}, "both")
    first = ENCODER.field_rows("ad").start
    assert batch.history[0, 0, 0] == batch.ids[0, -1]
    assert batch.history[0, 1:, 0].tolist() == [first, first + 1]
    assert batch.history[0, 1:, 1].tolist() == [0, 0]
    assert batch.history_length[0] == 3
    assert ENCODER.targets == (2, 0)


def test_the_last_steps_of_a_history_are_kept() -> None:
    """Of a longer history the most recent items stay, oldest first."""
    long, short = ENCODER.encode_one({"history_ad": ["b", "b", *"aab"]}), ENCODER.encode_one({"history_ad": [*"aab"]})
    np.testing.assert_array_equal(long.history, short.history)


def test_numbers_out_of_range_count_as_the_nearest_seen() -> None:
    """Beyond the fitted range, infinities included, a number is worth the end of the range; missing is the mean."""
    z = [ENCODER.encode_one({"age": value}).dense[0].tolist() for value in (20, -1e9, -float("inf"), 40, 1e9, None)]
    assert z[0] == z[1] == z[2] == [-1, 0]
    assert z[3] == z[4] == [1, 0]
    assert z[5] == [0, 1]


@pytest.mark.parametrize("value", [7, 7.0, np.int64(7), np.float32(7), "7"])
def test_a_whole_number_and_its_text_are_one_key(value: object) -> None:
    """A JSON number, a Parquet integer and text find the same row."""
    encoder = Encoder.fit([Feature(name="ad", side="ad", kind="categorical")], [pa.table({"ad": [7, 8, 7]})])
    assert encoder.encode_one({"ad": value}, "ad").ids[0, 0] == 3
    assert encoder.encode({"ad": np.array([7.0])}, 1).ids[0, 0] == 3
    assert encoder.encode({"ad": pa.array(["7"]).cast(pa.string_view())}, 1).ids[0, 0] == 3


@pytest.mark.parametrize(
    ("column", "value"),
    [("age", "old"), ("user", ["a"]), ("history_ad", "a"), ("picture", [1.0]), ("picture", "no")],
)
def test_a_value_of_the_wrong_kind_is_named(column: str, value: object) -> None:
    """InputError names the column, alone and in a column, and so does an Arrow column of the wrong type."""
    with pytest.raises(InputError, match=column):
        ENCODER.encode_one({column: value}, "both")
    with pytest.raises(InputError, match=column):
        ENCODER.encode({column: [value]}, 1)
    with pytest.raises(InputError, match=column):
        ENCODER.encode({column: pa.array([value])}, 1)


def test_a_column_of_the_wrong_length_is_named() -> None:
    """Two values for one row are an error, not a broadcast."""
    with pytest.raises(InputError, match="user"):
        ENCODER.encode({"user": ["a", "b"]}, 1)


def test_fitting_does_not_depend_on_how_the_rows_are_cut() -> None:
    """One table or many, the same encoder: equal fingerprints up to the rounding of a mean, equal rows."""
    rows = [{"user": f"u{i % 7}", "age": float(i), "ad": f"a{i % 5}", "price": float(i % 11)} for i in range(50)]
    table = table_of(rows)
    whole, parts = Encoder.fit(FEATURES, [table]), Encoder.fit(FEATURES, [table.slice(i, 9) for i in range(0, 50, 9)])
    assert_same(whole.encode(columns_of(table), 50), parts.encode(columns_of(table), 50))


def test_an_absent_column_is_a_mistake_when_fitting_and_missing_when_serving() -> None:
    """A misspelt declaration is found at once; a request may leave out what it does not know."""
    with pytest.raises(ConfigurationError, match="misspelt"):
        Encoder.fit([Feature(name="misspelt", side="user", kind="categorical")], [pa.table({"user": ["a"]})])
    assert_same(ENCODER.encode({}, 1), ENCODER.encode_one({}, "both"))


@pytest.mark.parametrize(
    "wrong",
    [
        Feature(name="ad", side="ad", kind="categorical"),
        Feature(name="ad", side="ad", kind="numeric"),
        Feature(name="h", side="user", kind="sequence", of="user", length=3),
        Feature(name="h", side="ad", kind="sequence", of="ad", length=3),
        Feature(name="h", side="user", kind="sequence", of="ad", length=4),
        Feature(name="h", side="user", kind="sequence", of="nothing", length=3),
        Feature(name="v", side="ad", kind="vector"),
        Feature(name="c", side="ad", kind="categorical", min_count=0),
    ],
)
def test_contradictory_declarations_are_refused(wrong: Feature) -> None:
    """Each contradiction is a ConfigurationError that names the feature or the lengths."""
    with pytest.raises(ConfigurationError):
        Encoder.fit((*FEATURES, wrong), [])


def test_a_loaded_encoder_is_the_saved_one(tmp_path: Path) -> None:
    """Same fingerprint, same encoding."""
    ENCODER.save(tmp_path)
    loaded = Encoder.load(tmp_path)
    assert loaded.fingerprint == ENCODER.fingerprint
    row = {"user": "a", "ad": "b", "brand": "z", "age": 31, "price": 7, "history_ad": ["a"]}
    assert_same(loaded.encode_one(row, "both"), ENCODER.encode_one(row, "both"))


def test_the_fingerprint_tells_encoders_apart() -> None:
    """One more value in a vocabulary, or another declaration, and it differs."""
    one = [Feature(name="ad", side="ad", kind="categorical")]
    two = [Feature(name="ad", side="ad", kind="categorical", buckets=2)]
    prints = {
        Encoder.fit(one, [pa.table({"ad": ["a"]})]).fingerprint,
        Encoder.fit(one, [pa.table({"ad": ["a", "b"]})]).fingerprint,
        Encoder.fit(two, [pa.table({"ad": ["a"]})]).fingerprint,
    }
    assert len(prints) == 3


@pytest.mark.parametrize("name", ["encoder.json", "vocabulary.parquet"])
def test_a_damaged_encoder_is_refused(tmp_path: Path, name: str) -> None:
    """A cut file and an absent one raise BundleError."""
    ENCODER.save(tmp_path)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(BundleError):
        Encoder.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(BundleError):
        Encoder.load(tmp_path)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 3000), WORDS, NUMBERS), max_size=6))
def test_ad_features_hold_the_last_encoding_of_each_row(changes: list[tuple[int, str | None, float | None]]) -> None:
    """After any updates a row holds its last encoding, and a row never written is all missing."""
    ads = AdFeatures(ENCODER)
    last: dict[int, dict[str, object]] = {}
    for row, word, number in changes:
        ads.update(np.array([row]), {"ad": [word], "price": [number]})
        last[row] = {"ad": word, "price": number}
    assert len(ads) == (max(last) + 1 if last else 0)
    for row in {*last, *([0] if last else [])}:
        expected = ENCODER.encode_one(last.get(row, {}), "ad")
        np.testing.assert_array_equal(ads.ids[row], expected.ids[0])
        np.testing.assert_allclose(ads.dense[row], expected.dense[0], rtol=1e-6, atol=1e-6)


def test_the_default_declaration_is_consistent() -> None:
    """It fits on a log with its columns, and position 0 is what serving encodes."""
    features = default_features(["weather"])
    row: dict[str, Any] = dict.fromkeys(fitting.columns_of(features), "x")
    row.update(price=1.0)
    row.update(history_ad=["x"], history_category=["x"], position=0, weather="rain")
    encoder = Encoder.fit(features, [pa.Table.from_pylist([row, row])])
    assert encoder.sequences == 2
    assert encoder.length == 20
    assert encoder.scenarios == 3
