"""How well each bidding method's spend keeps to its plan, over a simulated day.

A small market lives a day by chance and a cascade learns from it. Then everybody's demand is measured on a day without
daily budgets, and the same day is lived again by each bidding method with daily budgets of half that demand. Reported
is the spend error of adcascade.metrics.spend_error: its mean over the control slots of the day, and at the day's end;
beside them what was charged, and overspend.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import msgspec

from adcascade.bench.row import Bar, Row
from adcascade.bidding import METHODS
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.training import Order, train_from_log
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.bidder_training import BidderOrder, train_bidder
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.installation import clock_at, install, simulated_service
from adcascade.closedloop.simulation import Trial
from adcascade.errors import InputError
from adcascade.market.clock import TICKS_PER_DAY, tick_start_us
from adcascade.market.config import MarketConfig
from adcascade.market.market import Market
from adcascade.money.day import day_of
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings

WARM_UP = range(TICKS_PER_DAY + 2)
SERVED = range(WARM_UP.stop, WARM_UP.stop + TICKS_PER_DAY // 2)  # of which bidders learn
DAY = range(2 * TICKS_PER_DAY, 3 * TICKS_PER_DAY)
METHOD, CONTROL = "ADCASCADE_BIDDING__METHOD", "ADCASCADE_BIDDING__CONTROL_S"
FEWEST = 10  # charges a day that a campaign's demand must hold to be given a budget


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--views", type=float, default=10.0, help="page views a tick")


def prepare(directory: Path, market: Market) -> None:
    """An installation that lived its warm-up, a cascade learned from it, and a bidding policy from what that served."""
    install(directory, market, 0, ranking="lr")
    serve(directory, market, WARM_UP)
    now_us = tick_start_us(WARM_UP.stop)
    manifest = train_from_log(Order(directory=directory, now_us=now_us, until_us=now_us, seed=0))
    Bundles(load_settings(directory).bundles_path).promote(manifest.version)
    serve(directory, market, SERVED)
    train_bidder(BidderOrder(directory=directory, until_us=tick_start_us(SERVED.stop)))


def serve(directory: Path, market: Market, ticks: range) -> None:
    """The market's shoppers, kept in the log."""
    clock = clock_at(ticks.start)
    service = simulated_service(directory, clock)
    try:
        Drive(market, service, service.parts.feed.store, watch=clock.watch).run(ticks)
    finally:
        service.close()


def live(
    directory: Path, market: Market, method: str, budgets: dict[str, int | None]
) -> tuple[dict[str, float | None], dict[str, tuple[int, int]], int]:
    """The day by a method on copies of the files: spend errors, (charges, micros) by campaign, overspend."""
    os.environ[METHOD] = method
    trial, clock = Trial.of(directory), clock_at(DAY.start)
    with CatalogStore(f"sqlite:///{trial.catalog}") as store:
        store.put(
            campaigns=[
                msgspec.structs.replace(c, daily_budget_micros=budgets.get(c.id), total_budget_micros=None)
                for c in store.campaigns()
            ]
        )
    service = simulated_service(directory, clock, trial.around("trial"))
    try:
        Drive(market, service, None, watch=clock.watch).run(DAY)
        service.upkeep(tick_start_us(DAY.stop))
        ledger = Ledger(service.parts.journal)
        spent: dict[str, tuple[int, int]] = {}
        for row in ledger.charges():
            if row["day"] == day_of(tick_start_us(DAY.start)):
                count, micros = spent.get(row["campaign"], (0, 0))
                spent[row["campaign"]] = (count + 1, micros + row["micros"])
        return service.parts.budgets.pacing_error(), spent, ledger.overspend_micros()
    finally:
        service.close()
        trial.remove()


def run(given: argparse.Namespace) -> list[Row]:
    """Two rows a method: the spend error, and how long the day took."""
    before = os.environ.get(CONTROL)
    os.environ[CONTROL] = "600"
    config = MarketConfig(users=600, ads=240, campaigns=24, advertisers=12, views_per_tick=given.views)
    market = Market(config, given.seed)
    try:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name) / "shop"
            prepare(directory, market)
            _, demand, _ = live(directory, market, "fixed", {})
            budgets: dict[str, int | None] = {
                campaign: micros // 2 for campaign, (count, micros) in demand.items() if count >= FEWEST
            }
            if not budgets:
                raise InputError("views", given.views, f"more: no campaign had {FEWEST} charges in a day")
            return [row for method in METHODS for row in method_rows(directory, market, method, budgets)]
    finally:
        os.environ.pop(METHOD, None)
        os.environ.pop(CONTROL)
        if before is not None:
            os.environ[CONTROL] = before


def method_rows(directory: Path, market: Market, method: str, budgets: dict[str, int | None]) -> list[Row]:
    """The day by one method."""
    start = time.process_time()
    errors, spent, overspend = live(directory, market, method, budgets)
    seconds = time.process_time() - start
    used = sum(spent.get(campaign, (0, 0))[1] for campaign in budgets) / sum(filter(None, budgets.values()))
    note = f"{len(budgets)} campaigns, budgets half of their demand; at the day's end {errors['day_end'] or 0.0:.3f}"
    return [
        Row(name=f"{method}, spend error over the day", value=errors["day_before"] or 0.0, unit="share", note=note),
        Row(name=f"{method}, charged of the budgets", value=used, unit="share"),
        Row(name=f"{method}, overspend", value=overspend, unit="micros", bar=Bar(of="value", most=0)),
        Row(name=f"{method}, the day", value=seconds, unit="CPU s"),
    ]
