"""docs/performance.md from docs/performance/*.json:  python -m adcascade.bench.pages  (`make bench` ends with it)."""

from pathlib import Path
from typing import Any

import msgspec

from adcascade.bench.machine import Machine
from adcascade.bench.report import markdown

DOCS = Path(__file__).parents[3] / "docs"
INTRODUCTION = """# Performance

What each hot path costs: us, a peer in the same rounds, the floor of the hardware, and the bar we hold ourselves to.
`make bench` runs all of it and writes this page; `adcascade bench NAME` runs one. Values are medians over rounds that
alternate with the peer's; spread is half the distance of the quartiles. With `--repeat 3` all of a benchmark runs three
times in fresh processes: values, ratios and verdicts are medians over the runs, spread is over them. Figures of
different machines or days must not be compared with each other, ratios within a row may. A bar that does not hold says
**no**.
"""


def page(results: list[dict[str, Any]]) -> str:
    """The whole page, from what `--json` wrote."""
    judged = [row for result in results for row in result["rows"] if row["holds"] is not None]
    kept = sum(row["holds"] for row in judged)
    parts = [INTRODUCTION, f"{kept} of {len(judged)} bars hold.\n"]
    for result in results:
        machine = msgspec.convert(result["machine"], Machine)
        repeat = [f"--repeat {result['runs']}"] if result.get("runs", 1) > 1 else []  # older files say nothing of runs
        command = " ".join(["adcascade bench", result["benchmark"], *repeat, *result["arguments"]])
        parts += [f"## {result['benchmark']}", f"{result['says']}\n", markdown(result["rows"]), ""]
        parts.append(f"`{command}`, {result['date']}: {machine}\n")
    return "\n".join(parts)


def main() -> None:
    """Write the page."""
    results = [msgspec.json.decode(file.read_bytes()) for file in sorted((DOCS / "performance").glob("*.json"))]
    (DOCS / "performance.md").write_text(page(results), "utf-8")


if __name__ == "__main__":
    main()
