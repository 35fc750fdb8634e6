"""Laws of the outbox: what is on this disk is charged once, whatever happens between the disk and the books."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from adcascade.errors import InternalError, StoreError
from adcascade.events.journal import Journal
from adcascade.events.receipt import Receipt
from adcascade.events.records import Click
from adcascade.money.charge import Charge
from adcascade.money.ledger import Ledger
from adcascade.money.outbox import Outbox
from adcascade.money.terms import Budget

FAR = 10**15
SECOND = 1_000_000


class Distant:
    """Books in another file, whose line can be cut before or after they have heard."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "books.db", commit_every_ms=0)
        self.ledger = Ledger(self.journal)
        self.ledger.set_budgets({"c": Budget(total=100, advertiser="a")}, 0).result()
        self.cut = ""  # "before": they hear nothing, "after": they answer nobody, "silent": nobody comes back
        self.promise = "durable"

    @property
    def trouble(self) -> str:
        """What is wrong with the line."""
        return self.cut

    def charge(self, charges: Sequence[Charge]) -> "Future[list[Receipt]]":
        """Charge, where the line allows."""
        answer: Future[list[Receipt]] = Future()
        if self.cut != "before":
            receipts = self.ledger.charge(charges).result()
            if not self.cut:
                answer.set_result(receipts)
                return answer
        if self.cut != "silent":
            answer.set_exception(StoreError("the line is cut"))
        return answer


@pytest.fixture
def distant(tmp_path: Path) -> Iterator[Distant]:
    """Books elsewhere."""
    books = Distant(tmp_path)
    yield books
    books.journal.close()


def click(number: int, bid: str = "") -> tuple[Click, Charge]:
    """An event and what it costs."""
    bid = bid or f"b{number}"
    return Click(id=f"e{number}", time_us=number, bid_id=bid), Charge(bid, "c", 0, 10, FAR, number)


def accept(outbox: Outbox, *numbers: int) -> list[Receipt]:
    """Clicks of these numbers."""
    events = [click(number) for number in numbers]
    return outbox.accept_now([record for record, _ in events], [charge for _, charge in events])


def test_an_event_is_acknowledged_with_its_charge(journal: Journal, distant: Distant) -> None:
    """Receipts as the journal's own: charged, unbilled, a duplicate, refused; nothing is left in the outbox."""
    outbox = Outbox(journal, distant)
    (record, charge), (other, _) = click(1), click(2)
    again = Click(id="e3", time_us=3, bid_id="b1")
    receipts = outbox.accept_now([record, record, other, again], [charge, charge, None, charge])
    assert receipts == [
        Receipt("accepted", 10),
        Receipt("duplicate"),
        Receipt("accepted"),
        Receipt("accepted", 0, "already charged"),
    ]
    assert outbox.waiting == outbox.uncollected == 0
    assert journal.last_seq == 3
    assert asyncio.run(outbox.accept([click(4)[0]], [click(4)[1]])) == [Receipt("accepted", 10)]


@pytest.mark.parametrize("cut", ["before", "after", "silent"])
def test_what_could_not_be_charged_is_charged_once_when_the_line_stands_again(
    journal: Journal, distant: Distant, cut: str
) -> None:
    """Whether the books had heard or not: the event is acknowledged as pending, and later charged once."""
    outbox = Outbox(journal, distant, wait_s=0.05)
    distant.cut = cut
    assert accept(outbox, 1, 2) == [Receipt("accepted", 0, "charge pending")] * 2
    assert outbox.waiting == 2
    distant.cut = ""
    fresh = Outbox(journal, distant)  # the process died, another takes over
    assert fresh.drain_all() == 2
    assert (fresh.waiting, distant.ledger.spent("c")) == (0, 20)
    assert journal.query("SELECT micros, reason FROM receipts") == [(10, "")] * 2
    assert distant.ledger.verify() == []


def test_a_round_of_upkeep_collects_what_is_due_and_tells_it_once(journal: Journal, distant: Distant) -> None:
    """`drain` waits for nothing, asks for nothing young, and hands over each late receipt once."""
    outbox = Outbox(journal, distant, wait_s=0.05)
    distant.cut = "before"
    accept(outbox, 1)
    distant.cut = ""
    assert outbox.drain(SECOND // 2) == []
    assert outbox.waiting == 1
    assert outbox.drain(2 * SECOND) == []
    journal.flush()
    collected = outbox.drain(2 * SECOND)
    assert [(each.charge.bid_id, each.receipt.charged_micros) for each in collected] == [("b1", 10)]
    assert outbox.drain(2 * SECOND) == []


def test_a_slow_answer_comes_late_and_is_told(journal: Journal, distant: Distant) -> None:
    """Books that answer after the bound: the event was acknowledged as pending, the outcome is handed over."""
    answers: list[Future[list[Receipt]]] = []

    class Slow(Distant):
        def __init__(self) -> None:
            self.cut, self.promise = "", "durable"

        def charge(self, charges: Sequence[Charge]) -> "Future[list[Receipt]]":
            answers.append(Future())
            return answers[-1]

    outbox = Outbox(journal, Slow(), wait_s=0.01)
    began = time.monotonic()
    assert accept(outbox, 1)[0].reason == "charge pending"
    assert time.monotonic() - began < 5
    answers[0].set_result([Receipt("accepted", 10)])
    journal.flush()
    assert [each.receipt.charged_micros for each in outbox.drain(0)] == [10]


def test_what_the_books_refuse_is_counted(journal: Journal, distant: Distant) -> None:
    """Money that was promised and is not there: accepted, not charged, reported as uncollected."""
    outbox = Outbox(journal, distant)
    receipts = accept(outbox, *range(12))
    assert [receipt.charged_micros for receipt in receipts] == [10] * 10 + [0] * 2
    assert receipts[-1].reason == "the budget is used up"
    assert (outbox.uncollected, outbox.uncollected_micros) == (2, 20)
    assert outbox.status()["uncollected"] == 2


def test_a_machine_keeps_its_name_and_no_two_share_one(tmp_path: Path, distant: Distant) -> None:
    """The books call the same event id of two machines two events."""
    names = []
    for name in ("one.db", "two.db", "one.db"):
        with Journal(tmp_path / name) as journal:
            outbox = Outbox(journal, distant)
            names.append(outbox.machine)
            outbox.accept_now(*zip(*[click(1)], strict=True))
    assert names[0] == names[2] != names[1]
    assert distant.ledger.spent("c") == 10


def test_our_own_mistakes_are_not_taken_for_a_dead_line(journal: Journal, distant: Distant) -> None:
    """An order that fails inside the books is raised, and its event stays to be charged."""

    def broken(charges: Sequence[Charge]) -> "Future[list[Receipt]]":
        answer: Future[list[Receipt]] = Future()
        answer.set_exception(InternalError("a wrong number"))
        return answer

    outbox = Outbox(journal, distant)
    distant.charge = broken  # type: ignore[method-assign]
    with pytest.raises(InternalError, match="a wrong number"):
        accept(outbox, 1)
    assert outbox.waiting == 1
