"""A server's start and memory over a large catalog: seconds to its first answer, and what one more worker costs.

Real processes of `adcascade serve`, asked over HTTP from the moment they are started. Cold caches of the operating
system are not measured: what is on disk has been read before. Private memory is what the kernel says that no other
process maps (smaps_rollup), after the worker has answered. The installation, trained and grown to the size of the bars,
is made once and kept in --cache, and so are the images that its servers share; neither counts. --fresh also times a
start that must make the images. --dir takes another installation.
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
from operator import gt
from pathlib import Path

from adcascade.bench import Bar, Row
from adcascade.bench.process import cpu_seconds, family
from adcascade.bench.rounds import figure
from adcascade.closedloop.grown import Growth, grown

ASKED = json.dumps({"auctions": [{"type": "listings", "slots": 2}]})
CALL = "from adcascade.cli import main; main()"
LONGEST_S = 600.0
ASKS = 50  # answers of each worker, on the mean, before memory is read
WORKER = b"forkserver"  # what a worker's command line holds, and what it is forked from
KIB = 1024.0  # in a MiB


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--ads", type=int, default=1_000_000)
    parser.add_argument("--campaigns", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=3, help="of the start with several")
    parser.add_argument("--starts", type=int, default=3, help="of one process, with the image there")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "adcascade-bench")
    parser.add_argument("--dir", type=Path, default=None, help="an installation to start instead; it is not changed")
    parser.add_argument(
        "--fresh", action="store_true", help="also a start that makes the images: a minute a million ads"
    )


def run(given: argparse.Namespace) -> list[Row]:
    """Starts with the images there, of one process and of several workers; then the memory of the workers."""
    with tempfile.TemporaryDirectory() as scratch:
        installed = given.dir or grown(given.cache, Growth(ads=given.ads, campaigns=given.campaigns))
        folder = Path(scratch) if given.dir else given.cache / f"startup-{installed.name}"
        overlay(folder, installed)
        rows = _images(folder, fresh=given.fresh)
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
        *rows,
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


def overlay(folder: Path, installed: Path) -> None:
    """A folder that shares what is large with an installation, begins with its log, and has images of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("journal*"):  # of a run that was cut off
        left.unlink()
    for file in installed.iterdir():
        place = folder / file.name
        if file.name.startswith("journal") or file.suffix == ".toml":
            shutil.copy(file, place)
        elif file.name != "images" and not place.is_symlink():
            place.symlink_to(file.resolve())


def _images(folder: Path, *, fresh: bool) -> list[Row]:
    """Make the images where they are not there, or again where that is to be timed."""
    images = folder / "images"
    if fresh:
        shutil.rmtree(images, ignore_errors=True)
    if images.exists() and any(images.glob("bundle-*.image")):
        return []
    with started(folder, 1) as first:
        note = "the catalog's image and the bundle's"
        return [Row(name="start: images to be made", value=first.seconds, unit="s", note=note)] if fresh else []


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
        self.cpu_seconds = sum(map(cpu_seconds, family(child.pid)))

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
        serving = [pid for pid in family(self._child.pid) if len(family(pid)) == 1 and WORKER in _command(pid)]
        if len(serving) != workers:
            raise RuntimeError(f"{len(serving)} workers of {workers} were found below the supervisor")
        before, until = list(map(cpu_seconds, serving)), time.perf_counter() + LONGEST_S
        asked = 0
        while asked < ASKS * workers or not all(map(gt, map(cpu_seconds, serving), before)):
            if time.perf_counter() > until:
                raise RuntimeError(f"after {asked} requests some of the workers have not worked yet")
            asked += bool(self._ask("POST", "/v2/auctions", ASKED))
        whole = sum(_mib(pid, "Pss") for pid in family(self._child.pid))
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


def _command(pid: int) -> bytes:
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _mib(pid: int, what: str) -> float:
    """One line of smaps_rollup."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / KIB
