"""Soak: a real server under real traffic for long; is its memory flat, is anything lost, and does it stay quick?

Journeys arrive in an open loop: an auction, the impressions of its winners, now and then a click and a repeated event.
Meanwhile ads change in the catalog, bundles are promoted and rolled back, and the process is looked at from outside.

    python -m tests.load.soak --minutes 60 --rate 50 --json soak.json

The verdict is flat where the Theil-Sen slope (the median of all pairwise slopes) of the resident memory, over the time
after the warm-up, is at most BOUND. Exit status 1 where it is not, or where anything was lost, taken twice or refused.
"""

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from tests.load.installation import WHEN, impressions, make_catalog
from tests.load.openloop import Crowd, get, post
from tests.server.process import SERVE, Process

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.overload import OVERLOAD, TOO_LATE
from adcascade.catalog.store import CatalogStore
from adcascade.events.journal import Journal
from adcascade.money.reading import differences
from adcascade.settings import FILE, load_settings

BOUND = 256.0  # KiB a minute; at 50 page views a second 87 bytes of a view, less than the smallest thing it could leave
WARM_UP = 0.4  # share of the run that is not judged: caches fill, and the memory of bids reaches its limit
MEMORY = 2_000  # bids and users the server remembers, so that this limit is reached early
PROMISED_S = 60  # that a served ad may be billed: open promises, too, are as many as they will be after the warm-up
AUCTION = {"auctions": [{"type": "listings", "slots": 2, "scenario": "home", "opaqueUserId": ""}]}


@dataclass(slots=True)
class Seen:
    """What the run saw."""

    took_s: list[float] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    repeats: int = 0
    repeats_taken: int = 0  # repeated events that were accepted again
    wrong: dict[str, int] = field(default_factory=dict)  # unexpected answers
    declined: int = 0  # by the overload ladder: the machine did not keep up
    swaps: int = 0
    changes: int = 0
    samples: list[tuple[float, int, int, int]] = field(default_factory=list)  # seconds, RSS KiB, files, threads

    def unexpected(self, what: str) -> None:
        """Something that must not happen."""
        self.wrong[what] = self.wrong.get(what, 0) + 1


