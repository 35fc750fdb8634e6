"""MovieLens: every edition's files, the threshold, and histories that look only back."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from adcascade.errors import DataMissingError, RowError
from adcascade.events.importers import BadRows, Options

Lines = Callable[[str, bytes | str], Path]
Reader = Callable[..., pa.Table]
FLAGS = "|".join("1" if i in (1, 5) else "0" for i in range(19))
EDITIONS: dict[str, dict[str, bytes | str]] = {
    "100k": {
        "u.data": "7\t1\t5\t20\n7\t2\t3\t10\n7\t2\t4\t30\n",
        "u.item": f"1|Amélie (2001)|01-Jan-2001||http://x|{FLAGS}\n2|B|||y|{FLAGS}\n".encode("latin-1"),
        "u.user": "7|24|M|technician|85711\n",
    },
    "1m": {
        "ratings.dat": "7::1::5::20\n7::2::3::10\n7::2::4::30\n",
        "movies.dat": "1::Amélie (2001)::Action|Comedy\n2::Star: B::Action|Comedy\n".encode("latin-1"),
        "users.dat": "7::M::24::technician::85711\n",
    },
    "20m": {
        "ratings.csv": "userId,movieId,rating,timestamp\n7,1,5.0,20\n7,2,3.5,10\n7,2,4.0,30\n",
        "movies.csv": 'movieId,title,genres\n1,"Amélie (2001)",Action|Comedy\n2,B,Action|Comedy\n',
    },
}


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_edition_becomes_the_same_samples(edition: str, lines: Lines, read: Reader) -> None:
    """Sorted by time; 4 and more is a click; the history is what was liked strictly before."""
    table = read("movielens", *(lines(name, text) for name, text in EDITIONS[edition].items()))
    assert table["time_us"].to_pylist() == [10_000_000, 20_000_000, 30_000_000]
    assert table["click"].to_pylist() == [0.0, 1.0, 1.0]
    assert table["past_item_id"].to_pylist() == [[], [], ["1"]]
    assert table["past_genre"].to_pylist() == [[], [], ["Action"]]
    assert table["year"].to_pylist() == [None, 2001.0, None]
    assert set(table["genres"].to_pylist()) == {"Action|Comedy"}
    assert table["gender"].to_pylist() == ([None] * 3 if edition == "20m" else ["M"] * 3)


@pytest.mark.parametrize(
    ("line", "column"),
    [("7::1::6::20", "rating"), ("7::1::x::20", "rating"), ("::1::5::20", "user_id"), ("7::1::5", "(the line)")],
)
def test_what_is_wrong_is_named_or_skipped(lines: Lines, read: Reader, line: str, column: str) -> None:
    """A rating outside 0.5 to 5, a missing user, a truncated line."""
    path = lines("ratings.dat", f"7::1::5::20\n{line}\n8::1::5::20\n")
    with pytest.raises(RowError) as caught:
        read("movielens", path)
    assert (caught.value.row, caught.value.column) == (2, column)
    bad = BadRows("skip")
    assert read("movielens", path, bad=bad)["user"].to_pylist() == ["7", "8"]
    assert bad.skipped == 1


def test_ratings_must_be_there(lines: Lines, read: Reader) -> None:
    """Films alone are no log."""
    with pytest.raises(DataMissingError, match="ratings"):
        read("movielens", lines("movies.csv", "movieId,title,genres\n"))


@pytest.mark.parametrize(("name", "user"), [("movielens_100k", "user_id"), ("movielens_latest_small", "userId")])
def test_real_ratings_with_time(data_folder: Path, read: Reader, name: str, user: str) -> None:
    """Rows and click rate are the raw file's; in any batches histories equal those found by walking through."""
    raw = pq.read_table(data_folder / name / "ratings.parquet")
    table = read("movielens", data_folder / name, options=Options(block_rows=7000, run_rows=20_000))
    assert len(table) == len(raw)
    assert pc.sum(table["click"]).as_py() == pc.sum(pc.greater_equal(raw["rating"], 4)).as_py()
    someone = str(raw[user][0].as_py())
    mine = table.filter(pc.equal(table["user"], someone)).to_pylist()
    for row in mine:
        liked = {one["item_id"] for one in mine if one["click"] and one["time_us"] < row["time_us"]}
        assert set(row["past_item_id"]) <= liked
        assert len(row["past_item_id"]) == min(50, len(liked))


def test_real_ratings_without_time(data_folder: Path, read: Reader) -> None:
    """The 1M rewrite has no time: rows in their order, no history, and the click rate of the raw file."""
    raw = pq.read_table(data_folder / "movielens_1m" / "ratings.parquet")
    table = read("movielens", data_folder / "movielens_1m")
    assert table["user"].to_pylist()[:1000] == [str(v) for v in raw["user_id"].to_pylist()[:1000]]
    assert pc.mean(table["click"]).as_py() == pytest.approx(pc.mean(pc.greater_equal(raw["rating"], 4)).as_py())
    assert "time_us" not in table.column_names
