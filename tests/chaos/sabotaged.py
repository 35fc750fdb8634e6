"""A trial with workers that break a promise, to see that the judge finds out: `python sabotaged.py HOW ARGS`."""

import sys
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from adcascade.cascade.answer import IncomingEvent
from adcascade.cascade.till import Checked
from adcascade.chaos.__main__ import main
from adcascade.chaos.driver import Begin
from adcascade.chaos.worker import Worker
from adcascade.chaos.world import Plan, World
from adcascade.events.receipt import Receipt
from adcascade.money.terms import Budget


class Forgetful(Worker):
    """Charges whatever event comes, because it takes each for a bid of its own."""

    async def accept(self, checked: Sequence[Checked]) -> list[Receipt]:
        """As if no bid had been charged before."""
        return await super().accept([self.renamed(one) for one in checked])

    def reports(self, token: str, bid: str, row: int, expires_us: int, now_us: int) -> list[IncomingEvent]:
        """Its shoppers are impatient: whoever reports does so twice, under two ids."""
        events = super().reports(token, bid, row, expires_us, now_us)
        return [*events, *(replace(event, id=f"{event.id}-again") for event in events)]

    def renamed(self, one: Checked) -> Checked:
        """The same event, charged under its own name."""
        charge = None if one.charge is None else msgspec.structs.replace(one.charge, bid_id=one.record.id)
        return Checked(one.token, one.record, charge)


class Hasty(Worker):
    """Acknowledges every tenth batch without writing it."""

    async def accept(self, checked: Sequence[Checked]) -> list[Receipt]:
        """As if it were on disk."""
        if self.chance.random() < 0.1:
            return [Receipt("accepted", one.token.price_micros) for one in checked]
        return await super().accept(checked)


class Generous(World, frozen=True, kw_only=True):
    """Budgets twice as large as the advertisers set them."""

    def budgets(self) -> dict[str, Budget]:
        """Doubled."""
        return {
            campaign: msgspec.structs.replace(budget, daily=None if budget.daily is None else 2 * budget.daily)
            for campaign, budget in super().budgets().items()
        }


def generous(plan: Plan, world: World, number: int, life: int, mail: list[tuple[int, int]]) -> Worker:
    """A worker that puts other budgets in force than the judge knows."""
    doubled = Generous(advertisers=world.advertisers, campaigns=world.campaigns, prices=world.prices)
    return Worker(plan, doubled, number, life, mail)


WAYS: dict[str, Begin] = {"forgetful": Forgetful, "hasty": Hasty, "generous": generous}

if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], WAYS[sys.argv[1]]))
