"""What every importer shares: how it is asked (Options), what it answers (Log), and how it is listed (Importer)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from adcascade.errors import DataMissingError, InputError
from adcascade.events.importers.badrows import BadRows

Declaration = dict[str, Any]  # the keys of features.feature.Feature
Label = Literal["click", "conversion"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to read. `bad` decides what happens to a malformed row and counts the skipped ones."""

    bad: BadRows = field(default_factory=lambda: BadRows("stop"))
    mapping: Path | None = None  # generic files only: which column means what
    block_bytes: int = 1 << 22  # of text read at once; at least the longest line
    block_rows: int = 65_536  # of Parquet read at once
    run_rows: int = 1_000_000  # rows that a sort by time holds in memory


@dataclass(frozen=True, kw_only=True)
class Log:
    """An opened log: its features, its rows still to be read, and what the reader had to decide by itself."""

    features: Sequence[Declaration]
    tables: Iterator[pa.Table]  # sample columns and feature columns, the same in every table
    notes: Sequence[str] = ()
    label: Label = "click"


Read = Callable[[Sequence[Path], Options], Log]


@dataclass(frozen=True, kw_only=True)
class Importer:
    """One format: short name, one sentence, the features it declares (empty: decided by the file), its reader."""

    name: str
    describe: str
    features: Sequence[Declaration]
    read: Read


def declare(name: str, side: str, kind: str, **more: str | int | bool) -> Declaration:
    """A feature's declaration: declare("brand", "ad", "categorical", min_count=2)."""
    return {"name": name, "side": side, "kind": kind, **more}


def categorical(names: str, side: str, min_count: int = 1) -> list[Declaration]:
    """Categorical features of one side, names separated by blanks."""
    return [declare(name, side, "categorical", min_count=min_count) for name in names.split()]


def files(sources: Sequence[Path], patterns: Sequence[str]) -> list[Path]:
    """The files meant: those named, and of a folder those that match a pattern (also in its subfolders), sorted.

    Raises DataMissingError where a path does not exist or a folder holds nothing of the kind.
    """
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            inside = sorted({path for pattern in patterns for path in source.rglob(pattern) if path.is_file()})
            if not inside:
                raise DataMissingError(f"{source} holds no file like {', '.join(patterns)}; name the file itself")
            found += inside
        elif source.exists():
            found.append(source)
        else:
            raise DataMissingError(f"{source} does not exist; give the path of the downloaded file or its folder")
    return found


def by_name(paths: Sequence[Path], kinds: Mapping[str, Sequence[str]]) -> dict[str, list[Path]]:
    """Sort files into kinds by the words in their names; the first kind with a word in the name wins.

    Raises InputError where a name holds none of the words ("" is in every name).
    """
    chosen: dict[str, list[Path]] = {kind: [] for kind in kinds}
    for path in paths:
        fitting = [kind for kind, words in kinds.items() if any(word in path.name.lower() for word in words)]
        if not fitting:
            known = ", ".join(word for words in kinds.values() for word in words)
            raise InputError("source", path.name, f"a file whose name holds one of: {known}", "rename it")
        chosen[fitting[0]].append(path)
    return chosen


def need(paths: Sequence[Path], what: str) -> Sequence[Path]:
    """These paths; DataMissingError where there is none."""
    if not paths:
        raise DataMissingError(f"no {what} among the sources; name it, or the folder that holds it")
    return paths
