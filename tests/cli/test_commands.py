"""The command line: every command helps, errors are sentences, and samples travel from import to evaluation."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from adcascade.cli.app import app
from adcascade.errors import BundleError, ConfigurationError, DataMissingError

COMMANDS = [
    "demo", "import", "train", "supervise", "evaluate", "export", "serve", "simulate", "explain", "why-not", "forecast",
    "conform",
]  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS,
        "catalog import",
        "bundle list",
        "bundle rollback",
        "experiment create",
        "market run",
        "bidder train",
        "reproduce",
    ],
)
def test_every_command_helps(command: str) -> None:
    """`--help` works without anything installed in the directory, and shows an example or a sentence."""
    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output
    if command in COMMANDS:
        assert "Example" in result.output


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The real program."""
    code = "from adcascade.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("evaluate", "nowhere"), 1, "train one"),
        (("train",), 1, "impression"),
        (("supervise",), 1, "impression"),
        (("simulate",), 1, "adcascade demo"),
        (("explain", "nowhere.json"), 1, "does not exist"),
        (("why-not", "a17"), 2, "adcascade catalog list ads"),
        (("forecast", "nobody"), 2, "the id of a campaign"),
        (("bundle", "rollback"), 1, "nothing to roll back"),
        (("export", "charges", "out.parquet"), 1, "nothing was served"),
        (("import", "nosuch", "x", "--out", "y"), 2, "criteo"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments: tuple[str, ...], status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback: one line on standard error that says what to do, and the exit status says whose fault it is."""
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.returncode == status
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def samples(folder: Path, rows: int = 4000) -> Path:
    """A generic Parquet file in which colour decides."""
    colours = ["red", "green", "blue", "black"]
    table = pa.table(
        {
            "when": pa.array(range(0, rows * 10**6, 10**6), pa.int64()),
            "colour": [colours[(i * 7) % 4] for i in range(rows)],
            "shade": [f"s{(i * 13) % 50}" for i in range(rows)],
            "clicked": [int(((i * 7) % 4 == 0 and i % 3 > 0) or i % 17 == 0) for i in range(rows)],
        }
    )
    file = folder / "log.parquet"
    pq.write_table(table, file)
    mapping = folder / "mapping.toml"
    mapping.write_text(
        '[columns]\nclick = "clicked"\ntime_us = "when"\n[format]\ntime = "us"\n'
        '[[features]]\nname = "colour"\nside = "ad"\nkind = "categorical"\n'
        '[[features]]\nname = "shade"\nside = "context"\nkind = "categorical"\n'
    )
    return file


def test_a_file_is_imported_trained_on_and_evaluated(tmp_path: Path) -> None:
    """import -> train --samples -> evaluate: the numbers are JSON, and what decides clicks was learned."""
    file = samples(tmp_path)
    out, shop, numbers = tmp_path / "samples", tmp_path / "shop", tmp_path / "numbers.json"
    runner = CliRunner()
    mapping = ["--mapping", str(tmp_path / "mapping.toml")]
    imported = runner.invoke(app, ["import", "generic", str(file), "--out", str(out), *mapping])
    assert imported.exit_code == 0, imported.output
    trained = runner.invoke(app, ["train", "--samples", str(out), "--dir", str(shop)])
    assert trained.exit_code == 0, trained.output
    judged = runner.invoke(app, ["evaluate", str(out), "--dir", str(shop), "--json", str(numbers)])
    assert judged.exit_code == 0, judged.output
    found = json.loads(numbers.read_text())
    assert {"auc", "log_loss", "pcoc", "ece", "rows"} <= set(found)
    assert found["rows"] == 4000
    assert found["auc"] > 0.75
    listed = runner.invoke(app, ["bundle", "list", "--dir", str(shop)])
    assert found["bundle"] in listed.output


def test_exceptions_name_their_remedy(tmp_path: Path) -> None:
    """Inside the program the same errors are typed."""
    with pytest.raises(DataMissingError, match="adcascade demo"):
        CliRunner().invoke(app, ["simulate", "--dir", str(tmp_path)], catch_exceptions=False)
    with pytest.raises(BundleError, match="train one"):
        CliRunner().invoke(app, ["evaluate", "--dir", str(tmp_path)], catch_exceptions=False)


@pytest.mark.parametrize(
    "call", [["supervise"], ["bidder", "train"], ["experiment", "list"], ["experiment", "start", "reserve"]]
)
def test_a_folder_that_is_not_there_is_said(call: list[str], tmp_path: Path) -> None:
    """With its name and what to do; nothing is made there."""
    done = CliRunner().invoke(app, [*call, "--dir", str(tmp_path / "nowhere")])
    assert isinstance(done.exception, ConfigurationError)
    assert "no such folder" in str(done.exception)
    assert not (tmp_path / "nowhere").exists()
