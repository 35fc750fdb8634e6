"""The judge: recomputes from raw files and raw bookings what a trial did. It uses none of the code that it judges.

It reads the tables of journals and of the books with the bare clients, walks through all bookings in their order, and
compares with the plan's own campaigns and with what was acknowledged.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from adcascade.chaos.world import Plan, World

COLUMNS = "number, kind, advertiser, campaign, day, source, target, micros, lease, bid_id, event"
Booking = tuple[int, str, str, str, int, str, str, int, int, str | None, str | None]
WAYS = {
    ("outside", "wallet"),
    ("wallet", "lease"),
    ("lease", "wallet"),
    ("lease", "revenue"),
    ("lease", "fee"),
    ("wallet", "revenue"),
    ("wallet", "fee"),
}
BENIGN = ("", "already charged", "the bid id has expired")


class Verdict(msgspec.Struct, kw_only=True):
    """What a trial did, as `make chaos` writes it. Micros where it says so, else counts."""

    accepted: int = 0  # acknowledged events that were billed
    lost: int = 0  # acknowledged events that no journal holds
    charged_twice: int = 0  # bids that were charged more than once, or more than their price
    overspend_micros: int = 0  # above a day's limit, a total limit or a prepaid wallet, at any moment
    ledger_balanced: bool = True  # the ledger's own audit and this one find every sum as its bookings say
    misreported: int = 0  # acknowledgements that name another charge than the books hold
    billed: int = 0  # bids that were charged, acknowledged or not
    acknowledged: int = 0
    duplicates: int = 0  # acknowledgements of events that had been acknowledged before
    uncollected: int = 0  # events on disk whose charge was refused although it had been promised
    pending: int = 0  # charges left in an outbox
    charged_micros: int = 0
    leases: int = 0
    top_ups: int = 0
    kills: int = 0
    store_restarts: int = 0
    seconds: float = 0.0
    events_per_s: float = 0.0

    @property
    def right(self) -> bool:
        """Whether every promise was kept."""
        wrong = (self.lost, self.charged_twice, self.overspend_micros, self.misreported, self.pending)
        return not any(wrong) and self.ledger_balanced and self.accepted > 0


def judge(plan: Plan, world: World) -> Verdict:
    """Judge what lies in the plan's folder and in its books."""
    verdict = Verdict()
    bid_of = _journals(plan, verdict)
    charged = _walk(plan, world, verdict, bid_of)
    _acknowledged(plan, verdict, bid_of, charged)
    return verdict


def _journals(plan: Plan, verdict: Verdict) -> dict[str, str]:
    """Event as the books name it -> its bid, of all journals; what was refused, what is left in an outbox."""
    bid_of: dict[str, str] = {}
    for path in sorted({plan.journal(number) for number in range(plan.processes)}):
        with sqlite3.connect(path) as file:
            machine = _machine(plan, file)
            for identity, payload in file.execute("SELECT id, payload FROM records"):
                bid_of[machine + identity] = msgspec.msgpack.decode(payload)["bid_id"]
            if plan.url:
                verdict.pending += file.execute("SELECT count(*) FROM outbox").fetchone()[0]
                refused = dict(file.execute("SELECT reason, count(*) FROM receipts GROUP BY reason"))
                verdict.uncollected += sum(count for reason, count in refused.items() if reason not in BENIGN)
        file.close()
    return bid_of


def _machine(plan: Plan, file: sqlite3.Connection) -> str:
    """What the books put before the ids of this journal's events."""
    if not plan.url:
        return ""
    (name,) = file.execute("SELECT id FROM machine").fetchone()
    return f"{name}/"


def _walk(plan: Plan, world: World, verdict: Verdict, bid_of: dict[str, str]) -> dict[str, int]:
    """Through all bookings in their order: event -> what it was charged. Limits are tried at every step."""
    budgets = world.budgets()
    prepaid = {advertiser.id for advertiser in world.advertisers if advertiser.prepaid}
    days: Counter[tuple[str, int]] = Counter()
    totals: Counter[str] = Counter()
    accounts: Counter[str] = Counter()
    leases: Counter[int] = Counter()
    charged: Counter[str] = Counter()
    worst: dict[object, int] = defaultdict(int)
    before = 0
    for number, kind, advertiser, campaign, day, source, target, micros, lease, bid, event in bookings_of(plan):
        ways = (source.partition(":")[0], target.partition(":")[0])
        if number <= before or micros <= 0 or ways not in WAYS or (bid is not None and bid != bid_of.get(event or "")):
            verdict.ledger_balanced = False
        before = number
        accounts[source] -= micros
        accounts[target] += micros
        verdict.leases += kind == "lease"
        verdict.top_ups += kind == "top_up"
        leases[lease] += micros * ((target == "lease") - (source == "lease"))
        if kind in ("charge", "fee"):
            charged[event or ""] += micros
        taken = micros * (source.startswith("wallet:") - target.startswith("wallet:"))
        if not campaign or not taken:
            continue
        days[campaign, day] += taken
        totals[campaign] += taken
        if taken > 0:
            budget = budgets[campaign]
            for place, over in (
                ((campaign, day), days[campaign, day] - (RICH if budget.daily is None else budget.daily)),
                (campaign, totals[campaign] - (RICH if budget.total is None else budget.total)),
                (f"wallet {advertiser}", -accounts[source] if advertiser in prepaid else 0),
            ):
                worst[place] = max(worst[place], over)
    verdict.overspend_micros = sum(over for over in worst.values() if over > 0)
    verdict.charged_micros = charged.total()
    _twice(world, verdict, bid_of, charged)
    left = [leases[lease] for lease in leases if lease]
    if accounts.total() or any(left) or accounts["lease"]:
        verdict.ledger_balanced = False
    _compare_kept(plan, verdict, accounts, totals)
    return charged


