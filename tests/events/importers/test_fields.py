"""Laws of conversion: what is good passes as it is, what is bad is found, and nothing else is."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.events.importers.fields import Field, parse

INTEGER = Field(name="x", kind="integer")


def binary(*values: bytes | None) -> pa.Array:
    """A column as the text reader gives it."""
    return pa.array(values, pa.binary())


@given(st.lists(st.none() | st.integers(-(2**62), 2**62) | st.sampled_from(["x", "1.5", "1e3", " 1", "--1"])))
def test_exactly_the_wrong_integers_are_found(values: list[int | str | None]) -> None:
    """Against one-by-one: a number stays, null stays null, anything else is bad and null."""
    column = pa.array([None if value is None else str(value).encode() for value in values], pa.binary())
    parsed, bad = parse(column, INTEGER)
    assert bad.tolist() == [isinstance(value, str) for value in values]
    assert parsed.to_pylist() == [value if isinstance(value, int) else None for value in values]


@pytest.mark.parametrize(
    ("field", "good", "wrong"),
    [
        (Field(name="x", kind="flag"), [b"0", b"1", b"1.0"], [b"2", b"-1", b"yes", b"0.5"]),
        (Field(name="x", kind="number"), [b"1", b"-2.5e3", b"nan"], [b"one", b"inf", b"1,5"]),
        (Field(name="x", kind="integer", low=0, high=3), [b"0", b"3"], [b"-1", b"4"]),
        (Field(name="x", pattern="[0-9a-f]{8}"), [b"68fd1e64"], [b"68FD1E64", b"68fd1e6", b"68fd1e64a"]),
        (Field(name="x"), ["\u4e2d".encode()], [b"\xff\xfe", b"ok\xc3"]),
        (Field(name="x", kind="time"), [b"2017-11-06 16:00:00", b"2017-11-06T16:00:00"], [b"06/11/2017", b"soon"]),
        (Field(name="x", kind="time", format="%y%m%d%H"), [b"14102100"], [b"14102199", b"1410", b"x"]),
        (Field(name="x", kind="time", format="s"), [b"1000", b"1000.5"], [b"now"]),
        (Field(name="x", kind="vector", length=2), [b"1|2", b"0.5|-1"], [b"1|2|3", b"1|b", b"1"]),
    ],
)
def test_each_kind_knows_good_from_wrong(field: Field, good: list[bytes], wrong: list[bytes]) -> None:
    """Good and wrong values side by side: only the wrong ones are found, wherever they stand."""
    column = binary(*good, None, *wrong, *good)
    _, bad = parse(column, field)
    assert bad.tolist() == [False] * (len(good) + 1) + [True] * len(wrong) + [False] * len(good)


def test_a_required_value_may_not_be_missing() -> None:
    """Null is bad only where the field is required."""
    assert parse(binary(None, b"a"), Field(name="x", required=True))[1].tolist() == [True, False]
    assert parse(binary(None, b"a"), Field(name="x"))[1].tolist() == [False, False]


def test_times_of_every_writing_are_the_same_moment() -> None:
    """Text, text with a zone, epochs and typed columns: one moment, one number."""
    moment = 1_509_984_000_000_000
    assert parse(binary(b"2017-11-06 16:00:00"), Field(name="x", kind="time"))[0].to_pylist() == [moment]
    assert parse(binary(b"2017-11-06 17:00:00+01:00"), Field(name="x", kind="time"))[0].to_pylist() == [moment]
    assert parse(binary(b"1509984000"), Field(name="x", kind="time", format="s"))[0].to_pylist() == [moment]
    assert parse(binary(b"1509984000000"), Field(name="x", kind="time", format="ms"))[0].to_pylist() == [moment]
    assert parse(pa.array([moment], pa.timestamp("us")), Field(name="x", kind="time"))[0].to_pylist() == [moment]
    stamp = Field(name="x", kind="time", format="%Y%m%d%H%M%S+ms")
    assert parse(binary(b"20171106160000007"), stamp)[0].to_pylist() == [moment + 7000]


def test_typed_columns_need_no_text() -> None:
    """Numbers of a Parquet file pass by their type; a number that is none is missing."""
    assert parse(pa.array([1, 2], pa.int8()), Field(name="x"))[0].to_pylist() == ["1", "2"]
    values, bad = parse(pa.array([1.5, np.nan]), Field(name="x", kind="number"))
    assert values.to_pylist() == [1.5, None]
    assert not bad.any()
    assert parse(pa.array([1.0, 1.5]), INTEGER)[1].tolist() == [False, True]
    assert parse(pa.array([[1, 2]]), Field(name="x", kind="list"))[0].to_pylist() == [["1", "2"]]
