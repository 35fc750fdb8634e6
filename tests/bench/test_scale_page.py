"""The page of scale: its plan is the arithmetic that it shows over what was measured, and no more of the page moves."""

from pathlib import Path

import pytest

from adcascade.bench.scale_page import BEGIN, END, Choice, measured, plan, replaced
from adcascade.errors import DataMissingError

FIGURES = {
    "ads 10,000: CPU a request": 1.0,
    "ads 10,000: resident memory": 200.0,
    "ads 100,000: CPU a request": 3.0,
    "ads 100,000: resident memory": 512.0,
    "log of a request": 5_000.0,
    "log, durable": 10_000.0,
    "training, one core": 5_000.0,
}
MACHINE = {
    "processor": "one", "cores": 2, "memory_gib": 4, "python": "3.11", "packages": {}, "threads": "1", "load": 0.1,
}  # fmt: skip


def result(figures: dict[str, float]) -> dict[str, object]:
    """As `--json` writes it."""
    row = {"unit": "ms", "spread": 0, "peer": None, "peer_value": None, "ratio": None, "floor": None, "floor_of": None}
    rows = [row | {"bar": None, "holds": None, "note": None, "name": name, "value": v} for name, v in figures.items()]
    return {"benchmark": "scale", "says": "What it costs.", "date": "2026-01-01", "machine": MACHINE, "rows": rows}


def test_the_plan_is_arithmetic_over_what_was_measured() -> None:
    """Recomputed here step by step: a day of 86.4 million requests, 1,000 a second, is easy to follow."""
    lines = {line.what: line.value for line in plan(FIGURES, Choice(requests=86.4e6, peak=2.0, used=0.5, cores=4))}
    assert lines["requests, mean"] == pytest.approx(1_000)
    assert lines["requests, peak"] == pytest.approx(2_000)
    assert lines["cores, 100,000 ads in each process"] == pytest.approx(2_000 * 3.0 / 1e3 / 0.5)
    assert lines["machines"] == pytest.approx(3)
    assert lines["memory of a machine"] == pytest.approx(4 * 512 / 1024)
    assert lines["shards, 1,000,000 ads"] == pytest.approx(10)
    assert lines["log"] == pytest.approx(0.432)
    assert lines["disks, peak"] == pytest.approx(10)
    assert lines["billed clicks"] == pytest.approx(86.4e6 * 2 * 0.5 * 0.01 / 86_400 * 2)
    assert lines["leases"] == pytest.approx(100_000 * 12 / 3_600)
    assert lines["training on all of them"] == pytest.approx(86.4e6 / 5_000 / 86_400)


@pytest.mark.parametrize("name", ["log of a request", "training, one core"])
def test_what_was_not_measured_is_asked_for(name: str) -> None:
    """No number is guessed."""
    figures = {key: value for key, value in FIGURES.items() if key != name}
    with pytest.raises(DataMissingError, match=f"measured '{name}'"):
        plan(figures, Choice())
    with pytest.raises(DataMissingError, match="ads 100,000"):
        plan({}, Choice())


def test_only_what_stands_between_the_marks_is_written() -> None:
    """Twice is once; a page without marks is refused."""
    page = f"# Scale\n\nabove\n{BEGIN}\nold\n{END}\n\n## Training on several machines\nbelow\n"
    text = measured({"scale": result(FIGURES)}, Choice())
    once = replaced(page, text)
    assert replaced(once, text) == once
    assert once.replace(text, "old") == page
    assert all(name in once for name in FIGURES)
    with pytest.raises(DataMissingError, match="marks"):
        replaced("# Scale\n", text)


def test_the_page_of_the_repository_takes_what_is_measured() -> None:
    """Its marks are there, once each and in order."""
    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text("utf-8")
    assert (page.count(BEGIN), page.count(END)) == (1, 1)
    assert "The plan for" in replaced(page, measured({"scale": result(FIGURES)}, Choice()))
