"""An experiment over live traffic: two bundles and a reserve before the market's own shoppers."""

import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adcascade.cascade.bundle import Bundles
from adcascade.cli.app import app
from adcascade.closedloop.drive import Drive
from adcascade.closedloop.installation import clock_at, simulated_service
from adcascade.closedloop.world import World, load_world
from adcascade.events.journal import Journal
from adcascade.events.records import AuctionRecord
from adcascade.experiments.store import ExperimentStore
from adcascade.money.ledger import Ledger
from adcascade.settings import load_settings


def say(*words: str) -> str:
    """`adcascade experiment ...`, which must do what it is told."""
    done = CliRunner().invoke(app, ["experiment", *words], env={"COLUMNS": "200"})
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def live(directory: Path, ticks: int) -> None:
    """The shop's next ticks, by a service that is opened and closed again."""
    world = load_world(directory)
    clock = clock_at(world.tick)
    service = simulated_service(directory, clock)
    try:
        span = range(world.tick, world.tick + ticks)
        Drive(world.market(), service, service.parts.feed.store, watch=clock.watch).run(span)
        World(seed=world.seed, views_per_tick=world.views_per_tick, tick=span.stop).save(directory)
    finally:
        service.close()


def exposed(directory: Path, name: str) -> list[AuctionRecord]:
    """The records that an experiment took part in."""
    with Journal(load_settings(directory).journal_path) as journal:
        records = [r for _, r in journal.read(kinds=("auction",)) if isinstance(r, AuctionRecord)]
        assert Ledger(journal).overspend_micros() == 0
    return [r for r in records if r.exposure is not None and r.exposure.experiment == name]


def test_two_bundles_and_a_reserve_share_the_traffic(shop: Path) -> None:
    """Each arm is answered by its own engine and its share; a person keeps the arm through a restart, another
    allocation and a promotion; the results come from the log; nothing is overspent."""
    bundles = Bundles(load_settings(shop).bundles_path)
    old, new = bundles.versions()
    at = ["--dir", str(shop)]
    arms = ["--arm", "control", "--arm", f"before:bundle={old}", "--arm", "dear:auction.reserve_micros=300000000"]
    say("create", "trio", *arms, "--shares", "control=0.5,before=0.3,dear=0.2", *at)
    say("start", "trio", *at)
    live(shop, 3)
    first = exposed(shop, "trio")
    by_arm = Counter(r.exposure.arm for r in first if r.exposure)
    for arm, share in (("control", 0.5), ("before", 0.3), ("dear", 0.2)):
        assert by_arm[arm] / len(first) == pytest.approx(share, abs=0.15)
    assert {(r.exposure.arm, r.bundle) for r in first if r.exposure} == {
        ("control", new), ("before", old), ("dear", new)
    }  # fmt: skip
    shown = {arm: sum(len(r.winners) for r in first if r.exposure and r.exposure.arm == arm) for arm in by_arm}
    assert shown["dear"] / by_arm["dear"] < shown["control"] / by_arm["control"]

    say("allocate", "trio", "control=0.0,before=0.0,dear=1.0", *at)
    bundles.promote(old)
    live(shop, 3)
    later = exposed(shop, "trio")[len(first) :]
    arm_of = {r.user: r.exposure.arm for r in first if r.exposure is not None and r.user is not None}
    again = [r for r in later if r.user in arm_of]
    assert len({r.exposure.arm for r in again if r.exposure}) > 1
    assert all(r.exposure is not None and r.user and r.exposure.arm == arm_of[r.user] for r in again)
    assert {r.exposure.arm for r in later if r.exposure and r.user not in arm_of} == {"dear"}
    assert {r.bundle for r in later} == {old}  # control and dear follow the promotion

    file = shop / "results.json"
    printed = say("results", "trio", "--json", str(file), *at)
    told = json.loads(file.read_text())
    assert "less control's" in printed
    assert sum(arm["counts"]["requests"] for arm in told["arms"]) == len(first) + len(later)
    for arm in told["arms"]:
        value, low, high = (arm["estimates"]["clicks per request"][key] for key in ("value", "low", "high"))
        assert low <= value <= high
    say("stop", "trio", *at)
    assert "stopped" in say("list", *at)


def test_an_adaptive_experiment_moves_its_traffic_by_the_log(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every half hour an allocation, with its reason; shares sum to 1 and keep the floor."""
    monkeypatch.setenv("ADCASCADE_EXPERIMENTS__CONTROL_S", "1800")
    at = ["--dir", str(shop)]
    arms = ["--arm", "control", "--arm", "dear:auction.reserve_micros=300000000"]
    say("create", "duel", *arms, "--adaptive", "--floor", "0.1", "--unit", "request", "--window-days", "1", *at)
    say("start", "duel", *at)
    live(shop, 8)
    with Journal(load_settings(shop).journal_path) as journal:
        allocations = ExperimentStore(journal).get("duel").allocations
    assert len(allocations) >= 3
    for allocation in allocations[1:]:
        assert allocation.reason == "by what the clicks say"
        assert sum(allocation.shares) == pytest.approx(1.0)
        assert min(allocation.shares) >= 0.1
    records = exposed(shop, "duel")
    assert {r.exposure.allocation for r in records if r.exposure} <= {a.number for a in allocations}
    assert all(r.exposure is not None and r.exposure.unit == r.id for r in records)


def test_an_experiment_that_cannot_run_is_refused_before_it_begins(shop: Path) -> None:
    """An unknown bundle, a setting that arms cannot change, an impossible value: a sentence, and nothing is written."""
    for arm, said in (
        ("x:bundle=20000101T000000-00000000", "no bundle"),
        ("x:engine.memory=5", "may change bundle"),
        ("x:money.lease_s=5", "may change bundle"),
        ("x:auction.rule=lottery", "lottery"),
        ("x:engine.retrieve=5", "out of 5"),
    ):
        done = CliRunner().invoke(app, ["experiment", "create", "no", "--arm", "a", "--arm", arm, "--dir", str(shop)])
        assert done.exit_code != 0
        assert said in str(done.exception)
    with Journal(load_settings(shop).journal_path) as journal:
        assert ExperimentStore(journal).all() == []
