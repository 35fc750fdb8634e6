"""A shadow sees what serving saw, changes nothing of it, and ends where it cannot work."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.cascade.shadow.conftest import Copied, Open, request

from adcascade.cascade.answer import IncomingEvent
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.promoting import changes
from adcascade.cascade.service import AdService
from adcascade.cascade.shadow.again import Again
from adcascade.cascade.shadow.order import order_of, start, stop
from adcascade.cascade.shadow.record import Shadowed
from adcascade.cascade.shadow.store import ShadowStore
from adcascade.cascade.shadow.watch import FAILURES, WAITING, ShadowWatch, chosen
from adcascade.closedloop.made_up import WHEN_US
from adcascade.events.records import AuctionRecord

ASKED = 60


def upkeep(service: AdService) -> None:
    """As a server does every second."""
    service.prepare()
    service.upkeep(WHEN_US)


def ordered(folder: Path, place: int) -> str:
    """The version that shadows all requests from now on: of the two, the one at this place."""
    bundles = Bundles(folder / "bundles")
    return start(bundles, bundles.versions()[place], 1.0, who="ann", time_us=1).version


def begun(opened: Open, folder: Path) -> AdService:
    """A service that has followed its order."""
    service = opened(folder)
    upkeep(service)
    return service


def watch_of(service: AdService) -> ShadowWatch:
    """Its shadow."""
    assert service.parts.shadow is not None
    return service.parts.shadow


def lived(service: AdService, *, shadowed: bool, asked: int = ASKED) -> list[AuctionRecord]:
    """Answer requests, see what was answered, click on some of it; the log's auctions."""
    for number in range(asked):
        answer = service.auction(request(number))
        while shadowed and service.shadow():
            pass
        told = [IncomingEvent(id="", kind="impression", token=one.token, time_us=WHEN_US) for one in answer.winners]
        told += [IncomingEvent(id="", kind="click", token=one.token, time_us=WHEN_US) for one in answer.winners[:1]]
        service.accept_now(told)
    upkeep(service)
    service.parts.journal.flush()
    return [one for _, one in service.parts.journal.read() if isinstance(one, AuctionRecord)]


def found(folder: Path, version: str) -> list[Shadowed]:
    """What was kept."""
    return ShadowStore(folder / "shadow.db").read(version)


def test_a_shadow_of_the_same_bundle_predicts_and_answers_the_same(copied: Copied, opened: Open) -> None:
    """Bit for bit, and what it would have shown is what was shown; chance's answers are predicted too."""
    folder = copied("one")
    same = ordered(folder, 0)
    service = begun(opened, folder)
    records = {one.id: one for one in lived(service, shadowed=True)}
    kept = found(folder, same)
    assert [one.id for one in kept] == list(records)
    for one in kept:
        record = records[one.id]
        assert [pair.bid_id for pair in one.pairs] == [winner.bid_id for winner in record.winners]
        assert [pair.shadow for pair in one.pairs] == [pair.served for pair in one.pairs]
        for pair, winner in zip(one.pairs, record.winners, strict=True):
            assert pair.served * record.live_factor == pytest.approx(winner.slot_ctr, rel=1e-6)
        assert one.alike == 1.0
        assert (one.own is None) == (record.policy == "exploration")
        if one.own is not None:
            assert one.own.ads == tuple(winner.ad for winner in record.winners)
            assert one.own.slots == tuple(winner.slot for winner in record.winners)
            assert one.own.expected_micros == pytest.approx(one.expected_micros, rel=1e-6)
    assert {one.own is None for one in kept} == {True, False}


def test_a_shadow_would_answer_what_its_bundle_answers_where_it_serves(copied: Copied, opened: Open) -> None:
    """The same ads in the same slots, by another bundle than the one that serves: its own choice, not the other's."""
    shadowing, serving = copied("shadowing"), copied("serving")
    other = ordered(shadowing, 1)
    Bundles(serving / "bundles").promote(other)
    services = [begun(opened, folder) for folder in (shadowing, serving)]
    for service in services:
        for number in range(ASKED):
            service.auction(request(number))
            while service.shadow():
                pass
        upkeep(service)
        service.parts.journal.flush()
    answered = {one.id: one for _, one in services[1].parts.journal.read() if isinstance(one, AuctionRecord)}
    kept = [one for one in found(shadowing, other) if one.own is not None]
    for one in kept:
        assert one.own is not None
        assert one.own.ads == tuple(winner.ad for winner in answered[one.id].winners)
        assert one.own.slots == tuple(winner.slot for winner in answered[one.id].winners)
    assert any(one.own is not None and one.own.ads != tuple(pair.ad for pair in one.pairs) for one in kept)


def traces(service: AdService) -> dict[str, Any]:
    """All that serving left: every table of the journal's file but for times of stages, promises, counters, caps."""
    parts = service.parts
    parts.journal.flush()
    tables: dict[str, list[Any]] = {}
    for (name,) in parts.journal.query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
        tables[name] = parts.journal.query(f"SELECT * FROM {name}")
    del tables["records"]
    logged = [
        msgspec.structs.replace(one, stage_us={}) if isinstance(one, AuctionRecord) else one
        for _, one in parts.journal.read()
    ]
    caps = {user: parts.memory.frequency.capped(user, WHEN_US) for user in {f"u{n}" for n in range(7)}}
    counted = (service.tally.requests, service.tally.winners, service.tally.explored, dict(service.tally.stage_in))
    return {"tables": tables, "log": logged, "held": parts.till.bank.held, "caps": caps, "counted": counted}


