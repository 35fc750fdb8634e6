"""Laws of a ranker trained by several processes, from the command to the bundle: kills change nothing."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.learning.conftest import FEATURES
from tests.learning.distributed.small_world import log
from typer.testing import CliRunner

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.learn_ranking import Trained, learn_ranking
from adcascade.cascade.ranking_worker import RankingOrder, read_order, train_worker
from adcascade.cascade.together import Together
from adcascade.cascade.training import Order, learner_of
from adcascade.cli.app import app
from adcascade.errors import ConfigurationError, DataMissingError, InputError, WorkerError
from adcascade.events.samples import Samples, SampleWriter
from adcascade.learning.distributed.launch import Team, launch, require_free
from adcascade.learning.distributed.world import World
from adcascade.sections import TrainSettings
from adcascade.settings import Settings, load_settings

SETTINGS = TrainSettings(width=4, epochs=3, batch=8, refit=False)
TOML = "[train]\nwidth = 4\nepochs = 3\nbatch = 8\nrefit = false\n"
PATIENCE_S = 120.0
HEARS = (  # a Ctrl-C, also where the tests run behind a shell's "&", which lets programs ignore it
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from adcascade.cli import main; main()"
)


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    """Some 1,400 rows, with an installation's folder beside them."""
    with SampleWriter(tmp_path / "set", source="test", features=FEATURES) as writer:
        for _ in range(3):
            for table in log():
                writer.write(table.filter(table["click"].is_valid()))
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "adcascade.toml").write_text(TOML)
    return Samples(tmp_path / "set")


def in_this_process(order: Path) -> None:
    """A `Launch` of a world of one."""
    train_worker(read_order(order), World())


def learned_alone(samples: Samples) -> Trained:
    """What one process comes to, undisturbed."""
    return learn_ranking(FEATURES, samples.slice(0, round(len(samples) * 0.9)), SETTINGS, seed=4)


def until(what: Callable[[], object], process: subprocess.Popen[bytes], said: Path) -> None:
    """Wait for something to be true while a process runs; `said`: what it says of errors."""
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert process.poll() is None, f"it ended with {process.returncode}: {said.read_text()[-4000:]}"
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def children(pid: int) -> set[int]:
    """Processes that a process has started."""
    return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def newest(directory: Path) -> str:
    """Name of the newest checkpoint; "" where there is none."""
    return max((one.name for one in directory.glob("training/0/step-*[0-9]")), default="")


