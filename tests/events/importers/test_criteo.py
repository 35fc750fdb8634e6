"""Criteo: the published text file, the rewritten one, and every way in which a row can be broken."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adcascade.errors import DataMissingError, InputError, RowError
from adcascade.events.importers import FORMATS, BadRows, Options
from adcascade.events.importers.criteo import CATEGORIES, NUMBERS

Lines = Callable[[str, bytes | str], Path]
Reader = Callable[..., pa.Table]
HEX = [f"{i:08x}" for i in range(26)]


def row(label: str = "0", numbers: list[str] | None = None, words: list[str] | None = None) -> str:
    """A line of train.txt."""
    return "\t".join([label, *(numbers or [str(i) for i in range(13)]), *(words or HEX)]) + "\n"


def test_the_published_file_becomes_samples(lines: Lines, read: Reader) -> None:
    """Label, numbers (negative too) and hex words arrive; empty is missing."""
    path = lines("train.txt", row("1", ["-2", "", *["7"] * 11], ["", *HEX[1:]]) + row())
    table = read("criteo", path)
    first, second = table.to_pylist()
    assert (first["click"], first["I1"], first["I2"], first["I3"]) == (1.0, -2.0, None, 7.0)
    assert (first["C1"], first["C2"], second["C1"]) == (None, HEX[1], HEX[0])
    assert list(first) == ["click", *NUMBERS, *CATEGORIES]


BROKEN = [
    (row("2"), "label", "2", "0 or 1"),
    (row(""), "label", "None", "0 or 1"),
    (row(numbers=["x", *["1"] * 12]), "I1", "'x'", "an integer"),
    (row(numbers=["1.5", *["1"] * 12]), "I1", "'1.5'", "an integer"),
    (row(words=["zz", *HEX[1:]]), "C1", "'zz'", "text like"),
    (row()[:40] + "\n", "(the line)", "0", "40 columns"),
    (row().rstrip("\n") + "\t1\n", "(the line)", "0", "40 columns"),
    (row(words=["\udcff", *HEX[1:]]), "C1", "xff", "text like"),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_row_stops_with_all_that_is_known(
    lines: Lines, read: Reader, broken: tuple[str, str, str, str]
) -> None:
    """The error names file, row, column, value and what was expected."""
    wrong, column, value, expected = broken
    path = lines("train.txt", (row() * 3 + wrong + row()).encode("utf-8", "surrogateescape"))
    with pytest.raises(RowError) as caught:
        read("criteo", path)
    message = str(caught.value)
    assert (caught.value.row, caught.value.column) == (4, column)
    assert all(part in message for part in ("train.txt", "row 4", value, expected, "--on-error skip"))


def test_skipping_counts_every_broken_row_once(lines: Lines, read: Reader) -> None:
    """All broken rows are left out and counted by reason; all others arrive in order."""
    text = "".join(wrong + row("1") for wrong, *_ in BROKEN)
    bad = BadRows("skip")
    table = read("criteo", lines("train.txt", text.encode("utf-8", "surrogateescape")), bad=bad)
    assert table["click"].to_pylist() == [1.0] * len(BROKEN)
    assert bad.skipped == len(BROKEN)
    assert {reason.split("'")[1] for reason in bad.reasons} == {"label", "I1", "C1", "(the line)"}


def test_the_earliest_broken_row_is_told(lines: Lines, read: Reader) -> None:
    """Of several broken rows, whatever is wrong with them, the first stops the reading."""
    with pytest.raises(RowError) as caught:
        read("criteo", lines("train.txt", row() + row("5") + "short\n" + row("6")))
    assert caught.value.row == 2


def test_rows_come_before_the_file_is_read_to_its_end(lines: Lines) -> None:
    """A broken row far behind does not hinder the first tables: nothing is read ahead of need."""
    path = lines("train.txt", row() * 3000 + "broken\n")
    tables = FORMATS["criteo"].read([path], Options(block_bytes=16_384)).tables
    first = next(tables)
    assert 0 < len(first) < 200
    with pytest.raises(RowError) as caught:
        list(tables)
    assert caught.value.row == 3001


def test_a_wrong_or_missing_file_says_so(tmp_path: Path, lines: Lines, read: Reader) -> None:
    """Neither a folder without the file, nor a path that is not there, nor text that is no Parquet passes."""
    with pytest.raises(DataMissingError, match=r"train\.txt"):
        read("criteo", tmp_path)
    with pytest.raises(DataMissingError, match="does not exist"):
        read("criteo", tmp_path / "nothing.txt")
    with pytest.raises(InputError, match="Parquet"):
        read("criteo", lines("train.parquet", "PAR"))


@pytest.mark.parametrize("name", ["train", "valid", "raw_first10k"])
def test_the_real_log(data_folder: Path, read: Reader, name: str) -> None:
    """Rows, clicks, missing values and sums equal those of the raw file."""
    path = data_folder / "criteo_display" / f"{name}.parquet"
    raw, table = pq.read_table(path), read("criteo", path)
    assert len(table) == len(raw)
    assert table["click"].to_pylist() == raw["label"].to_pylist()
    assert table["I2"].to_pylist() == raw["I2"].to_pylist()
    for column in ("I1", "C3", "C22"):
        assert table[column].null_count == raw[column].null_count
    assert table["C26"].to_pylist() == [None if v is None else str(v) for v in raw["C26"].to_pylist()]
