"""Laws of look-ups: on Arrow's buffers they say what a dictionary of Python says, wherever a column comes from."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.features import Encoder, Feature, tables
from adcascade.features.categories import Buckets, Categories, Numbered, Vocabulary, many, write
from adcascade.features.integers import span_of

TEXTS = st.one_of(
    st.sampled_from(["", "a", "a\0", "\0", "12345678", "12345678\0", "exactly sixteen!", "exactly sixteen", "7", "07"]),
    st.text(max_size=40),
    st.integers(-20, 40).map(str),
)
COLUMN = st.lists(st.one_of(st.none(), TEXTS), max_size=80)


@settings(deadline=None, max_examples=200)
@given(words=st.lists(TEXTS, max_size=30, unique=True), column=COLUMN, skip=st.integers(0, 3), wide=st.booleans())
def test_a_vocabulary_is_a_dictionary(words: list[str], column: list[str | None], skip: int, wide: bool) -> None:
    """Whatever the lengths, with nulls, strangers and slices: row by row what `one` says, the offset added."""
    values = [*words, *column]
    array = pa.array(values, pa.large_string() if wide else pa.string())[skip:]
    for categories in (Vocabulary(words), Buckets(7)):
        out = np.empty(len(array), np.int64)
        write(categories, array, "c", out, 100)
        assert out.tolist() == [100 + categories.one(value, "c") for value in values[skip:]]


@pytest.mark.parametrize("find", [tables._find, tables._find_far])
def test_near_and_far_tables_answer_alike(find: Callable[..., None]) -> None:
    """The way for large tables, which looks ahead, and the way for small ones find the same rows."""
    words = [f"{'x' * (number % 30)}{number}" for number in range(5000)]
    table = tables.build(words)
    values = pa.array([*words[::-1], *(f"{word}?" for word in words)])
    out = np.empty(len(values), np.int64)
    find(table, tables.buffers(values), 0, out)
    assert out.tolist() == [*range(5001, 1, -1), *[1] * 5000]


def test_long_texts_that_differ_in_one_byte_are_told_apart() -> None:
    """Every byte of a long text counts, the first and the last of each word included."""
    base = "x" * 37
    words = [base, *(base[:at] + "y" + base[at + 1 :] for at in range(37))]
    assert many(Vocabulary(words), pa.array(words), "c").tolist() == list(range(2, 40))


def test_texts_at_the_very_end_of_their_buffer_are_read_within_it() -> None:
    """A buffer without padding behind the last text is read no further: the bytes behind it cannot matter."""
    data = b"abcabcd"
    offsets = np.array([0, 3, 7], np.int32)
    array = pa.StringArray.from_buffers(2, pa.py_buffer(offsets), pa.py_buffer(data))
    assert many(Vocabulary(["abcd", "abc"]), array, "c").tolist() == [3, 2]


@settings(deadline=None, max_examples=150)
@given(
    words=st.lists(st.one_of(st.integers(-50, 50), st.integers(-(2**63), 2**64)).map(str), max_size=20, unique=True),
    column=st.lists(st.one_of(st.none(), st.integers(-60, 60), st.integers(-(2**63), 2**63 - 1)), max_size=40),
    skip=st.integers(0, 3),
)
def test_integers_find_the_rows_of_their_texts(words: list[str], column: list[int | None], skip: int) -> None:
    """A column of numbers is encoded as if each were written as text, close together or far apart."""
    kinds: list[Categories] = [Vocabulary(words), Vocabulary(["1", "01", "-0", "3"]), Numbered(30), Buckets(5)]
    array = pa.array(column, pa.int64())[skip:]
    for categories in kinds:
        assert many(categories, array, "c").tolist() == [categories.one(value, "c") for value in column[skip:]]


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()])
def test_every_width_of_integers_is_known(kind: pa.DataType) -> None:
    """All of Arrow's integers, and dictionaries of them, find the same rows."""
    array = pa.array([3, None, 100, 0], kind)
    for values in (array, array.dictionary_encode(), array.cast(pa.string())):
        assert many(Numbered(4), values, "c").tolist() == [5, 0, 1, 2]
        assert many(Vocabulary(["100", "3"]), values, "c").tolist() == [3, 0, 2, 1]


def test_a_vocabulary_of_far_numbers_takes_no_list() -> None:
    """The list from number to row is never much longer than the vocabulary."""
    assert span_of(["1", str(10**9)]) is None
    span = span_of([str(number) for number in range(0, 4000, 4)])
    assert span is not None
    assert len(span.rows) == 3997


def test_an_encoded_block_lies_column_by_column_without_a_copy() -> None:
    """Each field's ids lie end to end, a slice of a block is a view, and a mixture keeps the order of memory."""
    features = [Feature(name=name, side="user", kind="index", buckets=9) for name in "abc"]
    table = pa.table({name: pa.array(np.arange(8) + shift, pa.int32()) for shift, name in enumerate("abc")})
    batch = Encoder.fit(features, [table]).encode({name: table[name] for name in "abc"}, 8)
    assert batch.ids.flags.f_contiguous
    assert np.shares_memory(batch.take(slice(2, 5)).ids, batch.ids)
    order = np.array([7, 0, 3, 3])
    mixed = batch.take(order)
    assert mixed.ids.flags.f_contiguous
    assert mixed.ids.tolist() == [batch.ids[row].tolist() for row in order]
    assert batch.ids.tolist() == [
        [1 + 2 + row, 1 + 11 + 3 + row, 1 + 22 + (4 + row if row < 7 else 1)] for row in range(8)
    ]
