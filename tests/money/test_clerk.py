"""Laws of the clerk: orders in rounds, refusals at once while the line is down, and back to work when it stands."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from adcascade.errors import InputError, StoreError
from adcascade.money.clerk import Clerk

Order = Callable[[], object]


class Exchange:
    """Where lines end; it can be closed, and counts what came in one round."""

    def __init__(self) -> None:
        self.open, self.dials, self.hung_up = True, 0, 0
        self.rounds: list[int] = []

    def dial(self) -> "Line":
        """A line, where somebody answers."""
        self.dials += 1
        if not self.open:
            raise StoreError("nobody answers")
        return Line(self)


class Line:
    """Carries out what is ordered."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange

    def perform(self, actions: Sequence[Order]) -> list[object]:
        """One after the other."""
        if not self.exchange.open:
            raise StoreError("the line is dead")
        self.exchange.rounds.append(len(actions))
        answers: list[object] = []
        for action in actions:
            try:
                answers.append(action())
            except InputError as error:
                answers.append(error)
        return answers

    def close(self) -> None:
        """Hang up."""
        self.exchange.hung_up += 1


def test_what_is_ordered_meanwhile_is_one_round() -> None:
    """While the clerk speaks orders gather; their answers are their own, errors too."""
    exchange, gate = Exchange(), threading.Event()
    clerk = Clerk("here", exchange.dial)
    first = clerk.order(gate.wait)
    others = [clerk.order(partial(int, number)) for number in range(9)]

    def refuse() -> None:
        raise InputError("field", 1, "two")

    refused = clerk.order(refuse)
    gate.set()
    assert first.result()
    assert [other.result() for other in others] == list(range(9))
    with pytest.raises(InputError, match="expected two"):
        refused.result()
    assert exchange.rounds in ([1, 10], [11])
    clerk.close()
    clerk.close()
    assert exchange.hung_up == 1
    with pytest.raises(StoreError, match="closed"):
        clerk.order(lambda: None)


def test_nobody_waits_for_a_dead_line() -> None:
    """Its orders fail, later ones at once and without a round; when it stands again work goes on by itself."""
    exchange = Exchange()
    clerk = Clerk("there", exchange.dial)
    exchange.open = False
    with pytest.raises(StoreError, match="dead"):
        clerk.order(lambda: None).result()
    with pytest.raises(StoreError, match="the books at there cannot be reached"):
        clerk.order(lambda: None).result(timeout=0)
    assert "dead" in clerk.trouble or "nobody" in clerk.trouble
    dials = exchange.dials
    exchange.open = True
    deadline = time.monotonic() + 10
    while clerk.trouble and time.monotonic() < deadline:
        time.sleep(0.005)
    assert clerk.order(lambda: "back").result() == "back"
    assert exchange.dials > dials
    clerk.close()


def test_a_first_line_that_nobody_answers_is_an_error() -> None:
    """Whoever opens books that are not there is told."""
    exchange = Exchange()
    exchange.open = False
    with pytest.raises(StoreError, match="nobody answers"):
        Clerk("nowhere", exchange.dial)
