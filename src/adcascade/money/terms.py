"""Terms: the limits of campaigns and the rules of their advertisers, as they are in force in the ledger."""

from collections.abc import Iterable, Mapping

import msgspec

from adcascade.errors import InputError
from adcascade.money.day import Calendar, zone_of
from adcascade.money.sql import Connection, rows_of

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
    return left_many(connection, {(campaign, day): terms})[campaign, day]


def left_many(connection: Connection, wanted: Mapping[tuple[str, int], Terms]) -> dict[tuple[str, int], Left]:
    """As `left` for many (campaign, day) with the campaign's terms, by a constant number of statements."""
    daily = [campaign for (campaign, _), terms in wanted.items() if terms.budget.daily is not None]
    total = [campaign for (campaign, _), terms in wanted.items() if terms.budget.total is not None]
    first = min((day for _, day in wanted), default=0)
    in_days = {
        (campaign, day): used
        for campaign, day, used in rows_of(
            connection,
            f"SELECT campaign, day, leased + charged FROM balances WHERE day >= {int(first)} AND campaign IN (...)",  # noqa: S608  a number
            daily,
        )
    }
    in_all = dict(
        rows_of(
            connection,
            "SELECT campaign, CAST(sum(leased + charged) AS BIGINT) FROM balances WHERE campaign IN (...)"
            " GROUP BY campaign",
            total,
        )
    )
    wallets = wallets_of(connection, (terms.budget.advertiser for terms in wanted.values() if terms.budget.prepaid))
    return {
        (campaign, day): Left(
            None if terms.budget.daily is None else terms.budget.daily - in_days.get((campaign, day), 0),
            None if terms.budget.total is None else terms.budget.total - in_all.get(campaign, 0),
            wallets.get(terms.budget.advertiser, 0) if terms.budget.prepaid else None,
        )
        for (campaign, day), terms in wanted.items()
    }


def wallet_of(connection: Connection, advertiser: str) -> int:
    """Micros in the advertiser's wallet, neither charged nor leased."""
    return wallets_of(connection, (advertiser,)).get(advertiser, 0)


def wallets_of(connection: Connection, advertisers: Iterable[str]) -> dict[str, int]:
    """What lies in the wallets of those that have one."""
    return dict(rows_of(connection, "SELECT advertiser, micros FROM wallets WHERE advertiser IN (...)", advertisers))


def set_terms(connection: Connection, budgets: Mapping[str, Budget], now_us: int) -> dict[str, Left]:
    """Put budgets in force where they differ; what they still allow today."""
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
    today = {(campaign, terms.calendar.day(now_us).number): terms for campaign, terms in known.items()}
    return {campaign: allowed for (campaign, _), allowed in left_many(connection, today).items()}


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
