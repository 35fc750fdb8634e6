"""The generic importer: one meaning, whatever the file is written in; a mapping or a guess that is told."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adcascade.errors import ConfigurationError, DataMissingError, InputError, RowError
from adcascade.events.importers import FORMATS, BadRows, Options
from adcascade.events.importers.guess import reserved_of

Lines = Callable[[str, bytes | str], Path]
Reader = Callable[..., pa.Table]
MAPPING = """
[columns]
time_us = "when"
click = "clicked"
user = "visitor"

[format]
time = "s"
sort = true

[[features]]
name = "brand"
side = "ad"
kind = "categorical"
source = "brand_name"
min_count = 2

[[features]]
name = "price"
side = "ad"
kind = "numeric"
log = true

[[features]]
name = "price"
side = "ad"
kind = "numeric"
bins = 8

[[features]]
name = "seen"
side = "user"
kind = "sequence"
of = "brand"
length = 5

[[features]]
name = "look"
side = "ad"
kind = "vector"
length = 2
"""
ROWS: list[dict[str, object]] = [
    {
        "when": 20,
        "clicked": 1,
        "visitor": "u",
        "brand_name": "b1",
        "price": 2.5,
        "seen": ["b2", "b3"],
        "look": [0.5, 1.0],
    },
    {"when": 10, "clicked": 0, "visitor": None, "brand_name": "b2", "price": None, "seen": None, "look": [0.0, -1.0]},
]


def as_csv(rows: list[dict[str, object]]) -> str:
    """The rows as a person would write them."""

    def cell(value: object) -> str:
        return "|".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)

    return "\n".join([",".join(rows[0]), *(",".join(map(cell, row.values())) for row in rows)]) + "\n"


def as_json(rows: list[dict[str, object]]) -> bytes:
    """One JSON object a line."""
    return b"\n".join(msgspec.json.encode(row) for row in rows)


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_gives_the_same_samples(kind: str, lines: Lines, read: Reader, tmp_path: Path) -> None:
    """CSV, TSV, JSON lines and Parquet with one mapping: one table, in order of time."""
    text: dict[str, bytes | str] = {"csv": as_csv(ROWS), "jsonl": as_json(ROWS), "parquet": b""}
    text["tsv"] = as_csv(ROWS).replace(",", "\t")
    path = lines(f"log.{kind}", text[kind])
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    table = read("generic", path, options=Options(mapping=lines("mapping.toml", MAPPING)))
    assert table.to_pylist() == [
        {
            "time_us": 10_000_000, "user": None, "click": 0.0,
            "brand": "b2", "price": None, "seen": None, "look": [0.0, -1.0],
        },
        {
            "time_us": 20_000_000, "user": "u", "click": 1.0,
            "brand": "b1", "price": 2.5, "seen": ["b2", "b3"], "look": [0.5, 1.0],
        },
    ]  # fmt: skip


def test_the_mapping_may_be_json(lines: Lines, read: Reader) -> None:
    """A mapping that ends in .json means the same."""
    mapping = lines("mapping.json", '{"columns": {"click": "clicked"}, "features": []}')
    table = read("generic", lines("log.csv", as_csv(ROWS)), options=Options(mapping=mapping))
    assert table.to_pylist() == [{"click": 1.0}, {"click": 0.0}]


def test_declarations_are_those_of_the_mapping(lines: Lines) -> None:
    """The declared keys travel; the name in the file does not."""
    options = Options(mapping=lines("mapping.toml", MAPPING))
    log = FORMATS["generic"].read([lines("log.csv", as_csv(ROWS))], options)
    assert log.features[0] == {"name": "brand", "side": "ad", "kind": "categorical", "min_count": 2}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("click =", "clik ="), "click"),
        (("user =", "usr ="), "usr"),
        (('side = "ad"', 'side = "advert"'), "side"),
        (("log = true", "logg = true"), "logg"),
        (('name = "brand"', 'name = "user"'), "reserved"),
        (("length = 2", ""), "width"),
        (("[columns]", "[columns"), "wrong"),
    ],
)
def test_a_wrong_mapping_says_what_is_wrong(lines: Lines, read: Reader, change: tuple[str, str], says: str) -> None:
    """Unknown names, sides and keys are told, with the file's name."""
    mapping = lines("mapping.toml", MAPPING.replace(*change))
    with pytest.raises(ConfigurationError, match=says) as caught:
        read("generic", lines("log.csv", as_csv(ROWS)), options=Options(mapping=mapping))
    assert "mapping.toml" in str(caught.value)


