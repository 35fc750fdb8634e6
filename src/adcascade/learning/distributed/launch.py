"""Launch: the processes of a training by torchrun's machinery, on this machine or as its part of several.

The elastic agent runs in this process, hears signals, and starts all processes anew when one dies; what they start
from again is their own affair (checkpoint.py). A process is `python -m MODULE ARGUMENT`, with RANK, WORLD_SIZE and the
address of the others in its environment.
"""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.elastic.rendezvous.api import RendezvousError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from adcascade.errors import InputError, WorkerError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
THREADS = "OMP_NUM_THREADS"
# a machine that is too busy to speak for 15 s, torchrun's default, is not dead: it may take two minutes
PATIENCE = {"keep_alive_max_attempt": 24, "heartbeat_timeout": 60}


@dataclass(frozen=True, kw_only=True)
class Team:
    """Who trains together.

    workers: processes of each machine; rendezvous: HOST:PORT of machine 0, where there are several; restarts: how often
    all processes are started again after one has died.
    """

    workers: int = 1
    nodes: int = 1
    node_rank: int = 0
    rendezvous: str = ""
    restarts: int = 3

    def __post_init__(self) -> None:
        """InputError for what cannot be."""
        for name, value, least in (
            ("workers", self.workers, 1),
            ("nodes", self.nodes, 1),
            ("restarts", self.restarts, 0),
        ):
            if value < least:
                raise InputError(f"--{name}", value, f"at least {least}")
        if not 0 <= self.node_rank < self.nodes:
            raise InputError("--node-rank", self.node_rank, f"from 0 to {self.nodes - 1}, another on each machine")
        if self.nodes > 1 or self.rendezvous:
            self.address()

    def address(self) -> tuple[str, int]:
        """(host, port) of the rendezvous."""
        host, _, port = self.rendezvous.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise InputError(
                "--rendezvous", self.rendezvous, "HOST:PORT of machine 0", "name a port that all machines can reach"
            )
        return host, int(port)


def launch(module: str, argument: str, team: Team) -> None:
    """Run `python -m module argument` in every process of the team and wait until all have ended well.

    InputError where machine 0 cannot listen at the rendezvous. WorkerError where processes failed more often than
    allowed, or the other machines did not come. KeyboardInterrupt and SystemExit as signals ask; no process stays. From
    the main thread only, for it hears the signals.
    """
    if team.rendezvous and team.node_rank == 0:
        require_free(*team.address())
    config = LaunchConfig(
        min_nodes=team.nodes,
        max_nodes=team.nodes,
        nproc_per_node=team.workers,
        run_id="adcascade" if team.nodes > 1 else uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint=team.rendezvous or "127.0.0.1:0",
        rdzv_configs={"is_host": team.node_rank == 0, **PATIENCE},
        max_restarts=team.restarts,
        monitor_interval=0.5,
        shutdown_timeout=10,
        signals_to_handle=",".join(_heard()),
        local_addr=None if team.rendezvous else "127.0.0.1",
    )
    with _signals_kept(), _environment(team.workers):
        try:
            elastic_launch(config, sys.executable)("-m", module, argument)
        except ChildFailedError as error:
            raise WorkerError(_why(error, team)) from error
        except RendezvousError as error:
            raise WorkerError(
                f"{team.nodes} machines did not meet at {team.rendezvous}: {error}; "
                "start the command on each of them, with the same --nodes and --rendezvous"
            ) from error
        except SignalException as error:
            if error.sigval == signal.SIGINT:
                raise KeyboardInterrupt from error
            raise SystemExit(128 + error.sigval) from error


def require_free(host: str, port: int) -> None:
    """InputError where this machine cannot listen at the address."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise InputError(
            "--rendezvous", f"{host}:{port}", f"an address that this machine can listen at ({error.strerror or error})",
            "another program uses the port, or the host is another machine's",
        ) from error  # fmt: skip


def _why(error: ChildFailedError, team: Team) -> str:
    """What the first process that failed said."""
    rank, failure = error.get_first_failure()
    said = failure.message["message"] if isinstance(failure.message, dict) else failure.message
    return (
        f"process {rank} of the training failed ({str(said).strip() or 'nothing said'}), and {team.restarts} restarts "
        "were allowed; run the command again with --resume to go on from the last checkpoint"
    )


def _heard() -> list[str]:
    """Names of the signals that end a training: not one that is ignored already, as nohup does."""
    return [number.name for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def _signals_kept() -> Iterator[None]:
    """The agent puts its own handlers in place; put back what was there."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _environment(workers: int) -> Iterator[None]:
    """What the processes inherit, and the agent reads, unless it says so already; put back afterwards.

    The cores are shared out. Every start of the processes gets a store of its own to meet at: in the agent's shared one
    they would read where those that died had listened, and wait for them.
    """
    wanted = {THREADS: str(max((os.cpu_count() or 1) // workers, 1)), "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    ours = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            del os.environ[name]
