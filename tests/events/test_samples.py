"""Laws of the sample set: what is written is read, in order; parts cover the whole; damage is named."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import DataMissingError, InputError, StoreError
from adcascade.events import sample_writer
from adcascade.events.sample_types import ROW_GROUP
from adcascade.events.samples import Samples, SampleWriter

AD = {"name": "ad", "side": "ad", "kind": "categorical"}
row = st.fixed_dictionaries(
    {
        "click": st.sampled_from([0.0, 1.0]),
        "time_us": st.integers(0, 2**40),
        "user": st.none() | st.text(max_size=3),
        "ad": st.none() | st.text(max_size=3),
        "price": st.none() | st.floats(allow_nan=False, width=32),
        "past": st.none() | st.lists(st.text(max_size=2), max_size=3),
    }
)
SCHEMA = pa.schema(
    {
        "click": pa.float32(),
        "time_us": pa.int64(),
        "user": pa.string(),
        "ad": pa.string(),
        "price": pa.float32(),
        "past": pa.list_(pa.string()),
    }
)


def write(folder: Path, tables: list[pa.Table], **more: str) -> Samples:
    """A sample set of these tables."""
    with SampleWriter(folder, source="test", features=[AD], **more) as writer:  # type: ignore[arg-type]
        for table in tables:
            writer.write(table)
    return Samples(folder)


def timed(times: list[int]) -> pa.Table:
    """Rows at these times."""
    numbers = np.arange(len(times))
    return pa.table({"click": np.zeros(len(times)), "time_us": pa.array(times, pa.int64()), "ad": numbers.astype(str)})


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(row, max_size=6), min_size=1, max_size=4))
def test_what_is_written_is_read(parts: list[list[dict[str, object]]]) -> None:
    """Any rows, in any number of calls, come back equal and in order."""
    tables = [pa.Table.from_pylist(part, SCHEMA) for part in parts]
    with TemporaryDirectory() as folder:
        samples = write(Path(folder) / "set", tables)
        assert samples.table().to_pylist() == pa.concat_tables(tables).to_pylist()
        assert samples.rows == sum(map(len, parts))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.floats(0, 1))
def test_a_split_covers_all_and_never_looks_ahead(times: list[int], share: float) -> None:
    """Both parts together are all rows; unless all was one moment, the first part is strictly earlier."""
    with TemporaryDirectory() as folder:
        samples = write(Path(folder) / "set", [timed(times)])
        early, late = samples.split_by_time(share)
        first, second = early.table(), late.table()
    assert (early.rows, late.rows) == (len(first), len(second))
    assert sorted(first["ad"].to_pylist() + second["ad"].to_pylist()) == sorted(map(str, range(len(times))))
    moments, rest = first["time_us"].to_pylist(), second["time_us"].to_pylist()
    if moments and rest:
        smallest = sorted(times)[round(len(times) * share)] == min(times)
        assert smallest or max(moments) < min(rest)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 5))
def test_a_slice_is_a_slice(start: int, stop: int, batch: int) -> None:
    """Whatever the batches, rows [start, stop) are those of the list."""
    with TemporaryDirectory() as folder:
        samples = write(Path(folder) / "set", [timed(list(range(10)))])
        read = [
            t for table in samples.slice(start, stop).tables(["time_us"], batch) for t in table["time_us"].to_pylist()
        ]
    assert read == list(range(10))[start : max(start, stop)]


def test_slices_reach_over_parts_and_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set of several part files reads as one."""
    monkeypatch.setattr(sample_writer, "PART_ROWS", ROW_GROUP)
    rows = 2 * ROW_GROUP + 10
    samples = write(tmp_path / "set", [timed(list(range(rows)))])
    assert len(list((tmp_path / "set").glob("part-*.parquet"))) == 3
    piece = samples.slice(ROW_GROUP - 3, 2 * ROW_GROUP + 3).table(["time_us"])["time_us"].to_numpy()
    np.testing.assert_array_equal(piece, np.arange(ROW_GROUP - 3, 2 * ROW_GROUP + 3))
    assert samples.ordered


