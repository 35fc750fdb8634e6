"""A study from its slug to its JSON, its page and its picture."""

import io
import json
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from adcascade.cli.reproduce import show
from adcascade.errors import DataMissingError, InputError, InternalError
from adcascade.studies.contract import Result, Row
from adcascade.studies.data import data_folder, data_set
from adcascade.studies.entry import Entry, entry_of
from adcascade.studies.pages import page
from adcascade.studies.plot import plot
from adcascade.studies.run import checked, run_study, write_result

from .conftest import COIN, coin


def test_the_json_has_the_promised_keys_and_comes_back_whole(tmp_path: Path) -> None:
    """What others read: slug, paper, data, scale, seeds, metric, rows, claims, seconds."""
    result = run_study(COIN, (4, 9), "tiny", tmp_path)
    write_result(tmp_path / "deep" / "coin.json", result)
    raw = json.loads((tmp_path / "deep" / "coin.json").read_text())
    assert {"slug", "paper", "data", "scale", "seeds", "metric", "rows", "claims", "seconds"} <= set(raw)
    assert raw["seeds"] == [4, 9]
    assert raw["rows"][0].keys() == {"name", "role", "values"}
    assert raw["claims"][0].keys() == {"says", "metric", "difference", "ci95", "holds"}
    assert len(raw["rows"][0]["values"]["heads"]) == 2
    assert msgspec.json.decode(msgspec.json.encode(raw), type=Result) == result


def test_the_same_seeds_measure_the_same(tmp_path: Path) -> None:
    """But for the time it took."""
    first, second = (run_study(COIN, (3, 5), "small", tmp_path) for _ in range(2))
    assert msgspec.structs.replace(first, seconds=0) == msgspec.structs.replace(second, seconds=0)


@pytest.mark.parametrize("seeds", [(), (1, 1), (-1,)])
def test_seeds_that_cannot_be_used_are_refused(seeds: tuple[int, ...], tmp_path: Path) -> None:
    """None, twice the same, negative."""
    with pytest.raises(InputError, match="seeds"):
        run_study(COIN, seeds, "tiny", tmp_path)


def test_a_study_that_breaks_the_contract_is_reported(tmp_path: Path) -> None:
    """Missing values, NaN, a main metric nobody measured."""
    result = coin((1, 2), "tiny", tmp_path)
    short = msgspec.structs.replace(result, rows=(Row(name="a", role="method", values={"auc": (0.5,)}),))
    for broken, fault in (
        (short, "1 values of 'auc' for 2 seeds"),
        (short, "no row with the metric 'heads'"),
        (msgspec.structs.replace(result, claims=()), "no claim"),
        (msgspec.structs.replace(result, rows=(result.rows[0],) * 2), "two rows"),
        (
            msgspec.structs.replace(
                result, rows=(Row(name="a", role="method", values={"heads": (0.5, float("nan"))}),)
            ),
            "nan",
        ),
    ):
        with pytest.raises(InternalError, match=fault):
            checked(broken, (1, 2), "tiny")


def test_an_unknown_study_is_answered_with_those_there_are() -> None:
    """And with the command that lists them."""
    with pytest.raises(InputError, match=r"one of coin.*--list"):
        entry_of({"coin": COIN}, "dice")


def test_absent_data_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, folder, source, and the two ways to point elsewhere."""
    monkeypatch.setenv("ADCASCADE_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    with pytest.raises(DataMissingError, match=r"'coins'.*the mint.*--data or ADCASCADE_DATA"):
        data_set(data_folder(), "coins", "the mint")


def test_the_page_shows_every_study_that_ran_and_names_those_that_did_not(tmp_path: Path) -> None:
    """Rows, claims with verdicts, notes, the picture."""
    result = coin((0, 1, 2), "small", tmp_path)
    dice = Entry(title="Dice", paper="none", room="auction", where="nowhere:nothing")
    text = page({"coin": COIN, "dice": dice}, {"coin": result})
    assert "| [coin](#coin) | metrics | 2 of 3 | simulated |" in text
    assert "| dice | auction | not run yet | |" in text
    for line in ("**holds**", "**fails**", "- a coin has no memory", "![coin](results/coin.png)"):
        assert line in text


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_result_can_be_drawn(ending: str, tmp_path: Path) -> None:
    """Rows and panels, in the format that the file's ending names."""
    file = tmp_path / f"coin.{ending}"
    plot(file, coin((0, 1), "small", tmp_path))
    assert file.stat().st_size > 2000


def test_names_are_shown_as_they_are_written(tmp_path: Path) -> None:
    """Brackets in a name, a claim or a note are text, not markup of the terminal."""
    result = coin((0, 1), "small", tmp_path)
    bracketed = msgspec.structs.replace(
        result,
        rows=(msgspec.structs.replace(result.rows[0], name="coin [e; h]"), *result.rows[1:]),
        claims=(msgspec.structs.replace(result.claims[0], says="more [red] heads"),),
        notes=("a [bold] note",),
    )
    console = Console(width=200, record=True, file=io.StringIO())
    show(bracketed, console)
    text = console.export_text()
    for written in ("coin [e; h]", "more [red] heads", "a [bold] note"):
        assert written in text