def test_serving_with_a_shadow_is_serving_without(copied: Copied, opened: Open) -> None:
    """The same answers to the byte, and the same log, ledger, promises, caps and counters: nobody can tell."""
    told = []
    for name, shadowed in (("plain", False), ("shadowed", True)):
        folder = copied(name)
        version = ordered(folder, 1) if shadowed else Bundles(folder / "bundles").versions()[1]
        service = begun(opened, folder)
        lived(service, shadowed=shadowed)
        answers = [service.auction(request(number)).winners for number in range(ASKED, ASKED + 5)]
        told.append((answers, traces(service)))
        assert bool(found(folder, version)) == shadowed
    assert told[0] == told[1]
    assert len(told[0][1]["log"]) > ASKED


class Broken:
    """A stage of a shadow that raises."""

    name = "ranking"

    def __call__(self, *_: object) -> None:
        """As a model that does not fit."""
        raise ZeroDivisionError("a model that does not fit")


def test_a_shadow_that_raises_ends_with_its_reason_and_serving_goes_on(copied: Copied, opened: Open) -> None:
    """After so many failures; the order names the reason, a line says when, an alarm is up, until somebody ends it."""
    folder = copied("one")
    bundles, other = Bundles(folder / "bundles"), ordered(folder, 1)
    service = begun(opened, folder)
    watch = watch_of(service)
    assert watch._running is not None
    watch._running.loaded.reference = (Broken(),)  # type: ignore[assignment]
    lived(service, shadowed=True, asked=FAILURES + 3)
    assert service.tally.requests == FAILURES + 3
    assert watch.counted["failed"] == FAILURES
    order = order_of(bundles.folder)
    assert order is not None
    assert "a model that does not fit" in order.trouble
    (ended, began), _ = changes(bundles.folder)
    assert (began.action, began.who, began.share) == ("shadow", "ann", 1.0)
    assert (ended.action, ended.reason) == ("end shadow", order.trouble)
    upkeep(service)
    assert watch.report()["bundle"] == "none"
    assert ShadowStore(folder / "shadow.db").counts(other).failed == FAILURES
    service.parts.outlook._looked_us = 0
    service.upkeep(WHEN_US)
    assert "shadow" in {alarm["name"] for alarm in service.alarms()}
    stop(bundles, who="ann", time_us=2)
    upkeep(service)
    assert watch.trouble == ""


def test_a_bundle_that_cannot_be_loaded_is_named_and_tried_once(copied: Copied, opened: Open) -> None:
    """It was whole when it was ordered, and is damaged when it is loaded; a new order is tried again."""
    folder = copied("one")
    bundles, other = Bundles(folder / "bundles"), ordered(folder, 1)
    model = next((bundles.path(other) / "ranking").iterdir())
    before = model.read_bytes()
    model.chmod(0o644)
    model.write_bytes(b"?")
    service = opened(folder)
    for _ in range(3):
        upkeep(service)
    order = order_of(bundles.folder)
    assert order is not None
    assert "was changed" in order.trouble
    assert watch_of(service).trouble == order.trouble
    assert len(changes(bundles.folder)[0]) == 2
    model.write_bytes(before)
    start(bundles, other, 1.0, who="ann", time_us=2)
    upkeep(service)
    assert watch_of(service).report()["bundle"] == other


def test_nothing_waits_beyond_the_bound_nor_while_the_server_has_to_do_less(copied: Copied, opened: Open) -> None:
    """What is dropped is counted; together with what was answered again it is all that was chosen."""
    folder = copied("one")
    same = ordered(folder, 0)
    service = begun(opened, folder)
    for number in range(WAITING + 6):
        service.auction(request(number))
    assert watch_of(service).counted["dropped"] == 6
    service.ladder.admit(60_000_000, 20_000_000)  # so late that the ladder is up
    service.auction(request(WAITING + 6))
    assert watch_of(service).counted["dropped"] == 7
    assert not service.shadow()
    upkeep(service)
    counts = ShadowStore(folder / "shadow.db").counts(same)
    assert (counts.shadowed, counts.dropped, counts.failed) == (0, WAITING + 7, 0)


def test_a_share_is_chosen_by_the_id_and_grows_by_addition() -> None:
    """About the share of many ids, whoever asks; a larger share holds a smaller one; all and none are exact."""
    ids = [f"request-{number}" for number in range(4_000)]
    few, some = ({one for one in ids if chosen(one, share)} for share in (0.05, 0.2))
    assert 140 < len(few) < 260
    assert few < some
    assert all(chosen(one, 1.0) for one in ids)
    assert not any(chosen(one, 0.0) for one in ids)


def test_an_order_is_followed_from_beginning_to_end(copied: Copied, opened: Open) -> None:
    """Another share needs no second loading; without an order nothing waits and the engine is gone."""
    folder = copied("one")
    bundles = Bundles(folder / "bundles")
    other = bundles.versions()[1]
    service = opened(folder)
    watch = watch_of(service)
    loads: list[str] = []
    load = watch.load

    def counted(version: str, changes: Mapping[str, str] = {}, /) -> Any:
        loads.append(version)
        return load(version, changes)

    watch.load = counted
    service.auction(request(0))
    assert not watch._waiting
    start(bundles, other, 0.5, who="ann", time_us=1)
    upkeep(service)
    start(bundles, other, 1.0, who="ann", time_us=2)
    upkeep(service)
    assert (watch.report()["share"], loads) == (1.0, [other])
    service.auction(request(1))
    assert isinstance(watch._waiting[0], Again)
    stop(bundles, who="ann", time_us=3)
    upkeep(service)
    assert watch.report() == {"bundle": "none", "shadowed": 0, "dropped": 1, "failed": 0}
    (bundles.folder / "shadow.json").write_bytes(b"?")
    upkeep(service)
    assert "cannot be read" in watch.trouble
    stop(bundles, who="ann", time_us=4)
    upkeep(service)
    assert watch.trouble == ""
