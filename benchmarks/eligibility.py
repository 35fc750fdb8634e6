"""Which ads may answer a request: a bitmap over the whole catalog, by what the request says.

The catalog has 50 ads a campaign and a third of the campaigns targeted. One thread, CPU time.
"""

import argparse
import time

from adcascade.bench.rounds import alternate, figure
from adcascade.bench.row import Row
from adcascade.catalog import Ad, Advertiser, Campaign, Targeting
from adcascade.catalog.changes import Changes
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Slot

PLAIN = {"scenario": "home", "device": "phone", "country": "DE", "category": "d3/c3"}
ASKED: dict[str, dict[str, object]] = {
    "plain": PLAIN,
    "with a query": {**PLAIN, "query": "red running shoe"},
    "blocking a department": {**PLAIN, "blocked_categories": ("d3",)},
    "naming 20 products": {**PLAIN, "products": tuple(f"p{i}" for i in range(20))},
}
CALLS = 100  # a round


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--ads", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)


def run(given: argparse.Namespace) -> list[Row]:
    """Taking the catalog in, and each kind of request."""
    snapshot = Snapshot()
    targeting = [Targeting(), Targeting(), Targeting(scenarios=("home",), countries=("DE", "FR"))]
    campaigns = [Campaign(id=f"c{i}", advertiser="v", targeting=targeting[i % 3]) for i in range(given.ads // 50)]
    ads = [
        (i, Ad(id=f"a{i}", campaign=f"c{i % len(campaigns)}", category=f"d{i % 20}/c{i % 400}"))
        for i in range(given.ads)
    ]
    start = time.thread_time()
    snapshot.apply(Changes(version=1, advertisers=[Advertiser(id="v")], campaigns=campaigns, ads=ads))
    rows = [Row(name="taking a catalog in, an ad", value=(time.thread_time() - start) / given.ads * 1e6, unit="us")]
    requests = {
        name: AdRequest(id="r", time_us=0, slots=(Slot(id="s"),), **fields)  # type: ignore[arg-type]
        for name, fields in ASKED.items()
    }
    spent = alternate(
        {
            name: lambda request=request: [snapshot.eligible(request, 0) for _ in range(CALLS)]  # type: ignore[misc]
            for name, request in requests.items()
        },
        rounds=given.rounds,
    )
    for name, seconds in spent.items():
        us = figure([1e6 * second / CALLS for second in seconds])
        rows.append(Row(name=f"eligible, {name}", value=us.median, spread=us.spread, unit="us"))
    return rows
