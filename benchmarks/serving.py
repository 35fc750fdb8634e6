"""Requests a second and latency over HTTP of `adcascade serve` with two workers over a grown catalog.

The load asks for a shop's pages (POST /v2/auctions): a closed loop finds the most, then an open loop at half of that
tells the latency. Only pages with ads count: a refusal is a 200, too. Connections are few and spread evenly over the
workers, so that none has to shed work; the share of requests that met the overload ladder all the same is told. Load
and servers share the machine's cores, so requests per second of server CPU are told too. The installation is made once
and kept in --cache; the bars are those of a million ads, which is an option.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path

import msgspec

from adcascade.bench import Bar, Row
from adcascade.bench.client import Client, client
from adcascade.bench.found import loaded
from adcascade.bench.load import Answered, closed_loop, open_loop, post
from adcascade.bench.process import Served, free_port, server
from adcascade.cascade.readings import SHED
from adcascade.closedloop.grown import grown, overlaid, requests_after
from adcascade.contracts import AdRequest
from adcascade.settings import EngineSettings

OPENADSERVER = 151.0  # requests a second that its authors report for DeepFM on 2 vCPU
LEAST, P99_MS = 10 * OPENADSERVER, 5.0
PATH, FILLED = "/v2/auctions", b'"winners":[{'


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    widths = EngineSettings()
    parser.add_argument("--ads", type=int, default=40_000)
    parser.add_argument("--campaigns", type=int, default=4_000)
    parser.add_argument("--retrieve", type=int, default=widths.retrieve, help="ads that leave retrieval")
    parser.add_argument("--prerank", type=int, default=widths.prerank, help="ads that leave pre-ranking")
    parser.add_argument("--ranking", default="dcn_v2", help="ranking model")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=4, help="of the closed loop")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "adcascade-bench")


def run(given: argparse.Namespace) -> list[Row]:
    """The most, and the tail at half of it."""
    growth = loaded("cascade", Path(__file__).parent).growth_of(given)
    installed = grown(given.cache, growth)
    requests = [post(PATH, body(request)) for request in requests_after(growth, 2_000)]
    with tempfile.TemporaryDirectory() as scratch:
        folder, port, alone = overlaid(installed, Path(scratch)), free_port(), free_port()
        command = ("-c", SERVE, str(folder), str(port), str(given.workers))
        own = [alone + number for number in range(given.workers)] if given.workers > 1 else []
        ports = own or [port]
        environment = {"ADCASCADE_SERVER__WORKER_PORTS": str(alone)} if own else {}
        with server([sys.executable, *command], port, alone=own, environment=environment) as served, client() as ask:
            return _measured(served, ask, ports, requests, given)


SERVE = """
import sys
from pathlib import Path
from adcascade.cli.serve import serve
if __name__ == "__main__":
    serve(Path(sys.argv[1]), port=int(sys.argv[2]), workers=int(sys.argv[3]))
"""


def body(request: AdRequest) -> bytes:
    """The request as a shop's page asks it."""
    auction = {
        "type": "listings",
        "slots": len(request.slots),
        "category": {"id": request.category} if request.category else None,
        "searchQuery": request.query or None,
        "opaqueUserId": request.user,
        "scenario": request.scenario or None,
        "device": request.device or None,
        "geo": {"country": request.country} if request.country else None,
        "context": dict(request.context) or None,
    }
    return msgspec.json.encode({"auctions": [{name: value for name, value in auction.items() if value is not None}]})


def _measured(
    served: Served, ask: Client, ports: Sequence[int], requests: Sequence[bytes], given: argparse.Namespace
) -> list[Row]:
    ask(closed_loop, ports, requests, connections=given.connections, seconds=5.0)  # warms up
    cpu_s, before = served.cpu_s, _shed(ports)
    load = ask(closed_loop, ports, requests, connections=given.connections, seconds=given.seconds, mark=FILLED)
    cpu_s, asked = served.cpu_s - cpu_s, _shed(ports)
    good = [one for one in load.answers if one.status == 200 and one.marked]
    if not good:
        raise RuntimeError(f"none of {len(load.answers)} answers held an ad: see --cache {given.cache}")
    most = len(good) / given.seconds
    late = ask(open_loop, ports, requests, rate=most / 2, seconds=given.seconds, mark=FILLED).answers
    took = [one.took_s * 1e3 for one in late]
    return [
        Row(
            name=f"{given.ads:,} ads: pages filled a second, {given.workers} workers, {given.connections} connections",
            value=most,
            unit="requests/s",
            peer="OpenAdServer, as reported",
            peer_value=OPENADSERVER,
            bar=Bar(of="value", least=LEAST),
            note=f"the load took {load.cpu_s / given.seconds:.2f} of the {os.cpu_count()} cores that both share, the "
            f"servers {cpu_s / given.seconds:.2f}; {len(load.answers) - len(good)} of {len(load.answers)} answers held "
            f"no ad, {(asked - before) / len(load.answers):.1%} of the requests met the overload ladder",
        ),
        Row(
            name="pages with ads for a second of server CPU, times the cores that the workers may use",
            value=len(good) / cpu_s * given.workers,
            unit="requests/s",
            bar=Bar(of="value", least=LEAST),
            note="what the servers alone would do with as many cores as workers",
        ),
        Row(name="server CPU of a page with ads", value=cpu_s / len(good) * 1e3, unit="ms CPU"),
        Row(name="latency at half of that, p50", value=statistics.median(took), unit="ms"),
        _tail(late, most / 2),
    ]


def _shed(ports: Sequence[int]) -> float:
    """Requests so far that met a rung of the overload ladder, over all workers."""
    return sum(_shed_by(port) for port in ports)


def _shed_by(port: int) -> float:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{SHED.name}_total "))


def _tail(late: Sequence[Answered], rate: float) -> Row:
    ordered = sorted(one.took_s * 1e3 for one in late)
    empty = sum(not one.marked for one in late)
    return Row(
        name="latency at half of that, p99",
        value=ordered[len(ordered) * 99 // 100],
        unit="ms",
        bar=Bar(of="value", most=P99_MS),
        note=f"open loop, {rate:.0f} a second at Poisson times, from when each was due; {empty} of {len(late)} answers "
        "held no ad",
    )
