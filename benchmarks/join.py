"""The join from the event log to samples: events a CPU-second, and its memory as the log grows by days.

A synthetic log: auctions of two winners with twelve features, of which most are seen, some clicked and a few bought
from, up to thirty days after the click. It goes through the journal, whose older half is sealed into Parquet as a
server does, and is joined with a conversion window of thirty days, in a process of its own. The same is done with the
first third of the days at the same rate: where memory is bounded, its peak is the same.
"""

import argparse
import heapq
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adcascade.bench import Bar, Row
from adcascade.bench.rounds import figure
from adcascade.events.join import JoinCounts, join
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Click, Conversion, Impression, Record, Winner
from adcascade.events.seal import seal

DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
KEPT = {"slot": 0, "creative": 0, "price_micros": 90_000, "billing": "click", "ctr": 0.02, "slot_ctr": 0.02, "cvr": 0.1}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--events", type=int, default=240_000, help="records of the log")
    parser.add_argument("--days", type=int, default=45, help="days that it covers")
    parser.add_argument("--clicks", type=float, default=0.2, help="share of the impressions that are clicked")
    parser.add_argument("--conversions", type=float, default=0.5, help="share of the clicks that convert")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)


def run(given: argparse.Namespace) -> list[Row]:
    """Events a CPU-second of the whole log, and the growth of the peak from a third of it."""
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name) / "third.db", Path(name) / "log.db"
        write(small, given, given.events // 3, given.days // 3)
        write(large, given, given.events, given.days)
        asked = [joined(large) for _ in range(given.rounds)]
        third = [joined(small) for _ in range(given.rounds)]
    rate = figure([given.events / one["cpu_s"] for one in asked])
    peak, before = figure([one["grown_mib"] for one in asked]), figure([one["grown_mib"] for one in third])
    log = f"{given.events:,} events of {given.days} days, {asked[0]['rows']:,} rows"
    return [
        Row(
            name="join",
            value=rate.median,
            spread=rate.spread,
            unit="events/CPU-s",
            bar=Bar(of="value", least=20_000),
            note=log,
        ),
        Row(
            name="join, its memory beside that of a third of the days",
            value=peak.median / before.median,
            spread=peak.spread,
            unit="times",
            bar=Bar(of="value", most=1.25),
            note=f"{peak.median:.0f} MiB above the start, and {before.median:.0f}",
        ),
    ]


def write(path: Path, given: argparse.Namespace, events: int, days: int) -> None:
    """A journal with the log in it, the older half sealed."""
    with Journal(path) as journal:
        page: list[Record] = []
        for record in log(np.random.default_rng(given.seed), given, events, days):
            page.append(record)
            if len(page) == 2000:
                journal.append(page)
                page = []
        journal.append(page)
        seal(journal, path.with_suffix(""), days * DAY_US // 2)


def log(random: np.random.Generator, given: argparse.Namespace, events: int, days: int) -> Iterator[Record]:
    """So many records in order of time; what would come after the end is cut off."""
    step_us = max(days * DAY_US // max(int(events * 0.42), 1), 1)  # of an auction: some 2.4 records follow from each
    waiting: list[tuple[int, int, Record]] = []
    number = given_out = 0
    while given_out < events:
        now = number * step_us
        while waiting and waiting[0][0] <= now and given_out < events:
            yield heapq.heappop(waiting)[2]
            given_out += 1
        yield auction(random, number, now)
        given_out += 1
        for slot in range(2):
            for record in story(random, f"r{number}.{slot}", now, given):
                heapq.heappush(waiting, (record.time_us, len(waiting) + number * 10, record))
        number += 1


def auction(random: np.random.Generator, number: int, now: int) -> AuctionRecord:
    """Two winners for a request of twelve features."""
    drawn = random.integers(0, 1000, 12)
    seen: dict[str, Any] = {f"feature{place}": f"value {value}" for place, value in enumerate(drawn[:8].tolist())}
    seen |= {"hour": int(drawn[8]) % 24, "depth": float(drawn[9]), "query": "running shoes"}
    seen["history_ad"] = [f"ad{value}" for value in drawn.tolist()]
    winners = tuple(
        Winner(**{**KEPT, "bid_id": f"r{number}.{slot}", "ad": int(drawn[slot]), "slot": slot})  # type: ignore[arg-type]
        for slot in range(2)
    )
    user = f"user{drawn[11]}"
    return AuctionRecord(id=f"r{number}", time_us=now, user=user, scenario="home", seen=seen, winners=winners)


def story(random: np.random.Generator, bid: str, now: int, given: argparse.Namespace) -> Iterator[Record]:
    """What became of one winner."""
    chance, delay = random.random(3), random.random(3)
    if chance[0] > 0.6:
        return
    shown = now + int(delay[0] * MINUTE_US)
    yield Impression(id=f"i{bid}", time_us=shown, bid_id=bid)
    if chance[1] < given.clicks:
        clicked = shown + int(delay[1] * 10 * MINUTE_US)
        yield Click(id=f"c{bid}", time_us=clicked, bid_id=bid)
        if chance[2] < given.conversions:
            yield Conversion(id=f"s{bid}", time_us=clicked + int(delay[2] * 30 * DAY_US), bid_id=bid, value_micros=1)


def joined(path: Path) -> dict[str, float]:
    """CPU seconds, rows and growth of the peak memory of a join in a process of its own."""
    done = subprocess.run([sys.executable, __file__, str(path)], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def ads(rows: NDArray[np.int32]) -> dict[str, list[str]]:
    """The ad side of these catalog rows."""
    return {"ad": [f"ad{row}" for row in rows.tolist()], "brand": [f"brand{row % 50}" for row in rows.tolist()]}


def main() -> None:
    """Join the journal that is named, and print what it cost."""
    counts = JoinCounts()
    with Journal(sys.argv[1]) as journal:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, start = peak_mib(), time.process_time()
        windows: dict[str, Any] = {"click_window_us": DAY_US, "conversion_window_us": 30 * DAY_US}
        for _ in join(journal, ads, **windows, until_us=2**62, counts=counts):
            pass
        cpu_s = time.process_time() - start
    print(json.dumps({"cpu_s": cpu_s, "rows": counts.rows, "grown_mib": peak_mib() - before}))


def peak_mib() -> float:
    """The most memory that this process held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    main()
