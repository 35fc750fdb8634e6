"""Attribution over a month of log: time and memory, by rule.

    python benchmarks/attribution.py [--events 1000000] [--dir FOLDER]

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

from adcascade.events.attribution.credits import credits_of
from adcascade.events.attribution.log import read_lines, read_touches
from adcascade.events.attribution.rule import DAY_US, Goods, Rule
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord, Click, Impression, Order, OrderLine, Record, Winner

USERS, PRODUCTS = 200_000, 20_000
GOODS = [Goods(f"p{n}", f"q{n // 4}", f"brand{n % 500}") for n in range(PRODUCTS)]
SPAN_US = 30 * DAY_US


def records(events: int, seed: int = 0) -> Iterator[Record]:
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


def run(log: Path, events: int) -> None:
    """Write the log where there is none, and apply some rules."""
    if not log.exists():
        with Journal(log) as journal:
            batch: list[Record] = []
            for record in records(events):
                batch.append(record)
                if len(batch) == 20_000:
                    journal.append(batch)
                    batch = []
            journal.append(batch)
            print(f"{journal.last_seq:,} records")
    known = {goods.product: goods for goods in GOODS}
    for rule in (
        Rule(),
        Rule(click_us=30 * DAY_US, view_us=7 * DAY_US, scope="brand"),
        Rule(click_us=None, view_us=None),
    ):
        began = time.perf_counter()
        lines = read_lines(log, 0, 2**62, known)
        earned = credits_of(lines, read_touches(log, lines, rule, GOODS.__getitem__), rule)
        took, credited = time.perf_counter() - began, sum(credit is not None for credit in earned)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{took:.1f} s, {credited:,} of {len(lines):,} lines, peak {peak:.0f} MiB: {rule}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path)
    arguments = parser.parse_args()
    with TemporaryDirectory() as temporary:
        run((arguments.dir or Path(temporary)) / "journal.db", arguments.events)
