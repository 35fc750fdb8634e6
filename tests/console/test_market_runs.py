"""Runs of the market are processes: one at a time, whichever server started it, and none is left behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adcascade.closedloop import market_files as files
from adcascade.closedloop.market_order import order_of_texts
from adcascade.console.market_runs import MarketRuns, Run
from adcascade.server.problems import RefusalError

SIZES = {"users": "60", "ads": "60", "campaigns": "12", "advertisers": "6", "scenarios": "3", "views_per_tick": "20"}
SHORT = order_of_texts(SIZES | {"warm_up": "6", "ticks": "7"})
LONG = order_of_texts(SIZES | {"warm_up": "1000", "ticks": "1000", "views_per_tick": "400"})
NOW = 1_790_000_000_000_000
PATIENCE_S = 60.0
SERVER = (
    "import sys, time; from pathlib import Path; from tests.console.test_market_runs import *\n"
    "print(MarketRuns(Path(sys.argv[1])).start(LONG, by='a', now_us=NOW), flush=True); time.sleep(600)"
)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[MarketRuns]:
    """Of one server, which ends."""
    made = MarketRuns(tmp_path / "market-runs")
    yield made
    made.end()


def until(holds: Callable[[], object]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(runs: MarketRuns, run_id: str) -> Run:
    """The run, once it has."""
    until(lambda: runs.read(run_id).state != "running")
    return runs.read(run_id)


def test_a_run_is_started_watched_and_deleted(runs: MarketRuns) -> None:
    """It goes on by its files alone, ends with a result, is listed with who began it, and goes when it is told to."""
    run_id = runs.start(SHORT, by="key:0:Ann", now_us=NOW)
    assert runs.read(run_id).state == "running"
    with pytest.raises(RefusalError, match="one runs at a time"):
        runs.start(SHORT, by="b", now_us=NOW)
    with pytest.raises(RefusalError, match="stop it first"):
        runs.delete(run_id)
    run = ended(runs, run_id)
    assert (run.state, run.trouble, run.order) == ("done", "", SHORT)
    assert run.result is not None
    assert run.steps[-1].done == SHORT.ticks
    until(lambda: runs.alive() is None)
    assert [(one.id, one.started.by) for one in runs.all()] == [(run_id, "key:0:Ann")]
    with pytest.raises(RefusalError, match="goes on"):
        runs.stop(run_id, by="b")
    runs.delete(run_id)
    assert runs.all() == []
    assert {one.name for one in runs.folder.iterdir()} == {"running"}


def test_whichever_server_is_asked_sees_and_stops_a_run(runs: MarketRuns) -> None:
    """Another server sees that it goes on, may start none, and ends it; then one may be started again."""
    other = MarketRuns(runs.folder)
    run_id = runs.start(LONG, by="a", now_us=NOW)
    assert other.read(run_id).state == "running"
    with pytest.raises(RefusalError, match="one runs at a time"):
        other.start(SHORT, by="b", now_us=NOW)
    other.stop(run_id, by="Bea")
    stopped = other.read(run_id)
    assert (stopped.state, stopped.trouble) == ("stopped", "stopped by Bea")
    assert runs.alive() is None
    again = other.start(LONG, by="b", now_us=NOW + 1_000_000)
    assert [one.id for one in runs.all()] == [again, run_id]
    other.end()
    assert runs.read(again).state == "interrupted"


def test_a_server_that_is_killed_leaves_no_run_behind(runs: MarketRuns) -> None:
    """Its run ends by itself, and is shown as interrupted."""
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(runs.folder)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    run_id = server.stdout.readline().strip()
    until(lambda: runs.read(run_id).steps)
    assert runs.read(run_id).state == "running"
    server.send_signal(signal.SIGKILL)
    server.communicate()
    run = ended(runs, run_id)
    assert run.state == "interrupted"
    assert "ended before" in run.trouble
    assert run.steps


def test_what_is_no_run_is_not_there(runs: MarketRuns, tmp_path: Path) -> None:
    """Names that lead elsewhere are refused; a damaged run stands in the list and may be deleted."""
    (tmp_path / "secret").mkdir()
    (runs.folder / "broken").mkdir(parents=True)
    (runs.folder / "broken" / files.DIALS).write_text("{")
    for name in ("..", "../secret", ".", "", "running", "nothing"):
        with pytest.raises(RefusalError, match="a run that is there"):
            runs.read(name)
    assert [one.state for one in runs.all()] == ["damaged"]
    runs.delete("broken")
    assert runs.all() == []
