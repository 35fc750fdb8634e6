"""Terms: the limits of campaigns and the rules of their advertisers, as they are in force in the ledger."""

from collections.abc import Iterable, Mapping

import msgspec

from adcascade.errors import InputError
from adcascade.money.day import Calendar, zone_of
from adcascade.money.sql import Connection, alone, lock, rows_of

WHOLE_BP = 10_000


class Budget(msgspec.Struct, frozen=True):
    """A campaign's limits in micros (None: no limit), and who pays how.

    prepaid: only what lies in the advertiser's wallet can be promised; fee_bp: the platform's part of every charge,
    in hundredths of a percent; timezone: whose days its daily limit holds for.
    """

    daily: int | None = None
    total: int | None = None
    advertiser: str = ""
    prepaid: bool = False
    fee_bp: int = 0
    timezone: str = "UTC"

    @property
    def limited(self) -> bool:
        """Whether there is anything that could run out."""
        return self.daily is not None or self.total is not None or self.prepaid


class Left(msgspec.Struct, frozen=True):
    """What a campaign's limits and its advertiser's wallet still allow, neither charged nor leased; None: no limit."""

    day: int | None
    total: int | None
    wallet: int | None = None

    def micros(self) -> int | None:
        """The smallest of them, never below zero."""
        limits = [limit for limit in (self.day, self.total, self.wallet) if limit is not None]
        return max(0, min(limits)) if limits else None


class Terms(msgspec.Struct, frozen=True):
    """A budget in force, with its advertiser's days."""

    budget: Budget
    calendar: Calendar


NO_TERMS = Terms(Budget(), Calendar())


def check_budget(campaign: str, budget: Budget) -> None:
    """InputError where a limit, the fee or the zone is impossible."""
    for field, limit in (("daily", budget.daily), ("total", budget.total)):
        if limit is not None and not 0 <= limit < 2**62:
            raise InputError(f"{campaign}.{field}_budget_micros", limit, "from 0 to 2**62")
    if not 0 <= budget.fee_bp <= WHOLE_BP:
        raise InputError(f"{campaign}.fee_bp", budget.fee_bp, f"from 0 to {WHOLE_BP}")
    zone_of(budget.timezone)


def terms_of(connection: Connection, campaigns: Iterable[str]) -> dict[str, Terms]:
    """The terms in force; a campaign that has none is absent."""
    found = {
        campaign: (daily, total, advertiser, fee_bp)
        for campaign, daily, total, advertiser, fee_bp in rows_of(
            connection,
            "SELECT campaign, daily, total, advertiser, fee_bp FROM budgets WHERE number IN"
            " (SELECT max(number) FROM budgets WHERE campaign IN (...) GROUP BY campaign)",
            campaigns,
        )
    }
    rules = rules_of(connection, (advertiser for _, _, advertiser, _ in found.values()))
    terms = {}
    for campaign, (daily, total, advertiser, fee_bp) in found.items():
        prepaid, calendar = rules.get(advertiser, (False, Calendar()))
        terms[campaign] = Terms(Budget(daily, total, advertiser, prepaid, fee_bp, calendar.timezone), calendar)
    return terms


def locked_terms(connection: Connection, campaigns: Iterable[str]) -> dict[str, Terms]:
    """The terms in force, and their advertisers locked: nobody changes them until the transaction ends."""
    names = list(campaigns)
    terms = terms_of(connection, names)
    while True:
        payers = {each.budget.advertiser for each in terms.values()}
        if alone(connection):
            return terms
        lock(connection, payers)
        terms = terms_of(connection, names)
        if payers == {each.budget.advertiser for each in terms.values()}:
            return terms


def rules_of(connection: Connection, advertisers: Iterable[str]) -> dict[str, tuple[bool, Calendar]]:
    """(prepaid, calendar) of advertisers; one that was never heard of is absent."""
    return {
        advertiser: (bool(prepaid), Calendar(*calendar))
        for advertiser, prepaid, *calendar in rows_of(
            connection,
            "SELECT advertiser, prepaid, timezone, begins_us, held, held_since_us, held_until_us FROM advertisers"
            " WHERE number IN (SELECT max(number) FROM advertisers WHERE advertiser IN (...) GROUP BY advertiser)",
            advertisers,
        )
    }


def left(connection: Connection, campaign: str, terms: Terms, day: int) -> Left:
    """What the campaign's terms still allow on that day."""
    budget = terms.budget
    in_day = in_total = wallet = None
    if budget.daily is not None:
        row = connection.execute(
            "SELECT leased + charged FROM balances WHERE campaign = ? AND day = ?", (campaign, day)
        ).fetchone()
        in_day = budget.daily - (row[0] if row else 0)
    if budget.total is not None:
        (used,) = connection.execute(
            "SELECT CAST(coalesce(sum(leased + charged), 0) AS BIGINT) FROM balances WHERE campaign = ?", (campaign,)
        ).fetchone()
        in_total = budget.total - used
    if budget.prepaid:
        wallet = wallet_of(connection, budget.advertiser)
    return Left(in_day, in_total, wallet)


def wallet_of(connection: Connection, advertiser: str) -> int:
    """Micros in the advertiser's wallet, neither charged nor leased."""
    return wallets_of(connection, (advertiser,)).get(advertiser, 0)


def wallets_of(connection: Connection, advertisers: Iterable[str]) -> dict[str, int]:
    """What lies in the wallets of those that have one."""
    return dict(rows_of(connection, "SELECT advertiser, micros FROM wallets WHERE advertiser IN (...)", advertisers))


def set_terms(connection: Connection, budgets: Mapping[str, Budget], now_us: int) -> dict[str, Left]:
    """Put budgets in force where they differ; what they still allow today."""
    lock(connection, (budget.advertiser for budget in budgets.values()))
    (newest,) = connection.execute("SELECT coalesce(max(number), 0) FROM bookings").fetchone()
    _set_rules(connection, budgets.values(), newest, now_us)
    known = terms_of(connection, budgets)
    fresh = [
        (campaign, now_us, newest, budget.daily, budget.total, budget.advertiser, budget.fee_bp)
        for campaign, budget in budgets.items()
        if campaign not in known or known[campaign].budget != budget
    ]
    if fresh:
        connection.executemany(
            "INSERT INTO budgets (campaign, since_us, after_booking, daily, total, advertiser, fee_bp)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            fresh,
        )
        known = terms_of(connection, budgets)
    return {
        campaign: left(connection, campaign, terms, terms.calendar.day(now_us).number)
        for campaign, terms in known.items()
    }


def _set_rules(connection: Connection, budgets: Iterable[Budget], newest: int, now_us: int) -> None:
    """The rules of the advertisers; a change of zone follows day.py."""
    wanted = {budget.advertiser: budget for budget in budgets}
    known = rules_of(connection, wanted)
    fresh = []
    for advertiser, budget in wanted.items():
        if advertiser in known:
            prepaid, calendar = known[advertiser]
            if (prepaid, calendar.timezone) == (budget.prepaid, budget.timezone):
                continue
            calendar = calendar.changed(budget.timezone, now_us)
        else:
            calendar = Calendar(budget.timezone)
        fresh.append((advertiser, now_us, newest, int(budget.prepaid), *msgspec.structs.astuple(calendar)))
    if fresh:
        connection.executemany(
            "INSERT INTO advertisers (advertiser, since_us, after_booking, prepaid, timezone, begins_us, held,"
            " held_since_us, held_until_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            fresh,
        )
