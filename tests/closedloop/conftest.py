"""One small market that was warmed up, trained, served and retrained; its directory is copied by whoever changes it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from adcascade.closedloop.laboratory import Laboratory, Plan

SMALL = Plan(seed=11, views_per_tick=40.0, warm_up=72, phase=18)


class Lab(NamedTuple):
    """A working directory and the report of how it came to be."""

    directory: Path
    numbers: dict[str, Any]
    heard: list[str]


def quiet(title: str, total: int) -> Callable[[int], None]:
    """No progress bar."""
    return lambda size: None


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The whole laboratory at a small scale."""
    directory = tmp_path_factory.mktemp("lab") / "shop"
    heard: list[str] = []
    laboratory = Laboratory(directory, SMALL, lambda stage, done, total: heard.append(stage), quiet)
    return Lab(directory, laboratory.run(), heard)


@pytest.fixture
def shop(lab: Lab, tmp_path: Path) -> Path:
    """A copy of the working directory, to be changed."""
    copy = tmp_path / "shop"
    shutil.copytree(lab.directory, copy)
    return copy
