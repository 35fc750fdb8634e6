"""How rows are shown and written: a Markdown table, and JSON with date and machine."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from adcascade.bench.machine import Machine
from adcascade.bench.row import Row

HEAD = "| what | us | spread | peer | ratio | floor | bar | holds |\n| --- | --- | --- | --- | --- | --- | --- | --- |"


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """A table of plain rows, and their notes below it."""
    lines = [HEAD, *(_line(row) for row in rows)]
    notes = [f"- {row['name']}: {row['note']}" for row in rows if row.get("note")]
    return "\n".join([*lines, "", *notes] if notes else lines)


def _line(row: dict[str, Any]) -> str:
    peer = "" if row["peer_value"] is None else f"{row['peer']}: {number(row['peer_value'])}"
    floor = "" if row["floor"] is None else f"{number(row['floor'])} {row['floor_of'] or ''}".rstrip()
    verdict = {None: "", True: "yes", False: "**no**"}[row["holds"]]
    cells = (
        row["name"],
        f"{number(row['value'])} {row['unit']}",
        f"{row['spread']:.0%}" if row["spread"] else "",
        peer or row["peer"] or "",
        "" if row["ratio"] is None else f"{row['ratio']:.2f}",
        floor,
        row["bar"] or "",
        verdict,
    )
    return f"| {' | '.join(cells)} |"


def number(value: float) -> str:
    """Three digits that count, thousands parted."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def written(  # noqa: PLR0917  each is a field of the file
    name: str, says: str, machine: Machine, rows: Sequence[Row], arguments: Sequence[str], runs: int = 1
) -> dict[str, Any]:
    """What `--json` holds. runs: of which the rows are the medians."""
    return {
        "benchmark": name,
        "says": says,
        "arguments": list(arguments),
        "runs": runs,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": msgspec.to_builtins(machine),
        "rows": [row.plain() for row in rows],
    }


def save(file: Path, result: dict[str, Any]) -> None:
    """Write it as JSON; parents are made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
