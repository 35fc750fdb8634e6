"""A run: examples one by one, then what was learned from them, then mutations over several connections."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from adcascade.conformance.examples import examples
from adcascade.conformance.invalid import invalid
from adcascade.conformance.learned import learned
from adcascade.conformance.macros import filled
from adcascade.conformance.mutate import PREFIX, mutation, mutations
from adcascade.conformance.probe import Kind, Probe
from adcascade.conformance.reading import text
from adcascade.conformance.sender import Connection, Target, target_of
from adcascade.conformance.tally import Tally
from adcascade.conformance.trial import Trial
from adcascade.errors import InputError

NOTICES: tuple[tuple[str, Kind], ...] = (("nurl", "win notice"), ("burl", "billing notice"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run. connections: at once, for mutations; timeout_s: a longer silence is a hang."""

    url: str
    mutations: int = 1000
    seed: int = 0
    notices: bool = False
    connections: int = 8
    timeout_s: float = 5.0


def requests_of(plan: Plan) -> int:
    """How many requests a run has for certain; what is learned from answers comes on top."""
    return len(examples()) + len(invalid()) + plan.mutations


async def conform(plan: Plan, tally: Tally, advance: Callable[[], None] = lambda: None) -> None:
    """Run it all into a tally. advance: called after each request. InputError: nobody answers at the URL."""
    target = target_of(plan.url)
    await _reach(target, plan)
    valid = await _one_by_one(target, plan, (*examples(), *invalid()), tally, advance)
    teacher = next((trial for trial in valid if learned(trial)), None)
    if teacher is not None:
        valid += await _one_by_one(target, plan, learned(teacher), tally, advance)
    if plan.notices:
        await _notify(plan, valid, tally, advance)
    await _at_once(target, plan, mutations(plan.seed, plan.mutations), tally, advance)


async def replay(plan: Plan, name: str) -> Trial:
    """One case by its name. InputError where no case has it."""
    target = target_of(plan.url)
    await _reach(target, plan)
    connection = Connection(target, plan.timeout_s)
    try:
        if name.startswith("learned-"):
            return await _relearned(connection, name)
        return await _try(connection, _named(plan.seed, name))
    finally:
        await connection.close()


def _named(seed: int, name: str) -> Probe:
    number = name.removeprefix(PREFIX)
    if name.startswith(PREFIX) and number.isdecimal():
        return mutation(seed, int(number))
    for probe in (*examples(), *invalid()):
        if probe.name == name:
            return probe
    raise InputError("only", name, "the name of a case, as the report shows it", f"such as {examples()[0].name}")


async def _relearned(connection: Connection, name: str) -> Trial:
    for example in examples():
        for probe in learned(await _try(connection, example)):
            if probe.name == name:
                return await _try(connection, probe)
    raise InputError("only", name, "a case that this bidder's answers lead to", "run the whole suite to see them")


async def _reach(target: Target, plan: Plan) -> None:
    """Connect once, so that a wrong address is told at once."""
    connection = Connection(target, plan.timeout_s)
    try:
        await connection.open()
    except (OSError, TimeoutError) as error:
        reason = str(error) or type(error).__name__
        raise InputError(
            "url", plan.url, "a bidder that listens there", f"start it, or mend the address ({reason})"
        ) from error
    finally:
        await connection.close()


async def _try(connection: Connection, probe: Probe) -> Trial:
    return Trial(probe, await connection.send(probe))


async def _one_by_one(
    target: Target, plan: Plan, probes: Iterable[Probe], tally: Tally, advance: Callable[[], None]
) -> list[Trial]:
    """Judge each in turn; the valid ones' trials come back."""
    connection = Connection(target, plan.timeout_s)
    trials: list[Trial] = []
    try:
        for probe in probes:
            trial = await _try(connection, probe)
            tally.judge(trial)
            advance()
            if probe.kind == "valid":
                trials.append(trial)
    finally:
        await connection.close()
    return trials


async def _at_once(
    target: Target, plan: Plan, probes: Iterator[Probe], tally: Tally, advance: Callable[[], None]
) -> None:
    """As many at once as the plan has connections; each takes the next probe when it is done."""

    async def work() -> None:
        connection = Connection(target, plan.timeout_s)
        try:
            for probe in probes:
                tally.judge(await _try(connection, probe))
                advance()
        finally:
            await connection.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(plan.connections):
            group.create_task(work())


async def _notify(plan: Plan, trials: list[Trial], tally: Tally, advance: Callable[[], None]) -> None:
    """Call the win and then the billing notice of every bid on a valid request, macros filled."""
    for probe in (probe for trial in trials for probe in notices_of(trial)):
        connection = Connection(target_of(probe.url), plan.timeout_s)
        try:
            tally.judge(await _try(connection, probe))
            advance()
        finally:
            await connection.close()


def notices_of(trial: Trial) -> Iterator[Probe]:
    """The notices of a won auction in which every bid pays its own price."""
    for offer in trial.offers:
        values = {
            "AUCTION_ID": text(trial.request, "id") or "",
            "AUCTION_BID_ID": text(trial.bid_response, "bidid") or "",
            "AUCTION_IMP_ID": text(offer.bid, "impid") or "",
            "AUCTION_SEAT_ID": offer.seat or "",
            "AUCTION_AD_ID": text(offer.bid, "adid") or "",
            "AUCTION_PRICE": str(offer.bid.get("price", "")),
            "AUCTION_CURRENCY": offer.currency,
            "AUCTION_MBR": "1.0",
            "AUCTION_MULTIPLIER": "1",
            "AUCTION_IMP_TS": str(time.time_ns() // 1_000_000),
        }
        for field, kind in NOTICES:
            url = filled(text(offer.bid, field) or "", values)
            if url:
                name, about = trial.probe.name, f"{field} of {offer.path}"
                yield Probe(name=name, about=about, kind=kind, method="GET", body=b"", headers={}, url=url)
