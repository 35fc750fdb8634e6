"""Laws of delimited text: rows keep their numbers, whatever is broken before them and however it is cut."""

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.errors import InputError
from adcascade.events.importers.text import Dialect, header, line_blocks, text_blocks

Lines = Callable[[str, bytes | str], Path]
TAB = Dialect(delimiter="\t", columns=("a", "b"), quotes=False)
COLONS = Dialect(delimiter="::", columns=("a", "b"), quotes=False)


@pytest.mark.parametrize("dialect", [TAB, COLONS, Dialect(delimiter=",")])
@settings(deadline=None, max_examples=40)
@given(whole=st.lists(st.booleans(), min_size=1, max_size=60), size=st.integers(40, 200))
def test_every_row_keeps_its_number(
    dialect: Dialect, whole: list[bool], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Good and truncated rows in any order, cut into any blocks: each is told by its own number."""
    path = tmp_path_factory.mktemp("text") / "file"
    head = "" if dialect.columns else "a,b\n"
    path.write_text(head + "".join(f"{i}{dialect.delimiter}x\n" if ok else f"{i}\n" for i, ok in enumerate(whole, 1)))
    numbers, values, broken = [], [], []
    for block in text_blocks(path, ["a"], dialect, size):
        numbers += block.numbers.tolist()
        values += [int(value) for value in block.table["a"].to_pylist()]
        broken += [fault.row for fault in block.broken]
    assert values == numbers == [i for i, ok in enumerate(whole, 1) if ok]
    assert broken == [i for i, ok in enumerate(whole, 1) if not ok]


def test_compressed_files_read_as_plain_ones(lines: Lines, tmp_path: Path) -> None:
    """gzip and bzip2 are opened by their names."""
    text = b"1\t2\n3\t4\n"
    paths = [lines("x.txt", text), lines("x.gz", gzip.compress(text)), lines("x.bz2", bz2.compress(text))]
    for path in paths:
        assert [b.table["b"].to_pylist() for b in text_blocks(path, ["b"], TAB, 1 << 20)] == [[b"2", b"4"]]


def test_a_large_file_is_read_block_by_block(lines: Lines) -> None:
    """The first rows come out while most of the file is still unread, and no block is larger than asked for."""
    path = lines("x.txt", "1\t2\n" * 200_000)
    blocks = text_blocks(path, ["a"], TAB, 4096)
    sizes = [len(next(blocks).numbers) for _ in range(3)]
    assert max(sizes) <= 4096 // 4
    blocks.close()  # type: ignore[attr-defined]


def test_a_header_may_have_a_mark_and_quotes(lines: Lines) -> None:
    """A byte order mark, quotes and a carriage return are no part of a name."""
    assert header(lines("x.csv", b'\xef\xbb\xbf"a",b\r\n1,2\r\n'), Dialect()) == ("a", "b")


def test_an_empty_file_has_no_rows(lines: Lines) -> None:
    """Nothing in, nothing out."""
    assert list(text_blocks(lines("x.txt", ""), ["a"], TAB, 4096)) == []


def test_a_line_longer_than_a_block_is_refused(lines: Lines) -> None:
    """What is no text of lines is named instead of read into memory."""
    path = lines("x.txt", "1" * 50_000)
    with pytest.raises(InputError, match=r"x\.txt"):
        list(line_blocks(path, 1000))


def test_packed_archives_say_what_to_do(lines: Lines) -> None:
    """A .zip must be unpacked first."""
    with pytest.raises(InputError, match="unpack it first"):
        header(lines("x.zip", b"PK"), Dialect())


def test_missing_values_are_null(lines: Lines) -> None:
    """The texts that mean missing are null; the others are as they stand."""
    dialect = Dialect(nulls=("", "NULL"))
    (block,) = text_blocks(lines("x.csv", "a,b\nNULL,1\n,2\nnull,3\n"), ["a"], dialect, 4096)
    assert block.table["a"].to_pylist() == [None, None, b"null"]
    np.testing.assert_array_equal(block.numbers, [1, 2, 3])