RICH = 2**62  # where there is no limit


def _twice(world: World, verdict: Verdict, bid_of: dict[str, str], charged: dict[str, int]) -> None:
    """A bid is charged for one event, and its campaign's price."""
    events = Counter(bid_of.get(event, event) for event in charged)
    verdict.billed = len(events)
    prices = set(world.prices)
    too_much = {bid_of.get(event, event) for event, micros in charged.items() if micros not in prices}
    verdict.charged_twice = len({bid for bid, count in events.items() if count > 1} | too_much)


def _compare_kept(plan: Plan, verdict: Verdict, accounts: dict[str, int], totals: dict[str, int]) -> None:
    """The sums that the books keep are those of the bookings."""
    wallets, used = kept_of(plan)
    booked = {name.partition(":")[2]: micros for name, micros in accounts.items() if name.startswith("wallet:")}
    for kept, truth in ((wallets, booked), (used, totals)):
        if any(kept.get(name, 0) != truth.get(name, 0) for name in kept.keys() | truth.keys()):
            verdict.ledger_balanced = False


def _acknowledged(plan: Plan, verdict: Verdict, bid_of: dict[str, str], charged: dict[str, int]) -> None:
    """What workers told the outside world is on disk, and in the books as they told it."""
    machines = [_name_of(plan, number) for number in range(plan.processes)]
    told: set[str] = set()
    for path in Path(plan.folder).glob("acks-*.txt"):
        machine = machines[int(path.name.split("-")[1])]
        for line in path.read_text().splitlines(keepends=True):
            if not line.endswith("\n"):
                continue  # killed while it spoke: nobody heard this one
            micros, _, identity = line[:-1].partition(" ")
            event = machine + identity
            verdict.lost += event not in bid_of
            verdict.misreported += int(micros) not in (0, charged.get(event, 0))
            verdict.acknowledged += 1
            verdict.duplicates += event in told
            told.add(event)
    verdict.accepted = sum(event in charged for event in told)


def _name_of(plan: Plan, number: int) -> str:
    with sqlite3.connect(plan.journal(number)) as file:
        name = _machine(plan, file)
    file.close()
    return name


def bookings_of(plan: Plan) -> Iterator[Booking]:
    """All bookings in their order, by the bare client of the store."""
    if plan.store == "redis":
        yield from _redis_bookings(plan)
        return
    page = f"SELECT {COLUMNS} FROM bookings WHERE number > {{}} ORDER BY number LIMIT 20000"  # noqa: S608  a number
    for rows in _sql(plan, page):
        yield from rows


def kept_of(plan: Plan) -> tuple[dict[str, int], dict[str, int]]:
    """(wallets, what campaigns used in all) as the books keep them."""
    if plan.store == "redis":
        client = _redis(plan)
        wallets, used = (client.hgetall("{adcascade}:" + name) for name in ("wallets", "used"))
        client.close()
        return tuple({k.decode(): int(v) for k, v in kept.items()} for kept in (wallets, used))  # type: ignore[return-value]
    (wallets_rows,) = _sql(plan, "SELECT advertiser, micros FROM wallets WHERE {} = 0")
    (used_rows,) = _sql(
        plan, "SELECT campaign, CAST(sum(leased + charged) AS BIGINT) FROM balances WHERE {} = 0 GROUP BY 1"
    )
    return dict(wallets_rows), dict(used_rows)


def _sql(plan: Plan, sql: str) -> Iterator[list[Any]]:
    """Pages of rows, from the last first column on."""
    connection: Any
    if plan.store == "postgresql":
        import psycopg  # noqa: PLC0415  an optional extra

        connection = psycopg.connect(plan.url.replace("+psycopg", ""), autocommit=True)
    else:
        connection = sqlite3.connect(plan.journal(0))
    after = 0
    while rows := connection.execute(sql.format(after)).fetchall():
        yield rows
        if not isinstance(rows[-1][0], int):
            break
        after = rows[-1][0]
    connection.close()


def _redis_bookings(plan: Plan) -> Iterator[Booking]:
    client = _redis(plan)
    after = "0"
    while rows := client.xrange("{adcascade}:bookings", f"({after}", "+", count=5000):
        for number, raw in rows:
            row = {name.decode(): value.decode() for name, value in raw.items()}
            yield (
                int(number.partition(b"-")[0]),
                row["kind"],
                row["advertiser"],
                row["campaign"],
                int(row["day"]),
                row["source"],
                row["target"],
                int(row["micros"]),
                int(row["lease"]),
                row.get("bid"),
                row.get("event"),
            )
        after = rows[-1][0].decode()
    client.close()


def _redis(plan: Plan) -> Any:
    import redis  # noqa: PLC0415  an optional extra

    return redis.Redis.from_url(plan.url)


def written(verdict: Verdict) -> str:
    """The verdict as JSON."""
    return json.dumps(msgspec.to_builtins(verdict), indent=2)
