"""One small market that was warmed up, trained, served and retrained; its directory is copied by whoever changes it."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from adcascade.cascade.answer import Answer
from adcascade.cascade.bundle import Bundles, Manifest
from adcascade.cascade.engine import Outcome
from adcascade.cascade.training import Order, train_from_log
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.installation import clock_at, simulated_service
from adcascade.closedloop.laboratory import Laboratory, Plan
from adcascade.closedloop.shown import Shown
from adcascade.closedloop.world import load_world
from adcascade.contracts import AdRequest
from adcascade.market.clock import tick_start_us
from adcascade.settings import load_settings

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
    """The whole laboratory at a small scale; test processes that run beside each other share one."""
    own = tmp_path_factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    directory, report = root / "lab", root / "lab.json"
    with (root / "lab.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second waits for the first
        if not report.exists():
            heard: list[str] = []
            laboratory = Laboratory(directory, SMALL, lambda stage, done, total: heard.append(stage), quiet)
            report.write_text(json.dumps({"numbers": laboratory.run(), "heard": heard}))
    return Lab(directory, **json.loads(report.read_text()))


@pytest.fixture
def shop(lab: Lab, tmp_path: Path) -> Path:
    """A copy of the working directory, to be changed."""
    copy = tmp_path / "shop"
    shutil.copytree(lab.directory, copy)
    return copy


class Lived(NamedTuple):
    """Some ticks of a shop: what was shown, and every answer with the outcome behind it."""

    shown: Shown
    answers: list[tuple[AdRequest, Answer, Outcome]]


def retrained(directory: Path, *, seed: int = 0) -> Manifest:
    """Train a shop from its log by its settings as they are now, and promote the bundle.

    To choose a method set the environment first: monkeypatch.setenv("ADCASCADE_TRAIN__RANKING", "din").
    """
    now_us = tick_start_us(load_world(directory).tick)
    manifest = train_from_log(Order(directory=directory, now_us=now_us, until_us=now_us, seed=seed))
    Bundles(load_settings(directory).bundles_path).promote(manifest.version)
    return manifest


def lived(directory: Path, ticks: int = 2) -> Lived:
    """The shop's next ticks with its own shoppers, by the bundle that serves."""
    world = load_world(directory)
    clock = clock_at(world.tick)
    service = simulated_service(directory, clock)
    answers: list[tuple[AdRequest, Answer, Outcome]] = []

    def watch(request: AdRequest, answer: Answer, outcome: Outcome) -> None:
        clock.watch(request, answer, outcome)
        answers.append((request, answer, outcome))

    try:
        drive = Drive(world.market(), service, service.parts.feed.store, watch=watch)
        return Lived(drive.run(range(world.tick, world.tick + ticks)), answers)
    finally:
        service.close()