def theil_sen(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Median of the slopes of all pairs, [N] each; robust against outliers in up to 29 % of them."""
    i, j = np.triu_indices(len(x), 1)
    return float(np.median((y[j] - y[i]) / (x[j] - x[i])))


async def journey(crowd: Crowd, number: int, chance: random.Random, seen: Seen) -> None:
    """One page: an auction, its impressions, sometimes a click, sometimes everything again."""
    body = {"auctions": [AUCTION["auctions"][0] | {"opaqueUserId": f"u{number % 5000}"}]}
    began = monotonic()
    status, answer = await crowd.ask(post("/v2/auctions", body))
    seen.took_s.append(monotonic() - began)
    if status != 200:
        seen.unexpected(f"auction {status}")
        return
    result = json.loads(answer)["results"][0]
    if result["error"]:
        seen.unexpected("auction error")
    seen.declined += result["reason"] in (OVERLOAD, TOO_LATE)
    winners = result["winners"]
    if not winners:
        return
    events = impressions(f"j{number}", [winner["resolvedBidId"] for winner in winners])
    if chance.random() < 0.1:
        token = winners[0]["resolvedBidId"]
        events["clicks"] = [{"id": f"c{number}", "resolvedBidId": token, "occurredAt": WHEN}]
    if await report(crowd, events, seen) and chance.random() < 0.1:
        _, again = await crowd.ask(post("/v2/events", events))
        told = [one for kind in ("impressions", "clicks") for one in json.loads(again)[kind]]
        seen.repeats += len(told)
        seen.repeats_taken += sum(one["status"] != "duplicate" for one in told)


async def report(crowd: Crowd, events: dict[str, Any], seen: Seen) -> bool:
    """Send events; whether all were acknowledged."""
    status, answer = await crowd.ask(post("/v2/events", events))
    if status != 200:
        seen.unexpected(f"events {status}")
        return False
    told = [one for kind in ("impressions", "clicks") for one in json.loads(answer)[kind]]
    seen.acknowledged |= {one["id"] for one in told if one["status"] == "accepted"}
    return all(one["status"] == "accepted" for one in told)


async def traffic(crowd: Crowd, rate: float, until: float, seed: int, seen: Seen) -> None:
    """Journeys at Poisson times."""
    chance = random.Random(seed)
    going: set[asyncio.Task[None]] = set()
    number = 0
    while monotonic() < until:
        await asyncio.sleep(chance.expovariate(rate))
        task = asyncio.create_task(journey(crowd, number, chance, seen))
        going.add(task)
        task.add_done_callback(going.discard)
        number += 1
    await asyncio.gather(*going)


async def change(folder: Path, until: float, every_s: float, seen: Seen) -> None:
    """Ads get other titles and campaigns other bids; bundles come and go where there are two."""
    bundles = Bundles(load_settings(folder).bundles_path)
    versions = bundles.versions()[-2:]
    with CatalogStore(load_settings(folder).catalog_url) as store:
        changes = await asyncio.to_thread(store.changes, 0)
        ads = [ad for _, ad in changes.ads if ad is not None]
        campaigns = list(changes.campaigns)
        while monotonic() < until:
            campaign = campaigns[seen.changes % len(campaigns)]
            fresh = msgspec.structs.replace(campaign, name=f"change {seen.changes}")
            await asyncio.to_thread(store.put, (), [fresh], [ads[seen.changes % len(ads)]])
            seen.changes += 1
            if len(versions) == 2 and seen.changes % 5 == 0:
                await asyncio.to_thread(bundles.promote, versions[seen.swaps % 2])
                seen.swaps += 1
            await asyncio.sleep(every_s)


def process_of(pid: int) -> tuple[int, int, int]:
    """Resident memory in KiB, open files, threads (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    numbers = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if len(line.split()) > 1}
    files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return int(numbers["VmRSS"]), files, int(numbers["Threads"])


async def look(pid: int, crowd: Crowd, until: float, every_s: float, seen: Seen) -> None:
    """Resident memory, open files and threads, from outside; and that metrics and status answer."""
    start = monotonic()
    while monotonic() < until:
        seen.samples.append((monotonic() - start, *process_of(pid)))
        for path in ("/metrics", "/status.json", "/alarms"):
            code, _ = await crowd.ask(get(path))
            if code != 200:
                seen.unexpected(f"{path} {code}")
        await asyncio.sleep(every_s)


async def run(server: Process, seconds: float, rate: float, seed: int) -> Seen:
    """All of it at once."""
    assert server.child is not None
    seen, until = Seen(), monotonic() + seconds
    crowd = Crowd(server.port)
    every = max(0.5, seconds / 300)
    await asyncio.gather(
        traffic(crowd, rate, until, seed, seen),
        change(server.folder, until, max(0.5, seconds / 600), seen),
        look(server.child.pid, crowd, until, every, seen),
    )
    crowd.close()
    return seen


def soak(folder: Path, seconds: float, rate: float, *, seed: int = 0, bound: float = BOUND) -> dict[str, Any]:
    """Serve `folder`, which is changed, and live through so many seconds; figures and verdict."""
    settings = folder / FILE
    told = settings.read_text("utf-8") if settings.exists() else ""
    if not re.search(r"^memory *=", told, re.MULTILINE):
        limit = f"[engine]\nmemory = {MEMORY}\n"
        told = told.replace("[engine]\n", limit) if "[engine]\n" in told else f"{told}\n{limit}"
        settings.write_text(told, "utf-8")
    if not re.search(r"^reservation_s *=", told, re.MULTILINE):
        told = settings.read_text("utf-8")
        limit = f"[money]\nreservation_s = {PROMISED_S}\n"
        settings.write_text(told.replace("[money]\n", limit) if "[money]\n" in told else f"{told}\n{limit}", "utf-8")
    server = Process(folder, SERVE)
    server.start()
    try:
        seen = asyncio.run(run(server, seconds, rate, seed))
    finally:
        logged = server.kill(15)
    return verdict(folder, seen, seconds, bound, logged)


def verdict(folder: Path, seen: Seen, seconds: float, bound: float, logged: bytes) -> dict[str, Any]:
    """The figures, with `flat` and `ok`."""
    path = load_settings(folder).journal_path
    with Journal(path) as journal:
        ids = [row[0] for row in journal.query("SELECT id FROM records WHERE kind IN ('impression', 'click')")]
    samples = np.array(seen.samples, np.float64)
    late = samples[samples[:, 0] >= WARM_UP * seconds]
    slope = theil_sen(late[:, 0] / 60, late[:, 1])
    took = np.sort(np.array(seen.took_s))
    figures: dict[str, Any] = {
        "seconds": round(seconds, 1),
        "auctions": len(took),
        "declined": seen.declined,
        "events_acknowledged": len(seen.acknowledged),
        "lost": len(seen.acknowledged - set(ids)),
        "taken_twice": len(ids) - len(set(ids)) + seen.repeats_taken,
        "repeats_sent": seen.repeats,
        "unexpected": seen.wrong,
        "ledger_differences": len(differences(path)),
        "catalog_changes": seen.changes,
        "bundle_swaps": seen.swaps,
        "p50_ms": round(float(np.quantile(took, 0.5)) * 1e3, 2),
        "p99_ms": round(float(np.quantile(took, 0.99)) * 1e3, 2),
        "rss_mib_after_warm_up": round(float(late[0, 1]) / 1024, 1),
        "rss_mib_at_end": round(float(late[-1, 1]) / 1024, 1),
        "slope_kib_per_minute": round(slope, 1),
        "bound_kib_per_minute": bound,
        "files": [int(late[:, 2].min()), int(late[:, 2].max())],
        "threads": [int(late[:, 3].min()), int(late[:, 3].max())],
        "errors_logged": sum(b'"level": "error"' in line for line in logged.splitlines()),
    }
    figures["flat"] = slope <= bound
    whole = not (figures["lost"] or figures["taken_twice"] or seen.wrong or figures["ledger_differences"])
    figures["ok"] = bool(figures["flat"] and whole)
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=50.0, help="page views a second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dir", type=Path, help="a trained installation that may be changed; else an untrained one")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.dir or Path(scratch)
        if given.dir is None:
            make_catalog(folder)
        figures = soak(folder, given.minutes * 60, given.rate, seed=given.seed)
    text = json.dumps(figures, indent=2)
    print(text)  # noqa: T201  this is the output
    if given.json is not None:
        given.json.write_text(text + "\n", "utf-8")
    return 0 if figures["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
