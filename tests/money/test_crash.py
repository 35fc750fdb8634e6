"""Killed at any instant: what was acknowledged is on disk once and charged once, and no budget is overspent."""

import random
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from adcascade.events.journal import Journal
from adcascade.money.bank import Bank, Budget
from adcascade.money.ledger import Ledger

DAILY = 30_000
BUDGET = Budget(daily=DAILY, total=50_000)
PRICE = 7

CHILD = """
import sys
from collections import deque
from adcascade.events.journal import Journal
from adcascade.events.records import Click
from adcascade.money.bank import Bank, Budget
from adcascade.money.charge import Charge
from adcascade.money.ledger import Ledger

path, round_number = sys.argv[1:]
journal = Journal(path, commit_every_ms=1)
bank = Bank(Ledger(journal), {"c": Budget(daily=30_000, total=50_000)}, 0)
waiting = deque()
number = 0
while True:
    number += 1
    bid = f"{round_number}-{number}"
    promise = bank.reserve("c", bid, 7, 0, wait=True)
    charge = None if promise is None else Charge(bid, "c", promise.lease, 7, promise.expires_us)
    for twice in range(2):  # a client that repeats every event
        waiting.append((bid, journal.submit(Click(id=bid, time_us=0, bid_id=bid), charge)))
    while len(waiting) > 200:
        bid, future = waiting.popleft()
        receipt = future.result()
        print(bid, receipt.status, receipt.charged_micros, flush=True)
"""


def run_and_kill(path: Path, round_number: int, after_s: float) -> list[tuple[str, str, int]]:
    """The child's acknowledgements up to the moment of its death."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(path), str(round_number)], stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]  # it works
        time.sleep(after_s)
        child.kill()
        lines += child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL
    whole = [line.split() for line in lines if line.endswith("\n")]
    return [(bid, status, int(charged)) for bid, status, charged in whole]


def test_sigkill_loses_nothing_acknowledged_and_charges_nothing_twice(tmp_path: Path) -> None:
    """Over several lives of a process, each killed without warning, on one file."""
    path = tmp_path / "log.db"
    waits = random.Random(7)
    acknowledged: list[tuple[str, str, int]] = []
    for round_number in range(5):
        acknowledged += run_and_kill(path, round_number, waits.uniform(0, 0.15))
    with Journal(path) as journal:
        ledger = Ledger(journal)
        logged = [record.id for _, record in journal.read()]
        charges = {row["bid_id"]: row["micros"] for row in ledger.charges()}
        assert len(logged) == len(set(logged))
        assert {bid for bid, _, _ in acknowledged} <= set(logged)
        assert all(charges[bid] == charged for bid, _, charged in acknowledged if charged)
        assert set(charges) <= set(logged)
        assert set(charges.values()) == {PRICE}
        assert ledger.verify() == []
        assert ledger.spent("c") == PRICE * len(charges) <= DAILY
        successor = Bank(ledger, {"c": BUDGET}, 0)
        free = successor.spendable("c", 0)
        leased = sum(row["leased"] for row in ledger.report())
        assert free == DAILY - leased - ledger.spent("c")


def limit_file_size() -> None:
    """In the child: a write beyond 200 kB fails, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


FULL = """
import sys
from adcascade.errors import StoreError
from adcascade.events.journal import Journal
from adcascade.events.records import Click

journal = Journal(sys.argv[1])
for number in range(10_000):
    try:
        journal.append([Click(id=f"{number}-" + "x" * 500, time_us=0, bid_id="b")])
    except StoreError as error:
        print("refused", number, journal.healthy, flush=True)
        break
    print("accepted", number, flush=True)
journal.close()
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="this system cannot limit a file's size")
def test_a_disk_that_really_fills_refuses_and_keeps_what_it_had(tmp_path: Path) -> None:
    """The operating system refuses a write: the record that met it is refused, all acknowledged before are there."""
    path = tmp_path / "log.db"
    answer = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, preexec_fn=limit_file_size, check=True
    )
    lines = [line.split() for line in answer.stdout.splitlines()]
    accepted = [int(line[1]) for line in lines if line[0] == "accepted"]
    assert lines[-1] == ["refused", str(len(accepted)), "False"]
    assert len(accepted) > 5
    with Journal(path) as journal:
        assert [record.id.partition("-")[0] for _, record in journal.read()] == [str(number) for number in accepted]
