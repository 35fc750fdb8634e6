"""How much invalid traffic the filter finds, by kind of robot, and how many honest events it takes for one.

Honest shoppers come from homes and offices (hundreds behind one address, with the same two agents), see, scroll and
click after times that are drawn from long-tailed laws; some pixels are slow, some click twice. Robots are of seven
kinds, each made so that one rule should find it, and one that imitates people and that none should.
"""

import argparse
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from adcascade.bench.row import Row
from adcascade.events.traffic.filter import Told, TrafficFilter
from adcascade.events.traffic.rules import Kind
from adcascade.events.traffic.source import Source

SECOND = 1_000_000
AGENTS = tuple(
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    for system in ("Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Macintosh; Intel Mac OS X 10_15_7")
    for version in range(135, 142)
)
ROBOTS = (
    "crawler",
    "data centre",
    "busy user",
    "busy address",
    "bid hammer",
    "instant clicker",
    "replayer",
    "imitator",
)


Person = tuple[str, str, Source]  # "honest" or a robot, key of the user, sender


@dataclass(slots=True)
class Bid:
    """What is known of a bid."""

    user: str | None
    answered_us: int
    seen_us: int = 0
    viewable_us: int = 0
    clicked_us: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """An event, whose it is, and when it arrives."""

    at_us: int
    kind: Kind
    bid: str
    source: Source
    who: str  # "honest" or a robot


def visit(random: np.random.Generator, bids: dict[str, Bid], person: Person, start_us: int, ctr: float) -> list[Said]:
    """One ad of one page: seen, often for a second, sometimes clicked."""
    who, user, source = person
    name = f"b{len(bids)}"
    bids[name] = Bid(user, start_us)
    seen = start_us + int(random.lognormal(-0.7, 0.6) * SECOND)
    said = [Said(seen, "impression", name, source, who)]
    if random.random() < 0.6:
        said.append(
            Said(max(seen, start_us) + int((1 + random.exponential(2)) * SECOND), "viewable", name, source, who)
        )
    if random.random() < ctr:
        clicked = start_us + int((0.5 + random.lognormal(1.0, 0.9)) * SECOND)
        said.append(Said(clicked, "click", name, source, who))
        if random.random() < 0.05:
            said.append(Said(clicked + int(random.exponential(0.5) * SECOND), "click", name, source, who))
    return said


def honest(random: np.random.Generator, bids: dict[str, Bid], hours: float) -> list[Said]:
    """Four thousand users at home, and four offices of three hundred behind one address each."""
    people = [
        (f"u{n}", Source("browser", f"81.{n % 200}.{n // 200}.{n % 251}", AGENTS[n % len(AGENTS)])) for n in range(4000)
    ]
    people += [(f"o{n}", Source("browser", f"62.1.1.{n % 4}", AGENTS[n % 2])) for n in range(1200)]
    said = []
    for person in people:
        for _ in range(random.poisson(hours * 1.5)):
            start = int(random.uniform(0, hours * 3600) * SECOND)
            for _ in range(int(random.integers(1, 8))):
                said += visit(random, bids, ("honest", *person), start, 0.04)
    return said


def home(n: int) -> Source:
    """A household's browser."""
    return Source("browser", f"83.4.{n % 250}.7", AGENTS[n % len(AGENTS)])


def robots(random: np.random.Generator, bids: dict[str, Bid], hours: float) -> list[Said]:
    """Seven kinds, and the one that imitates people."""
    said: list[Said] = []
    spider = Source("browser", "66.249.66.1", "Mozilla/5.0 (compatible; Examplebot/2.1; +http://bot.example)")

    def span(n: int) -> list[int]:
        """So many times over the hours."""
        times: list[int] = np.sort(random.uniform(0, hours * 3600, n) * SECOND).astype(int).tolist()
        return times

    for at in span(2000):
        said += visit(random, bids, ("crawler", "c", spider), at, 0.3)
    for n, at in enumerate(span(2000)):
        cloud = Source("browser", f"203.0.{112 + n % 4}.{n % 250}", AGENTS[n % len(AGENTS)])
        said += visit(random, bids, ("data centre", f"d{n}", cloud), at, 0.3)
    begin = int(hours * 1800 * SECOND)
    for n in range(1500):  # ten clicks a minute
        said += visit(random, bids, ("busy user", "busy", home(n)), begin + n * 6 * SECOND, 1.0)
    for n in range(1500):  # fresh keys from one machine, twenty clicks a minute
        said += visit(random, bids, ("busy address", f"f{n}", home(1)), begin + n * 3 * SECOND, 1.0)
    for n, at in enumerate(span(40)):
        name = f"b{len(bids)}"
        bids[name] = Bid(f"h{n}", at)
        said += [Said(at + (2 + k) * SECOND, "click", name, home(n), "bid hammer") for k in range(40)]
    for n, at in enumerate(span(1000)):
        name = f"b{len(bids)}"
        bids[name] = Bid(f"i{n}", at)
        said.append(Said(at + int(random.uniform(0.01, 0.15) * SECOND), "click", name, home(n), "instant clicker"))
    for n, at in enumerate(span(1000)):
        name = f"b{len(bids)}"
        bids[name] = Bid(f"r{n}", at)
        said.append(Said(at + 3 * SECOND, "click", name, home(n), "replayer"))
        said.append(Said(at + int(random.uniform(20, 900) * SECOND), "impression", name, home(n), "replayer"))
    for n, at in enumerate(span(1500)):
        said += visit(random, bids, ("imitator", f"m{n % 300}", home(n)), at, 0.2)
    return said


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--seed", type=int, default=0)


def run(given: argparse.Namespace) -> list[Row]:
    """Live through the hours: the filter's speed, and the share of each kind of sender's clicks that it finds."""
    random, bids = np.random.default_rng(given.seed), dict[str, Bid]()
    said = honest(random, bids, given.hours) + robots(random, bids, given.hours)
    said.sort(key=lambda each: each.at_us)
    sent: Counter[str] = Counter(each.who for each in said if each.kind == "click")
    found: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        (Path(folder) / "ranges").write_text("203.0.112.0/22\n198.18.0.0/15\n")
        filter_ = TrafficFilter(data_centres=Path(folder) / "ranges")
        began = time.thread_time()
        for each in said:
            if judged(filter_, each, bids[each.bid]) and each.kind == "click":
                found[each.who] += 1
        spent = time.thread_time() - began
    speed = Row(name=f"judging an event, of {len(said):,}", value=spent / len(said) * 1e6, unit="us")
    return [speed, *(share_row(who, found[who], sent[who]) for who in ("honest", *ROBOTS) if sent[who])]


def share_row(who: str, found: int, sent: int) -> Row:
    """Share of a sender's clicks that were found."""
    return Row(name=f"clicks found, {who}", value=found / sent, unit="share", note=f"{found:,} of {sent:,}")


def judged(filter_: TrafficFilter, each: Said, bid: Bid) -> bool:
    """Whether the filter finds something; else the bid remembers the event."""
    told = Told(kind=each.kind, bid_id=each.bid, time_us=each.at_us, now_us=each.at_us, source=each.source)
    if filter_.judge(told, bid) is not None:
        return True
    if each.kind == "impression":
        bid.seen_us = bid.seen_us or each.at_us
    elif each.kind == "viewable":
        bid.viewable_us = bid.viewable_us or each.at_us
    else:
        bid.clicked_us = bid.clicked_us or each.at_us
    return False
