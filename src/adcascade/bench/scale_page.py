"""The curves and the plan of docs/scale.md, from what `adcascade bench scale` and `sharding` measured.

    python -m adcascade.bench.scale_page

replaces what stands between the two marks of the page, and nothing else. Every number of the plan is a measured one,
a stated choice, or the arithmetic shown beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from adcascade.bench.machine import Machine
from adcascade.bench.report import markdown, number
from adcascade.errors import DataMissingError

DOCS = Path("docs")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the plan is for; chosen, not measured."""

    requests: float = 1e9  # a day
    peak: float = 2.0  # busiest minutes over the day's mean; the market's curve has 1.49 (market/clock.py), days differ
    used: float = 0.6  # of a core at the peak: the rest is for outages and queues
    cores: int = 32  # of a machine
    ads: int = 1_000_000
    campaigns: int = 100_000
    slots: int = 2  # ads of an answer
    seen: float = 0.5  # of answered ads
    clicked: float = 0.01  # of seen ads
    lease_s: float = 3600.0  # money.lease_s, the default


# charges a second of `make chaos` (docs/several-machines.md): accepted events over seconds
CHARGES = {"PostgreSQL": 1_051_276 / 284, "Redis": 1_121_970 / 136}


class Line:
    """One step of the plan."""

    def __init__(self, what: str, how: str, value: float, unit: str) -> None:
        self.what, self.how, self.value, self.unit = what, how, value, unit

    def __str__(self) -> str:
        """A row of the table."""
        return f"| {self.what} | {self.how} | {number(self.value)} {self.unit} |"


def plan(figures: Mapping[str, float], choice: Choice) -> list[Line]:
    """The steps. figures: values by the names of benchmark rows; DataMissingError where one is absent."""
    mean = choice.requests / DAY_S
    peak = choice.peak * mean
    cost, ads = _largest(figures, "CPU a request")
    memory = figures[f"ads {ads:,}: resident memory"]
    cores = peak * cost / 1e3 / choice.used
    n = number
    return [
        Line("requests, mean", f"{n(choice.requests)} / {n(DAY_S)} s", mean, "1/s"),
        Line("requests, peak", f"{choice.peak} x {n(mean)}", peak, "1/s"),
        Line(f"cores, {ads:,} ads in each process", f"{n(peak)} x {n(cost)} ms / {choice.used}", cores, "cores"),
        Line("machines", f"{n(cores)} / {choice.cores}", cores / choice.cores, "machines"),
        Line("memory of a machine", f"{choice.cores} x {n(memory)} MiB", choice.cores * memory / 1024, "GiB"),
        Line(f"shards, {choice.ads:,} ads", f"{choice.ads:,} / {ads:,}", choice.ads / ads, "shards of each front"),
        *_written(figures, choice, peak, cores / choice.cores),
        *_billed(choice, cores),
        *_learned(figures, choice),
    ]


def _written(figures: Mapping[str, float], choice: Choice, peak: float, machines: float) -> list[Line]:
    """What the event logs take."""
    n, log, writes = number, _of(figures, "log of a request"), _of(figures, "log, durable")
    return [
        Line("log", f"{n(choice.requests)} x {n(log)} bytes", choice.requests * log / 1e12, "TB a day"),
        Line("disks, peak", f"{n(peak)} x {n(log)} bytes", peak * log / 1e6, "MB/s over all machines"),
        Line("records, a machine", f"{n(peak)} / {n(machines)}", peak / machines, f"1/s, of {n(writes)} measured"),
    ]


def _billed(choice: Choice, cores: float) -> list[Line]:
    """What the ledger must do; a process a core."""
    n, seen = number, choice.requests * choice.slots * choice.seen
    peak = seen * choice.clicked / DAY_S * choice.peak
    leases = choice.campaigns * cores / choice.lease_s
    return [
        Line("billed clicks", f"{n(seen)} x {choice.clicked} / {n(DAY_S)} s x {choice.peak}", peak, "1/s at the peak"),
        *(Line(f"{store}", f"{n(peak)} / {n(rate)}", peak / rate, "stores busy") for store, rate in CHARGES.items()),
        Line(
            "leases", f"{choice.campaigns:,} x {n(cores)} / {n(choice.lease_s)} s", leases, "1/s, were all campaigns on"
        ),
    ]


def _learned(figures: Mapping[str, float], choice: Choice) -> list[Line]:
    """What a day leaves to learn from."""
    n, seen, rate = number, choice.requests * choice.slots * choice.seen, _of(figures, "training, one core")
    days = seen / rate / DAY_S
    return [
        Line(
            "rows to learn from", f"{n(choice.requests)} x {choice.slots} x {choice.seen}", seen / 1e6, "millions a day"
        ),
        Line("training on all of them", f"{n(seen)} / {n(rate)} / {n(DAY_S)} s", days, "cores all day long"),
    ]


def _of(figures: Mapping[str, float], name: str) -> float:
    if name not in figures:
        remedy = "adcascade bench scale --json docs/performance/scale.json"
        raise DataMissingError(f"no benchmark has measured {name!r}: run `{remedy}`")
    return figures[name]


def _largest(figures: Mapping[str, float], what: str) -> tuple[float, int]:
    """(value, ads) of the largest catalog that was measured."""
    named = [name.removeprefix("ads ").partition(": ") for name in figures if name.startswith("ads ")]
    sizes = [int(ads.replace(",", "")) for ads, _, rest in named if rest == what]
    if not sizes:
        _of(figures, "ads 100,000: CPU a request")
    return figures[f"ads {max(sizes):,}: {what}"], max(sizes)


def measured(results: Mapping[str, dict[str, Any]], choice: Choice) -> str:
    """All that stands between the marks. results: by benchmark, as `--json` wrote them."""
    figures = {row["name"]: row["value"] for result in results.values() for row in result["rows"]}
    parts = []
    for name, result in results.items():
        machine = msgspec.convert(result["machine"], Machine)
        parts += [
            f"### `adcascade bench {name}`, {result['date']}",
            f"{result['says']}",
            "",
            markdown(result["rows"]),
            "",
        ]
        parts += [f"{machine}", ""]
    head = ["| what | arithmetic | result |", "| --- | --- | --- |"]
    parts += [
        f"### The plan for {number(choice.requests)} requests a day",
        *head,
        *(str(line) for line in plan(figures, choice)),
    ]
    return "\n".join(parts)


def replaced(page: str, text: str) -> str:
    """The page with other text between its marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise DataMissingError(f"docs/scale.md lacks its marks {BEGIN} and {END}: restore them")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def main() -> None:
    """Write the page, of those benchmarks that have run."""
    files = {name: DOCS / "performance" / f"{name}.json" for name in ("scale", "sharding")}
    results = {name: msgspec.json.decode(file.read_bytes()) for name, file in files.items() if file.exists()}
    file = DOCS / "scale.md"
    file.write_text(replaced(file.read_text("utf-8"), measured(results, Choice())), "utf-8")


if __name__ == "__main__":
    main()
