"""`python -m adcascade.chaos`, or `make chaos ARGS="..."`: kill processes at random over a real store, then judge."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from adcascade.chaos.driver import Begin, Trial, server_of
from adcascade.chaos.judge import Verdict, judge, written
from adcascade.chaos.settle import settle
from adcascade.chaos.worker import Worker
from adcascade.chaos.world import Plan

FIGURES = ("accepted", "lost", "charged_twice", "overspend_micros", "ledger_balanced", "kills", "seconds")


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(prog="chaos", description=__doc__)
    options.add_argument("--events", type=int, default=20_000, help="billed events to reach (20,000)")
    options.add_argument("--processes", type=int, default=8, help="worker processes (8)")
    options.add_argument("--seed", type=int, default=0, help="of kills, campaigns and shoppers (0)")
    options.add_argument(
        "--store", choices=("sqlite", "postgresql", "redis"), default="sqlite", help="where the books lie"
    )
    options.add_argument("--url", default="", help="of an empty store of yours; else a throw-away server is started")
    options.add_argument("--json", type=Path, help="file to write all figures to")
    options.add_argument("--day-s", type=float, default=0.0, help="seconds of a day of the world; else by the events")
    options.add_argument(
        "--kill-every-s", type=float, default=0.0, help="mean seconds between two kills; else by the events"
    )
    options.add_argument("--folder", type=Path, help="keep journals and acknowledgements here")
    return options


def trial(options: argparse.Namespace, begin: Begin = Worker) -> Verdict:
    """Run a trial and judge it."""
    server = None if options.url else server_of(options.store)
    folder = Path(tempfile.mkdtemp(prefix="adcascade-chaos-")) if options.folder is None else options.folder
    folder.mkdir(parents=True, exist_ok=True)
    long = options.events >= 100_000
    try:
        if server is not None:
            server.start()
        plan = Plan(
            events=options.events,
            processes=options.processes,
            seed=options.seed,
            store=options.store,
            url=options.url or ("" if server is None else server.url),
            folder=str(folder),
            day_s=options.day_s or (20.0 if long else 6.0),
            began=time.monotonic(),
            kill_every_s=options.kill_every_s or (3.0 if long else 1.0),
            skew_s=0.2,
        )
        run = Trial(plan, server, begin)
        seconds = run.run()
        differences = settle(plan)
        verdict = judge(plan, run.world)
        verdict.kills, verdict.store_restarts, verdict.seconds = run.kills, run.restarts, round(seconds, 1)
        verdict.events_per_s = round(verdict.accepted / seconds, 1)
        verdict.ledger_balanced = verdict.ledger_balanced and not differences
        for difference in differences[:20]:
            sys.stderr.write(f"{difference}\n")
        return verdict
    finally:
        if server is not None:
            server.stop()
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def main(arguments: list[str] | None = None, begin: Begin = Worker) -> int:
    """0 where every promise was kept."""
    options = parser().parse_args(arguments)
    verdict = trial(options, begin)
    figures = msgspec.to_builtins(verdict)
    for name in (*FIGURES, *(name for name in figures if name not in FIGURES)):
        sys.stdout.write(f"{name:>18}  {figures[name]}\n")
    if options.json is not None:
        options.json.write_text(written(verdict) + "\n")
    return 0 if verdict.right else 1


if __name__ == "__main__":
    sys.exit(main())
