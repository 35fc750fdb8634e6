"""Every study at the scale "tiny", through the command line: the code runs, and what it answers is well-formed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adcascade.cli.app import app
from adcascade.studies import STUDIES
from adcascade.studies.data import data_folder
from adcascade.studies.pages import PAGE, page, read_results

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("slug", STUDIES)
def test_every_study_runs_at_the_scale_tiny(slug: str, tmp_path: Path) -> None:
    """Seeds that nobody reported; the exit status says whether all claims hold, and nothing else."""
    file, picture = tmp_path / "result.json", tmp_path / "result.png"
    data = data_folder() if data_folder().is_dir() else ROOT.parent / "shared" / "data"
    call = ["reproduce", slug, "--scale", "tiny", "--seeds", "11,12", "--data", str(data)]
    done = CliRunner().invoke(app, [*call, "--json", str(file), "--plot", str(picture)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    result = json.loads(file.read_text())
    assert (result["slug"], result["seeds"], result["scale"]) == (slug, [11, 12], "tiny")
    assert {"baseline", "method"} <= {row["role"] for row in result["rows"]}
    assert done.exit_code == (0 if all(claim["holds"] for claim in result["claims"]) else 1)
    assert picture.stat().st_size > 2000


@pytest.mark.parametrize("slug", STUDIES)
def test_every_study_has_a_page_and_a_result(slug: str) -> None:
    """docs/methods/SLUG.md says when to choose it; docs/results/SLUG.json is what the study measured."""
    assert (ROOT / "docs" / "methods" / f"{slug}.md").exists()
    result = json.loads((ROOT / "docs" / "results" / f"{slug}.json").read_text())
    assert result["slug"] == slug
    assert result["scale"] == "small"
    assert (ROOT / "docs" / "results" / f"{slug}.png").exists()


def test_the_results_page_is_fresh() -> None:
    """`make docs` would change nothing."""
    docs = ROOT / "docs"
    assert (docs / PAGE).read_text("utf-8") == page(STUDIES, read_results(docs / "results"))


def test_the_list_names_every_study_and_wrong_calls_are_answered() -> None:
    """--list; an unknown slug, scale or seed is one sentence and exit status 2."""
    listed = CliRunner().invoke(app, ["reproduce", "--list"], env={"COLUMNS": "200"})
    assert listed.exit_code == 0
    for slug in STUDIES:
        assert slug in listed.output
    for wrong in (["dice"], [], ["dice", "--scale", "huge"]):
        done = CliRunner().invoke(app, ["reproduce", *wrong])
        assert done.exception is not None
        assert "one of" in str(done.exception)