def test_what_is_not_there_is_named(lines: Lines, read: Reader, tmp_path: Path) -> None:
    """A mapping or a column that does not exist, a folder without files, an empty file."""
    log = lines("log.csv", as_csv(ROWS))
    with pytest.raises(ConfigurationError, match=r"nothing\.toml"):
        read("generic", log, options=Options(mapping=tmp_path / "nothing.toml"))
    mapping = lines("mapping.toml", MAPPING)
    with pytest.raises(InputError, match="'brand_name'"):
        read("generic", lines("other.csv", "when,clicked,visitor\n"), options=Options(mapping=mapping))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataMissingError, match="parquet"):
        read("generic", tmp_path / "empty")
    with pytest.raises(InputError, match="at least one row"):
        read("generic", lines("empty.csv", ""))


def test_a_broken_json_line_is_told_or_skipped(lines: Lines, read: Reader) -> None:
    """No JSON, no object, a wrong value, bad UTF-8: each by its row; an absent key is a missing value."""
    wrong = [b"{", b"[1]", b'{"click": 7}', b'{"click": 1, "word": "\xff"}', b"{}"]
    good = b'{"click": 1, "word": "a"}'
    mapping = lines(
        "m.toml", '[columns]\nclick = "click"\n[[features]]\nname = "word"\nside = "ad"\nkind = "categorical"\n'
    )
    for line in wrong:
        with pytest.raises(RowError) as caught:
            read("generic", lines("log.jsonl", good + b"\n" + line + b"\n"), options=Options(mapping=mapping))
        assert caught.value.row == 2
    bad = BadRows("skip")
    text = b"\n".join([good, *wrong, b'{"click": 0}'])
    table = read("generic", lines("log.jsonl", text), options=Options(mapping=mapping, bad=bad))
    assert table.to_pylist() == [{"click": 1.0, "word": "a"}, {"click": 0.0, "word": None}]
    assert bad.skipped == len(wrong)


def test_without_a_mapping_the_guess_is_told(lines: Lines) -> None:
    """Well-known names are found, many-valued numbers are numeric, few-valued are categories, and notes say so."""
    rows = "\n".join(f"{i % 2},{1_600_000_000_000 + i},u{i},{i * 0.5},{i % 3},b{i % 2}" for i in range(50))
    path = lines("log.csv", "label,timestamp,user_id,price,color,item_brand\n" + rows + "\n")
    log = FORMATS["generic"].read([path], Options())
    kinds = {one["name"]: (one["kind"], one["side"]) for one in log.features}
    assert kinds == {
        "price": ("numeric", "ad"),
        "color": ("categorical", "context"),
        "item_brand": ("categorical", "ad"),
    }
    table = next(log.tables)
    assert table["time_us"][1].as_py() == 1_600_000_000_001_000
    assert any("'label'" in note for note in log.notes)
    assert any("(ms)" in note for note in log.notes)
    assert any("price: numeric" in note for note in log.notes)


def test_a_guess_needs_a_click(lines: Lines, read: Reader) -> None:
    """Without a column that looks like a click the error names the option."""
    with pytest.raises(InputError, match="--mapping"):
        read("generic", lines("log.csv", "a,b\n1,2\n"))


def test_lists_are_guessed_only_where_they_are_vectors(tmp_path: Path) -> None:
    """Equally long lists of numbers are a vector; others are left out and told."""
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"click": [0, 1], "look": [[1.0, 2.0], [3.0, 4.0]], "seen": [["a"], ["b", "c"]]}), path)
    log = FORMATS["generic"].read([path], Options())
    assert [(one["name"], one["kind"], one["length"]) for one in log.features] == [("look", "vector", 2)]
    assert any("'seen' is left out" in note for note in log.notes)


def test_a_name_is_reserved_once() -> None:
    """Of several well-known names the most telling wins, whatever the case."""
    assert reserved_of(["Label", "is_click", "UserID"]) == {"click": "is_click", "user": "UserID"}


@pytest.mark.parametrize("name", ["amexpert_ad_clicks", "ipinyou_bidding/auctions.parquet", "avazu_small"])
def test_real_files_are_guessed(data_folder: Path, read: Reader, name: str) -> None:
    """Real logs that have no format of their own are read without a mapping."""
    path = data_folder / name
    raw = pq.read_table(path if path.is_file() else next(path.glob("*.parquet")))
    label = "is_click" if "is_click" in raw.column_names else "click"
    assert read("generic", path)["click"].to_pylist() == raw[label].to_pylist()
