"""Packing, interleaving and caching: training steps beside a table for each field, and look-ups beyond memory.

Packing: F fields of widths 8 and 16 and a network F·D - 128 - 1; the peer is the plain twin of the package, a table and
a chain of torch's operators for each field. Interleaving: `fit` on a Parquet log of 26 text columns, by the wall clock;
the peer is the same with nothing ahead. Caching: rows of width 16 that are looked up by Zipf's law in random order.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from adcascade.bench.rounds import alternate, figure, rates
from adcascade.bench.row import Bar, Row
from adcascade.studies.picasso_ablation import MEMORY, PLAIN, Trial
from adcascade.studies.picasso_caching import COLD, HOT, IN_MEMORY, look_up_seconds
from adcascade.studies.picasso_packing import FUSED, UNPACKED, race
from adcascade.studies.picasso_world import Log

LEAST = {26: 1.2, 100: 1.2, 300: 1.8}  # what the method's card measured with torch's operators on one packed table


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--fields", type=int, nargs="+", default=[26, 100, 300])
    parser.add_argument("--values", type=int, default=20_000, help="of a field")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--log-rows", type=int, default=32_768, help="of the Parquet file")
    parser.add_argument("--log-values", type=int, default=100_000, help="of each of its columns")
    parser.add_argument("--epochs", type=int, default=4, help="of each way to train on it")
    parser.add_argument("--table-rows", type=int, default=2_000_000, help="of the table that is looked up")
    parser.add_argument("--seed", type=int, default=0)


def packing(given: argparse.Namespace, fields: int) -> Row:
    """Instances a second of one step."""
    ways = (UNPACKED, FUSED)
    run = race(fields, values=given.values, batch=given.batch, rounds=given.rounds, seed=given.seed, ways=ways)
    plain, fused = (figure(rates(run.seconds[way], given.batch)) for way in ways)
    least = LEAST.get(fields)
    return Row(
        name=f"packing, {fields} fields",
        value=fused.median,
        unit="instances/s",
        spread=fused.spread,
        peer="a table for each field",
        peer_value=plain.median,
        bar=Bar(of="ratio", least=least) if least else None,
        note=f"{given.values:,} values a field, batches of {given.batch}",
    )


def interleaving(given: argparse.Namespace, folder: Path) -> list[Row]:
    """Epochs with one batch ahead, and with none."""
    rows = given.log_rows
    log = Log.written(folder, fields=26, values=given.log_values, rows=rows, block=max(rows // 8, 1), seed=given.seed)
    trial = Trial(log, folder, batch=given.batch, hot_share=0.1, seed=given.seed)
    spent = alternate(
        {way: partial(trial, way) for way in (PLAIN, MEMORY)}, rounds=given.epochs, clock=time.perf_counter
    )
    runs = {way: [trial(way).trainer for _ in range(2)] for way in (PLAIN, MEMORY)}
    plain, ahead = (figure(rates(spent[way], rows)) for way in (PLAIN, MEMORY))
    left = figure(runs[MEMORY]).median / figure(runs[PLAIN]).median
    prepared = trial.preparation() / figure(runs[PLAIN]).median
    return [
        Row(
            name="one batch ahead",
            value=ahead.median,
            unit="instances/s",
            spread=ahead.spread,
            peer="nothing ahead",
            peer_value=plain.median,
            bar=Bar(of="ratio", least=1 / 0.9),
            note=f"preparing is {prepared:.0%} of the loop; the bar is meant for 25 % and more",
        ),
        Row(
            name="work left for the thread that trains",
            value=left,
            unit="of the loop's CPU time",
            bar=Bar(of="value", most=0.9),
        ),
    ]


def caching(given: argparse.Namespace, folder: Path) -> list[Row]:
    """Look-ups with a tenth of the rows hot, and with none."""
    n = 26 * given.batch
    spent = look_up_seconds(folder, values=given.table_rows, batch=n, rounds=given.rounds, seed=given.seed)
    memory = figure(rates(spent[IN_MEMORY], n / 1e6))
    found = []
    for name, title in ((HOT, "a tenth of the rows in memory, the others in a file"), (COLD, "all rows in a file")):
        measured = figure(rates(spent[name], n / 1e6))
        found.append(
            Row(
                name=title,
                value=measured.median,
                unit="million rows/s",
                spread=measured.spread,
                peer="all rows in memory",
                peer_value=memory.median,
                note="the operating system keeps the file in memory where there is room",
            )
        )
    return found


def run(given: argparse.Namespace) -> Sequence[Row]:
    """All of it on one thread, but for interleaving."""
    torch.set_num_threads(1)
    rows = [packing(given, fields) for fields in given.fields]
    with tempfile.TemporaryDirectory() as name:
        rows += interleaving(given, Path(name))
        rows += caching(given, Path(name))
    return rows
