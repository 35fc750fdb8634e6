"""After the last kill: every machine comes back once, empties its outbox, and all leases end."""

from adcascade.chaos.world import Plan
from adcascade.events.journal import Journal
from adcascade.money.audit import Difference
from adcascade.money.day import DAY_US
from adcascade.money.opening import open_books
from adcascade.money.outbox import Outbox


def settle(plan: Plan) -> list[Difference]:
    """What the ledger's own audit finds afterwards."""
    differences: list[Difference] = []
    paths = sorted({plan.journal(number) for number in range(plan.processes)})
    for path in paths:
        with Journal(path) as journal:
            books = open_books(plan.url, journal)
            if plan.url:
                Outbox(journal, books).drain_all()
            if path == paths[-1]:
                books.close_expired(plan.now_us() + 100 * DAY_US).result()
                differences = books.verify()
            books.close()
    return differences
