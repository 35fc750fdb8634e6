"""A server's start and memory over a large catalog: seconds to its first answer, and what one more worker costs.

Real processes of `adcascade serve`, asked over HTTP from the moment they are started. Cold caches of the operating
system are not measured: what is on disk has been read before. Private memory is what the kernel says that no other
process maps (smaps_rollup), after the worker has answered. --dir takes an installation with a trained bundle; without
it there is none, and answers are by chance. A catalog is made once and kept in --cache; its image is made within the
run. The bars are of 1,000,000 ads and 100,000 campaigns: adcascade bench startup --ads 1000000 --campaigns 100000.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from adcascade.bench import Bar, Row
from adcascade.bench.found import hot_path
from adcascade.bench.rounds import figure

ASKED = json.dumps({"auctions": [{"type": "listings", "slots": 2}]})
CALL = "from adcascade.cli import main; main()"
LONGEST_S = 600.0
ASKS = 50  # answers before memory is read
KIB = 1024.0  # in a MiB


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--ads", type=int, default=200_000)
    parser.add_argument("--campaigns", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=3, help="of the start with several")
    parser.add_argument("--starts", type=int, default=3, help="of one process, with the image there")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "adcascade-bench")
    parser.add_argument("--dir", type=Path, default=None, help="an installation to start instead; it is not changed")


def run(given: argparse.Namespace) -> list[Row]:
    """Starts without an image, with it, and with several workers; then the memory of the workers."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _install(folder, given)
        with started(folder, 1) as first:
            made = first.seconds
        times, work = [], []
        for _ in range(given.starts):
            with started(folder, 1) as one:
                times.append(one.seconds)
                work.append(one.cpu_seconds)
        with started(folder, given.workers) as many:
            private, whole = many.memory(given.workers)
            together = many.seconds
    median, spread = figure(times)
    worked = figure(work)
    bytes_ = figure(private)
    return [
        Row(name="start: image to be made", value=made, unit="s", note="the catalog's image and the bundle's"),
        Row(name="start: first answer", value=median, unit="s", spread=spread, bar=Bar(of="value", most=5.0)),
        Row(name="start: CPU time to the first answer", value=worked.median, unit="s", spread=worked.spread),
        Row(name=f"start: first answer of {given.workers} workers", value=together, unit="s"),
        Row(
            name="memory: one more worker, private",
            value=bytes_.median,
            unit="MiB",
            spread=bytes_.spread,
            bar=Bar(of="value", most=150.0),
        ),
        Row(name=f"memory: supervisor and {given.workers} workers, shared pages once", value=whole, unit="MiB"),
    ]


def _install(folder: Path, given: argparse.Namespace) -> None:
    """An installation in an empty folder that shares what is large with another, but no image."""
    if given.dir is None:
        catalog = sys.modules[hot_path("catalog", Path(__file__).parent).run.__module__]
        (folder / "catalog.db").symlink_to(catalog.kept(given.cache, given.ads, given.campaigns).resolve())
        return
    for file in given.dir.iterdir():
        if file.name.startswith("journal") or file.suffix == ".toml":
            shutil.copy(file, folder / file.name)
        elif file.name != "images":
            (folder / file.name).symlink_to(file.resolve())


class Server:
    """A running server. seconds: from the call to its first answer; cpu_seconds: what all its processes worked."""

    def __init__(self, child: subprocess.Popen[bytes], port: int) -> None:
        self._child, self._port = child, port
        began = time.perf_counter()
        while not self._ask("POST", "/v2/auctions", ASKED):
            if child.poll() is not None or time.perf_counter() - began > LONGEST_S:
                raise RuntimeError(f"the server did not answer; its exit status is {child.poll()}")
            time.sleep(0.01)
        self.seconds = time.perf_counter() - began
        self.cpu_seconds = sum(map(_cpu_seconds, _tree(child.pid)))

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        """What an answer of status 200 holds; nothing where there is no such answer."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=LONGEST_S)
        try:
            connection.request(method, path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException):
            return b""
        else:
            return content if answer.status == 200 else b""
        finally:
            connection.close()

    def memory(self, workers: int) -> tuple[Sequence[float], float]:
        """MiB that each worker has for itself, and of all processes together, once all workers have answered."""
        serving: set[int] = set()
        until = time.perf_counter() + LONGEST_S
        while len(serving) < workers and time.perf_counter() < until:
            serving |= {json.loads(told)["process"] for told in [self._ask("GET", "/status.json")] if told}
        for _ in range(ASKS * workers):
            self._ask("POST", "/v2/auctions", ASKED)
        whole = sum(_mib(pid, "Pss") for pid in _tree(self._child.pid))
        return [_mib(pid, "Private_Clean") + _mib(pid, "Private_Dirty") for pid in serving], whole


@contextmanager
def started(folder: Path, workers: int) -> Iterator[Server]:
    """A server over the folder that has answered; it ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-c", CALL, "serve", "--dir", str(folder), "--port", str(port)]
    with subprocess.Popen(
        [*command, "--workers", str(workers)], stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}
    ) as child:
        try:
            yield Server(child, port)
        finally:
            child.send_signal(signal.SIGTERM)


def _tree(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
        yield from _tree(int(child))


def _cpu_seconds(pid: int) -> float:
    """User's and system's time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _mib(pid: int, what: str) -> float:
    """One line of smaps_rollup."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / KIB
