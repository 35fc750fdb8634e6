"""Repeated runs: a hot path is measured several times, each in a process of its own, and the medians are judged.

    python -m adcascade.bench.repeated NAME FILE [options]

runs it once and writes its rows to the file. A fresh process has no warm caches, no memory and no compiled code of the
run before, so the spread over runs is what a stranger who repeats the command would see.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from adcascade.bench.found import benchmarks_folder, hot_path, parsed
from adcascade.bench.rounds import figure
from adcascade.bench.row import Bar, Row
from adcascade.errors import InternalError

COMMAND = ("-m", "adcascade.bench.repeated")
Key = tuple[str, str]  # name and peer: what a row is known by


def repeated(name: str, arguments: Sequence[str], runs: int) -> list[Row]:
    """The medians of so many runs. InternalError where a run fails or its rows are not those of the first."""
    return medians([fresh_run(name, arguments) for _ in range(runs)])


def fresh_run(name: str, arguments: Sequence[str]) -> list[Row]:
    """The rows of one run in a new process; what it says on its way is seen on standard error."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "rows.json"
        command = [sys.executable, *COMMAND, name, str(file), *arguments]
        done = subprocess.run(command, stdout=sys.stderr, check=False)  # noqa: S603  our own module
        if done.returncode or not file.exists():
            raise InternalError(f"a run of the benchmark {name} ended with status {done.returncode}: see above")
        return msgspec.json.decode(file.read_bytes(), type=list[Row])


def medians(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """One row for each of the first run's, in its order.

    Value, peer's value, ratio, floor and a bar that hangs on what was measured are each the median over the runs, and
    spread is that of the values over the runs; the note is of the run whose value is the median. InternalError where a
    row is missing in a run, or there twice.
    """
    keyed = [_by_key(rows) for rows in runs]
    for number, rows in enumerate(keyed[1:], 2):
        differ = keyed[0].keys() ^ rows.keys()
        if differ:
            said = ", ".join(repr(name) for name, _ in sorted(differ))
            raise InternalError(f"runs 1 and {number} of a benchmark must have the same rows; only one has {said}")
    return [_median([rows[key] for rows in keyed]) for key in keyed[0]]


def _by_key(rows: Sequence[Row]) -> Mapping[Key, Row]:
    found = {(row.name, row.peer): row for row in rows}
    if len(found) < len(rows):
        raise InternalError("rows of a benchmark must differ in name or peer: " + ", ".join(row.name for row in rows))
    return found


def _median(rows: Sequence[Row]) -> Row:
    """Of the same row in each run."""
    value, spread = figure([row.value for row in rows])
    middle = statistics.median_low([row.value for row in rows])
    return msgspec.structs.replace(
        rows[0],
        value=value,
        spread=spread,
        peer_value=_known(rows, [row.peer_value for row in rows]),
        floor=_known(rows, [row.floor for row in rows]),
        bar=_bar(rows),
        ratios=tuple(ratio for row in rows if (ratio := row.ratio) is not None),
        note=next(row.note for row in rows if row.value == middle),
    )


def _bar(rows: Sequence[Row]) -> Bar | None:
    """The bar, whose numbers may differ from run to run."""
    bars = [row.bar for row in rows if row.bar is not None]
    if not bars:
        return None
    least, most = ([getattr(bar, end) for bar in bars] for end in ("least", "most"))
    return Bar(of=bars[0].of, least=_known(rows, least), most=_known(rows, most))


def _known(rows: Sequence[Row], numbers: Sequence[float | None]) -> float | None:
    """The median of numbers that all runs have, or none."""
    known = [number for number in numbers if number is not None]
    if known and len(known) < len(rows):
        raise InternalError(f"the row {rows[0].name!r} has a peer, a floor or a bar in some runs only")
    return statistics.median(known) if known else None


def main() -> None:
    """One run, for `fresh_run`."""
    name, file, *arguments = sys.argv[1:]
    path = hot_path(name, benchmarks_folder())
    Path(file).write_bytes(msgspec.json.encode(path.run(parsed(path, arguments))))


if __name__ == "__main__":
    main()
