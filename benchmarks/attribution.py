"""Attribution over a month of log: time and memory, by rule.

The log is a real journal: answers to 200,000 users with one ad each, an impression for each, a click for one in
twenty, and one order for every hundred answers, half of them of something that the user was shown. Every rule is
applied to it by the code of `adcascade attribute`; peak memory is that of the process.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from adcascade.bench.rounds import alternate, figure, rates
from adcascade.bench.row import Row
from adcascade.events.attribution.credits import credits_of
from adcascade.events.attribution.log import read_lines, read_touches
from adcascade.events.attribution.rule import DAY_US, Goods, Rule
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Click, Impression, Order, OrderLine, Record, Winner

USERS, PRODUCTS = 200_000, 20_000
GOODS = [Goods(f"p{n}", f"q{n // 4}", f"brand{n % 500}") for n in range(PRODUCTS)]
SPAN_US = 30 * DAY_US
RULES = {
    "the default rule": Rule(),
    "clicks of 30 days, views of 7, by brand": Rule(click_us=30 * DAY_US, view_us=7 * DAY_US, scope="brand"),
    "any time before": Rule(click_us=None, view_us=None),
}


def records(events: int, seed: int) -> Iterator[Record]:
    """About `events` records in order of time."""
    random = np.random.default_rng(seed)
    answers = int(events / 2.06)
    times = np.sort(random.integers(0, SPAN_US, answers))
    users, ads = random.integers(0, USERS, answers), random.integers(0, PRODUCTS, answers)
    for n, (at, user, ad) in enumerate(zip(times.tolist(), users.tolist(), ads.tolist(), strict=True)):
        winner = Winner(
            bid_id=f"b{n}", ad=ad, slot=0, creative=0, price_micros=1, billing="click", ctr=0.1, slot_ctr=0.1, cvr=0.1
        )
        yield AuctionRecord(id=f"a{n}", time_us=at, user=f"u{user}", scenario="", seen={}, winners=(winner,))
        yield Impression(id=f"i{n}", time_us=at + 500_000, bid_id=f"b{n}")
        if n % 20 == 0:
            yield Click(id=f"c{n}", time_us=at + 4_000_000, bid_id=f"b{n}")
        if n % 100 == 0:
            bought = ad if n % 200 == 0 else (ad + 1) % PRODUCTS
            line = OrderLine(product=f"p{bought}", price_micros=20_000_000)
            yield Order(id=f"o{n}", time_us=at + 3_600_000_000, user=f"u{user}", lines=(line,))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)


def run(given: argparse.Namespace) -> list[Row]:
    """Write the log, and apply each rule to it."""
    with TemporaryDirectory() as name:
        log = Path(name) / "journal.db"
        written = write(log, given.events, given.seed)
        credited: dict[str, str] = {}
        known = {goods.product: goods for goods in GOODS}

        def apply(says: str, rule: Rule) -> None:
            lines = read_lines(log, 0, 2**62, known)
            earned = credits_of(lines, read_touches(log, lines, rule, GOODS.__getitem__), rule)
            credited[says] = f"{sum(credit is not None for credit in earned):,} of {len(lines):,} lines credited"

        spent = alternate(
            {says: lambda says=says, rule=rule: apply(says, rule) for says, rule in RULES.items()},  # type: ignore[misc]
            rounds=given.rounds,
            clock=time.process_time,
        )
    rows = []
    for says, seconds in spent.items():
        speed = figure(rates(seconds, written))
        rows.append(Row(name=says, value=speed.median, spread=speed.spread, unit="records/s", note=credited[says]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*rows, Row(name=f"peak memory of the process, {written:,} records", value=peak, unit="MiB")]


def write(log: Path, events: int, seed: int) -> int:
    """The log; how many records it holds."""
    with Journal(log) as journal:
        batch: list[Record] = []
        for record in records(events, seed):
            batch.append(record)
            if len(batch) == 20_000:
                journal.append(batch)
                batch = []
        journal.append(batch)
        return journal.last_seq
