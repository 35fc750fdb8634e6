"""Laws of `adcascade catalog`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adcascade.cli.catalog import app
from adcascade.errors import InputError

RUN = CliRunner()


def call(*arguments: str | Path) -> str:
    """Standard output of a call that succeeds; what it raises on purpose passes through."""
    result = RUN.invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory whose catalog came from three files."""
    (tmp_path / "advertisers.csv").write_text("id,name\nV,Vendor\n")
    (tmp_path / "campaigns.csv").write_text("id,advertiser,bid_micros\nC,V,1500000\n")
    (tmp_path / "ads.jsonl").write_text(
        '{"id": "a", "campaign": "C", "title": "Red shoe"}\n{"id": "b", "campaign": "C"}\n'
    )
    files = [tmp_path / name for name in ("ads.jsonl", "campaigns.csv", "advertisers.csv")]
    call("import", *files, "--dir", tmp_path, "--json", tmp_path / "report.json")
    return tmp_path


def test_import_reports_and_takes_files_in_any_order(folder: Path) -> None:
    """The JSON holds what was taken; campaigns are put before the ads that name them."""
    report = json.loads((folder / "report.json").read_text())
    assert report == {
        "version": 1,
        "taken": {"advertisers": 1, "campaigns": 1, "ad_groups": 0, "ads": 2},
        "skipped": {},
    }


def test_what_is_shown_is_what_there_is(folder: Path) -> None:
    """list and show print the catalog; --json - gives it to machines."""
    assert "1.50" in call("list", "campaigns", "--dir", folder)
    assert "Red shoe" in call("show", "ads", "a", "--dir", folder)
    call("list", "ads", "--campaign", "C", "--limit", "1", "--dir", folder, "--json", folder / "ads.json")
    assert [ad["id"] for ad in json.loads((folder / "ads.json").read_text())["ads"]] == ["a"]


def test_pause_resume_and_remove(folder: Path) -> None:
    """A paused campaign says so, a resumed one is active again, a removed ad is gone."""
    call("pause", "campaigns", "C", "--dir", folder)
    assert "paused" in call("show", "campaigns", "C", "--dir", folder)
    call("resume", "campaigns", "C", "--dir", folder)
    assert "active" in call("show", "campaigns", "C", "--dir", folder)
    call("remove", "a", "--dir", folder)
    with pytest.raises(InputError, match="catalog list ads"):
        call("show", "ads", "a", "--dir", folder)


def test_export_writes_what_import_reads(folder: Path) -> None:
    """Out of one catalog and into another: the same ads."""
    call("export", "ads", folder / "out" / "ads.parquet", "--dir", folder)
    call("import", folder / "out" / "ads.parquet", "--dir", folder)
    assert "Red shoe" in call("list", "ads", "--dir", folder)


@pytest.mark.parametrize(
    "arguments", [("list", "shops"), ("pause", "advertisers", "V"), ("import", "x.csv", "--on-error", "hope")]
)
def test_a_wrong_word_is_the_callers_fault(folder: Path, arguments: tuple[str, ...]) -> None:
    """InputError says which words there are."""
    with pytest.raises(InputError, match="expected"):
        call(*arguments, "--dir", folder)


def test_the_audit_log_is_shown(folder: Path) -> None:
    """history tells what was done to one noun, audit what was done at all; both to machines too."""
    call("pause", "campaigns", "C", "--dir", folder)
    shown = call("history", "campaigns", "C", "--dir", folder, "--json", folder / "history.json")
    assert "to paused" in shown
    lines = json.loads((folder / "history.json").read_text())["lines"]
    assert [(line["action"], line["who"]) for line in lines] == [("create", "import"), ("status", "cli")]
    assert "create ads" in call("audit", "--after", "2", "--dir", folder)


def test_lists_are_filtered_and_searched(folder: Path) -> None:
    """Every filter narrows, a search looks in titles, a filter that the kind has not is named."""
    assert "Red shoe" in call("list", "ads", "--advertiser", "V", "--search", "SHOE", "--dir", folder)
    assert "no ads" in call("list", "ads", "--status", "paused", "--dir", folder)
    with pytest.raises(InputError, match="advertisers have no status"):
        call("list", "advertisers", "--status", "paused", "--dir", folder)
