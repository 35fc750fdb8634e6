"""The hot paths: benchmarks/NAME.py of a checkout, each with `add_options(parser)` and `run(given) -> rows`."""

import argparse
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from adcascade.bench.row import Row
from adcascade.errors import ConfigurationError, InputError


class HotPath(NamedTuple):
    """One file of the folder."""

    name: str
    says: str  # first line of its docstring
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], Sequence[Row]]


def benchmarks_folder() -> Path:
    """The folder of the checkout that this package runs from, or below the working directory."""
    for root in (Path(__file__).parents[3], Path.cwd()):
        folder = root / "benchmarks"
        if (folder / "README.md").exists():
            return folder
    raise ConfigurationError(
        "there is no folder benchmarks/ here: benchmarks are part of a checkout, not of the installed package; "
        "run this from one"
    )


def names(folder: Path) -> list[str]:
    """Of all hot paths, in order of the alphabet."""
    return sorted(file.stem for file in folder.glob("*.py"))


def hot_path(name: str, folder: Path) -> HotPath:
    """InputError where there is none of that name."""
    module = loaded(name, folder)
    return HotPath(name, (module.__doc__ or "").strip().splitlines()[0], module.add_options, module.run)


def loaded(name: str, folder: Path) -> ModuleType:
    """The module of a hot path, for another that measures the same thing elsewhere; InputError where there is none."""
    known = names(folder)
    if name not in known:
        raise InputError("benchmark", name, f"one of {', '.join(known)}")
    spec = importlib.util.spec_from_file_location(f"adcascade_benchmark_{name}", folder / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{folder / name}.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and child processes look their module up
    spec.loader.exec_module(module)
    return module


def parsed(path: HotPath, arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a hot path from its command line; argparse ends with status 2 where they are wrong."""
    parser = argparse.ArgumentParser(prog=f"adcascade bench {path.name}", description=path.says)
    path.add_options(parser)
    return parser.parse_args(list(arguments))