def gone(pid: int) -> bool:
    """Whether no such process lives."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_killed_worker_a_ctrl_c_and_another_number_of_workers_change_nothing(
    samples: Samples, tmp_path: Path
) -> None:
    """Two workers train; one is killed, and both start again from the last checkpoint; Ctrl-C ends all of them; one
    worker resumes. The bundle's table is that of one process that nobody disturbed, up to the rounding of 470 steps of
    Adam (0.0002 without any disturbance); a batch more or less moves its rows by a multiple of that.
    """  # fmt: skip
    shop = tmp_path / "shop"
    command = ["train", "--samples", str(samples.folder), "--dir", str(shop), "--seed", "4", "--checkpoint-every", "5"]
    said = tmp_path / "said"
    errors = said.open("wb")
    process = subprocess.Popen(
        [sys.executable, "-c", HEARS, *command, "--workers", "2"],
        stderr=errors,
    )
    errors.close()
    try:
        until(lambda: newest(shop), process, said)
        first = children(process.pid)
        assert len(first) == 2
        os.kill(min(first), signal.SIGKILL)
        until(lambda: len(children(process.pid) - first) == 2, process, said)
        stood = newest(shop)
        until(lambda: newest(shop) > stood, process, said)
        second = children(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) != 0
        assert all(gone(pid) for pid in first | second)
    finally:
        process.kill()
        process.wait()
    assert not Bundles(load_settings(shop).bundles_path).current()
    done = CliRunner().invoke(app, [*command, "--resume"])
    assert done.exit_code == 0, done.output
    bundles = Bundles(load_settings(shop).bundles_path)
    version = bundles.current()
    assert version is not None
    table = np.load(bundles.path(version) / "ranking" / "table.npy")
    np.testing.assert_allclose(table, learned_alone(samples).table.state_dict()["weight"], rtol=0, atol=1e-3)
    assert not (shop / "training").exists()


def test_what_workers_come_to_is_what_one_process_learns(samples: Samples, tmp_path: Path) -> None:
    """Encoder, model and table come back whole; progress is told; a part that is done is not learned again."""
    together = Together(directory=tmp_path, launch=in_this_process, checkpoint_every=0)
    (found,) = together.learner(samples, FEATURES, SETTINGS, seed=4)(lambda *_: None)
    alone = learned_alone(samples)
    assert found.encoder.fingerprint == alone.encoder.fingerprint
    np.testing.assert_allclose(
        found.table.state_dict()["weight"], alone.table.state_dict()["weight"], rtol=0, atol=1e-5
    )
    for name, one in found.model.state_dict().items():
        np.testing.assert_allclose(one, alone.model.state_dict()[name], rtol=0, atol=1e-5)
    order = read_order(together.folder / "order.json")
    written = (together.folder / "0" / "table.npy").stat().st_mtime_ns
    train_worker(order, World())
    assert (together.folder / "0" / "table.npy").stat().st_mtime_ns == written


def test_resuming_needs_the_same_training(samples: Samples, tmp_path: Path) -> None:
    """Nothing begun, or another seed, is an error that says what to do."""
    again = Together(directory=tmp_path, launch=in_this_process, resume=True)
    with pytest.raises(DataMissingError, match="no order to train"):
        again.learner(samples, FEATURES, SETTINGS, seed=4)(None)
    Together(directory=tmp_path, launch=lambda _: None).folder.mkdir()
    order = RankingOrder(
        samples=str(samples.folder),
        rows=len(samples),
        folder=str(again.folder),
        features=FEATURES,
        settings=SETTINGS.model_dump(mode="json"),
        seed=5,
    )
    (again.folder / "order.json").write_bytes(msgspec.json.encode(order))
    with pytest.raises(ConfigurationError, match="without --resume"):
        again.learner(samples, FEATURES, SETTINGS, seed=4)(None)


def test_a_ranker_beside_a_teacher_is_trained_by_one_process(samples: Samples, tmp_path: Path) -> None:
    """The settings contradict each other, and the error says which to change."""
    order = Order(directory=tmp_path, now_us=0, until_us=0, together=Together(directory=tmp_path, launch=print))
    settings = Settings(train=SETTINGS.model_copy(update={"supervision": True}))
    with pytest.raises(ConfigurationError, match="leave --workers"):
        learner_of(order, samples, FEATURES, settings)


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (["train", "--workers", "0"], "--workers"),
        (["train", "--nodes", "2"], "--rendezvous"),
        (["train", "--on", "ray", "--nodes", "2", "--rendezvous", "here:29400"], "--on ray"),
        (["evaluate", "--scores", "here"], "--on ray"),
    ],
)
def test_options_that_contradict_each_other_are_refused(command: list[str], named: str, tmp_path: Path) -> None:
    """Before anything is read or started."""
    done = CliRunner().invoke(app, [*command, "--dir", str(tmp_path)])
    assert isinstance(done.exception, InputError)
    assert named in str(done.exception)


def test_workers_that_fail_are_an_error_of_ours(tmp_path: Path) -> None:
    """After the restarts that are allowed, which of them failed, and the remedy; Ctrl-C is heard as before."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(WorkerError, match=r"process 0 of the training failed.*1 restarts.*--resume"):
        launch("json.tool", str(tmp_path / "absent.json"), Team(workers=1, restarts=1))
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"workers": 0}, "--workers"),
        ({"nodes": 0}, "--nodes"),
        ({"restarts": -1}, "--restarts"),
        ({"nodes": 2, "node_rank": 2, "rendezvous": "a:1"}, "--node-rank"),
        ({"nodes": 2}, "--rendezvous"),
        ({"nodes": 2, "rendezvous": "here"}, "--rendezvous"),
        ({"nodes": 2, "rendezvous": "here:99999"}, "--rendezvous"),
    ],
)
def test_a_team_that_cannot_be_is_refused(wrong: dict[str, int | str], field: str) -> None:
    """The error names the option."""
    with pytest.raises(InputError, match=field):
        Team(**wrong)  # type: ignore[arg-type]


def test_a_port_in_use_is_refused() -> None:
    """Before any process is started."""
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(InputError, match="uses the port"):
        require_free(*other.getsockname())
