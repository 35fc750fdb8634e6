"""Running a study: from a slug to a Result that is checked, timed and written."""

import json
import time
from pathlib import Path

import msgspec
import numpy as np

from adcascade.errors import InputError, InternalError, StoreError
from adcascade.studies.contract import Result, Scale
from adcascade.studies.entry import Entry


def run_study(entry: Entry, seeds: tuple[int, ...], scale: Scale, data: Path) -> Result:
    """Run one study. InputError for seeds that cannot be used; InternalError where the study breaks the contract."""
    for place, seed in enumerate(seeds):
        if seed < 0 or seed in seeds[:place]:
            raise InputError("seeds", ",".join(map(str, seeds)), "different whole numbers from 0 upward")
    if not seeds:
        raise InputError("seeds", "", "at least one seed", "give --seeds 0,1,2")
    start = time.perf_counter()
    result = entry.load()(seeds, scale, data)
    return checked(msgspec.structs.replace(result, seconds=time.perf_counter() - start), seeds, scale)


def checked(result: Result, seeds: tuple[int, ...], scale: Scale) -> Result:
    """The result itself, where it keeps the contract."""
    faults = [
        *(f"seeds {result.seeds}, not {seeds}" for _ in range(result.seeds != seeds)),
        *(f"scale {result.scale!r}, not {scale!r}" for _ in range(result.scale != scale)),
        *("no claim" for _ in range(not result.claims)),
        *(f"two rows named {name!r}" for name in _twice([row.name for row in result.rows])),
        *(f"no row with the metric {result.metric!r}" for _ in range(not _has(result, result.metric))),
    ]
    for row in result.rows:
        for metric, values in row.values.items():
            if len(values) != len(seeds):
                faults.append(f"row {row.name!r} has {len(values)} values of {metric!r} for {len(seeds)} seeds")
            elif not np.isfinite(values).all():
                faults.append(f"row {row.name!r} has {metric!r} = {values}")
    if faults:
        raise InternalError(f"the study {result.slug} broke the contract: " + "; ".join(faults))
    return result


def json_of(result: Result) -> str:
    """The Result as JSON, one line a row, a claim, a panel: to be read, and to be compared by line."""
    lines = []
    for key, value in msgspec.to_builtins(result).items():
        entries = value if isinstance(value, list | tuple) else ()
        if entries and isinstance(entries[0], dict):
            inside = ",\n".join(f"  {json.dumps(one, ensure_ascii=False, allow_nan=False)}" for one in entries)
            lines.append(f'"{key}": [\n{inside}\n ]')
        else:
            lines.append(f'"{key}": {json.dumps(value, ensure_ascii=False, allow_nan=False)}')
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def write_result(file: Path, result: Result) -> None:
    """Write the Result as JSON. StoreError where that is refused."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json_of(result), "utf-8")
    except OSError as error:
        raise StoreError(f"the result could not be written to {file}: {error}") from error


def _twice(names: list[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}


def _has(result: Result, metric: str) -> bool:
    return any(metric in row.values for row in result.rows)
