"""The random lives of test_ledger_machine.py, with the books in a real PostgreSQL and a real Redis."""

from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.money.conftest import empty
from tests.money.test_ledger_machine import LedgerMachine

from adcascade.events.records import Click
from adcascade.money.books import Books
from adcascade.money.charge import Charge
from adcascade.money.opening import open_books
from adcascade.money.outbox import Outbox


class SharedMachine(LedgerMachine):
    """Charges go through the outbox."""

    url: ClassVar[str]

    def books(self) -> Books:
        """The emptied server's."""
        books = open_books(empty(self.url), self.journal)
        self.outbox = Outbox(self.journal, books, wait_s=10)
        return books

    def write(self, event: Click, charge: Charge) -> int:
        """Written here, charged there."""
        (receipt,) = self.outbox.accept_now([event], [charge])
        assert self.outbox.waiting == 0
        return receipt.charged_micros


FEWER = settings(max_examples=4, stateful_step_count=25, deadline=None)


@pytest.mark.needs("postgresql")
def test_random_lives_on_postgresql(request: pytest.FixtureRequest) -> None:
    """Every law of the machine."""
    SharedMachine.url = request.getfixturevalue("postgres_books_server").url
    run_state_machine_as_test(SharedMachine, settings=FEWER)


@pytest.mark.needs("redis")
def test_random_lives_on_redis(request: pytest.FixtureRequest) -> None:
    """Every law of the machine."""
    SharedMachine.url = request.getfixturevalue("redis_server").url
    run_state_machine_as_test(SharedMachine, settings=FEWER)