def test_the_writer_holds_at_most_one_row_group(tmp_path: Path) -> None:
    """After any write fewer than a row group's rows are held."""
    with SampleWriter(tmp_path / "set", source="test", features=[]) as writer:
        for _ in range(5):
            writer.write(timed(list(range(ROW_GROUP // 2 + 7))))
            assert writer._held_rows < ROW_GROUP
        assert writer.rows == 5 * (ROW_GROUP // 2 + 7)


def test_row_groups_have_the_stated_size(tmp_path: Path) -> None:
    """Part files are cut into row groups of 65,536, whatever the calls brought."""
    write(tmp_path / "set", [timed(list(range(50_000))) for _ in range(4)])
    with pq.ParquetFile(tmp_path / "set" / "part-00000.parquet") as part:
        sizes = [part.metadata.row_group(i).num_rows for i in range(part.num_row_groups)]
    assert sizes == [ROW_GROUP, ROW_GROUP, ROW_GROUP, 200_000 - 3 * ROW_GROUP]


def test_types_are_brought_to_the_contract(tmp_path: Path) -> None:
    """Labels of integers, large strings and dictionaries of them arrive in the types of the table."""
    words = pa.array(["a", "b"], pa.large_string())
    table = pa.table({"click": pa.array([0, 1], pa.int8()), "user": words, "ad": words.dictionary_encode()})
    schema = write(tmp_path / "set", [table]).schema
    assert schema.field("click").type == pa.float32()
    assert schema.field("user").type == pa.string()
    assert schema.field("ad").type == pa.dictionary(pa.int32(), pa.string())


def test_dictionaries_of_different_tables_are_one_column(tmp_path: Path) -> None:
    """Each table may bring its own dictionary."""
    tables = [
        pa.table({"click": [0.0], "ad": pa.array([word]).dictionary_encode()}) for word in ("first", "second", "first")
    ]
    assert write(tmp_path / "set", tables).table()["ad"].to_pylist() == ["first", "second", "first"]


@pytest.mark.parametrize(
    ("table", "named"),
    [
        (pa.table({"ad": ["a"]}), "click"),
        (pa.table({"click": [2.0], "ad": ["a"]}), "click"),
        (pa.table({"click": pa.array([None], pa.float32()), "ad": ["a"]}), "click"),
        (pa.table({"click": [0.0], "conversion": [0.5], "ad": ["a"]}), "conversion"),
        (pa.table({"click": [0.0], "time_us": ["now"], "ad": ["a"]}), "time_us"),
        (pa.table({"click": [0.0]}), "ad"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, table: pa.Table, named: str) -> None:
    """A missing or wrong column is named, and no set is left behind."""
    with pytest.raises(InputError, match=named):
        write(tmp_path / "set", [table])
    with pytest.raises(DataMissingError):
        Samples(tmp_path / "set")


def test_later_tables_must_have_the_columns_of_the_first(tmp_path: Path) -> None:
    """The first table decides; a column more or less is refused."""
    with pytest.raises(InputError, match="first table"):
        write(tmp_path / "set", [timed([1]), pa.table({"click": [0.0], "ad": ["a"]})])


def test_an_exception_leaves_no_part_behind(tmp_path: Path) -> None:
    """A writer that is left by an exception removes its files."""

    def fail() -> None:
        with SampleWriter(tmp_path / "set", source="test", features=[]) as writer:
            writer.write(timed(list(range(ROW_GROUP))))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list((tmp_path / "set").iterdir()) == []


def test_a_set_is_never_overwritten(tmp_path: Path) -> None:
    """A folder that holds a set is refused, and the set stays."""
    write(tmp_path / "set", [timed([1, 2])])
    with pytest.raises(InputError, match="remove it first"):
        write(tmp_path / "set", [timed([3])])
    assert Samples(tmp_path / "set").rows == 2


def test_parts_of_an_interrupted_writer_are_swept_away(tmp_path: Path) -> None:
    """Parts without a manifest are of no set; the next writer starts anew."""
    (tmp_path / "part-00007.parquet").write_bytes(b"half")
    assert write(tmp_path, [timed([1])]).rows == 1
    assert not (tmp_path / "part-00007.parquet").exists()


def test_no_set_says_how_to_get_one(tmp_path: Path) -> None:
    """The error of an empty folder names the command."""
    with pytest.raises(DataMissingError, match="adcascade import"):
        Samples(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"source": "x", "rows": 5, "parts": [], "features": []}'])
def test_a_damaged_manifest_is_named(tmp_path: Path, damage: bytes) -> None:
    """A manifest that cannot be read, or contradicts itself, is a StoreError."""
    write(tmp_path, [timed([1])])
    (tmp_path / "samples.json").write_bytes(damage)
    with pytest.raises(StoreError, match="damaged"):
        Samples(tmp_path)


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    """A part that is cut short is a StoreError when it is read."""
    samples = write(tmp_path, [timed([1])])
    (tmp_path / "part-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="part-00000"):
        samples.table()


def test_declarations_and_label_travel(tmp_path: Path) -> None:
    """What the writer was told of features and label, the reader says."""
    samples = write(tmp_path, [timed([1])], label="conversion")
    assert samples.feature_declarations == [AD]
    assert (samples.source, samples.label) == ("test", "conversion")


def test_an_empty_set_is_a_set(tmp_path: Path) -> None:
    """No row is no error: neither with columns nor without."""
    assert len(write(tmp_path / "a", [timed([])]).table().column_names) == 3
    with SampleWriter(tmp_path / "b", source="test", features=[]):
        pass
    assert Samples(tmp_path / "b").table().num_rows == 0


def test_a_part_by_time_is_not_cut_by_rows(tmp_path: Path) -> None:
    """Out of order, parts by time are filters; slicing one is refused rather than wrong."""
    early, _ = write(tmp_path, [timed([5, 1, 4, 2])]).split_by_time(0.5)
    assert sorted(early.table()["time_us"].to_pylist()) == [1, 2]
    with pytest.raises(InputError, match="slice first"):
        early.slice(0, 1)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=12), st.integers(0, 21), st.integers(0, 21))
def test_between_takes_the_rows_of_a_time(times: list[int], since: int, until: int) -> None:
    """since <= time < until, against a loop; a set that is not in order of time is refused."""
    with TemporaryDirectory() as folder:
        ordered = write(Path(folder) / "ordered", [timed(sorted(times))])
        found = ordered.between(since, until).table(["time_us"])["time_us"].to_pylist()
        assert found == [time for time in sorted(times) if since <= time < until]
        if sorted(times) != times:
            with pytest.raises(InputError, match="order of time"):
                write(Path(folder) / "mixed", [timed(times)]).between(since, until)
