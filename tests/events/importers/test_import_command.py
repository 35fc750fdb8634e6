"""`adcascade import`: from a file to a sample set, with numbers, notes and sentences on failure."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from adcascade.cli.import_ import import_
from adcascade.errors import InputError, RowError
from adcascade.events.importers import FORMATS
from adcascade.events.samples import Samples

Lines = Callable[[str, bytes | str], Path]
CSV = "click,word,time\n1,a,10\n0,b,20\n7,c,30\n0,d,40\n"


def run(*arguments: str | Path) -> Result:
    """The command in a program of its own."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(import_)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_log_becomes_a_sample_set(lines: Lines, tmp_path: Path) -> None:
    """Skipping the broken row: three rows on disk, and the same numbers as JSON."""
    result = run(
        "generic", lines("log.csv", CSV), "--out", tmp_path / "set", "--on-error", "skip", "--json", tmp_path / "n.json"
    )
    assert result.exit_code == 0, result.output
    numbers = json.loads((tmp_path / "n.json").read_text())
    assert (numbers["rows"], numbers["clicks"], numbers["skipped"]) == (3, 1, 1)
    assert numbers["ctr"] == pytest.approx(1 / 3)
    assert numbers["skipped_by_reason"] == {"column 'click': not 0 or 1": 1}
    samples = Samples(tmp_path / "set")
    assert (samples.rows, samples.source) == (3, "generic")
    assert "guessed" in result.output


def test_a_broken_row_leaves_no_set(lines: Lines, tmp_path: Path) -> None:
    """By default the command stops, and nothing that looks like a set remains."""
    result = run("generic", lines("log.csv", CSV), "--out", tmp_path / "set")
    assert isinstance(result.exception, RowError)
    assert not list((tmp_path / "set").glob("*"))


def test_a_limit_is_kept(data_folder: Path, tmp_path: Path) -> None:
    """Exactly so many rows, the first ones."""
    raw = data_folder / "criteo_display" / "valid.parquet"
    result = run("criteo", raw, "--out", tmp_path / "set", "--limit", "1234")
    assert result.exit_code == 0, result.output
    assert Samples(tmp_path / "set").table()["click"].to_pylist() == pq.read_table(raw)["label"].to_pylist()[:1234]


def test_an_unknown_format_is_named(tmp_path: Path) -> None:
    """The error lists the formats."""
    result = run("cryteo", tmp_path, "--out", tmp_path / "set")
    assert isinstance(result.exception, InputError)
    assert "criteo, avazu" in str(result.exception)


def test_help_has_an_example_and_all_formats() -> None:
    """--help shows every format's name and one whole command."""
    text = " ".join(run("--help").output.replace("│", " ").split())
    assert "adcascade import criteo train.txt --out" in text
    assert all(name in text for name in FORMATS)


def test_every_format_has_its_line_in_the_docs() -> None:
    """docs/import.md names each format in both of its tables."""
    text = (Path(__file__).parents[3] / "docs" / "import.md").read_text()
    assert [name for name in FORMATS if text.count(f"| `{name}` |") < (1 if name == "generic" else 2)] == []
