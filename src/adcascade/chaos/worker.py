"""A worker: one server process without its models. It promises, seals, takes events and acknowledges, until killed.

Shoppers are played as well: most report at once, some at another worker, some twice, late, again after a while, under
a second id, or with an altered token. What is acknowledged is noted in a file that outlives the process.
"""

import asyncio
import os
import random
from collections import deque
from collections.abc import Sequence

import numpy as np

from adcascade.cascade.answer import IncomingEvent
from adcascade.cascade.till import Checked, Till
from adcascade.chaos.world import Plan, World
from adcascade.contracts import Candidates
from adcascade.errors import CallerError
from adcascade.events.journal import Journal
from adcascade.events.receipt import Receipt
from adcascade.events.token import Signer
from adcascade.money.bank import Bank
from adcascade.money.books import Transfer
from adcascade.money.cashier import Cashier
from adcascade.money.opening import open_books, open_cashier

KEY = b"a key for trials, and no secret"
SLOTS = 100  # ads of one answer
TASKS = 6  # answers at the same time
KEEP_S = 0.25  # between two rounds of upkeep
IDLE_S = 0.005  # when there was nothing to report
PIPE_BYTES = 4096  # that a pipe takes whole or not at all


class Worker:
    """One life of one worker. mail: (reading end, writing end) of the pipe of every worker, by number."""

    def __init__(self, plan: Plan, world: World, number: int, life: int, mail: Sequence[tuple[int, int]]) -> None:
        self.plan, self.world, self.number, self.mail = plan, world, number, mail
        self.chance = random.Random(f"{plan.seed} {number} {life}")  # noqa: S311  not a secret
        self.skew_s = self.chance.uniform(-plan.skew_s, plan.skew_s)
        self.name = f"{number}.{life}"
        self.answers = 0
        self.hoard: deque[tuple[int, IncomingEvent]] = deque()  # to be reported from this time on
        self.rest = b""  # of the mail
        self.acks = os.open(plan.acks(number, life), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.set_blocking(mail[number][0], False)
        journal = Journal(plan.journal(number), commit_every_ms=5)
        self.books = open_books(plan.url, journal)
        self.cashier: Cashier = open_cashier(plan.url, journal, self.books)
        now_us = self.now_us()
        self.bank = Bank(self.books, world.budgets(), now_us, config=plan.bank(), owner=f"worker-{number}")
        self.till = Till(self.bank, Signer(KEY), world.snapshot(), self.now_us, wait=False)
        prices = zip(world.campaigns, world.prices, strict=True)
        self.bank.prepare([(campaign.id, price) for campaign, price in prices], now_us)

    def now_us(self) -> int:
        """This machine's clock, which is wrong by its skew."""
        return self.plan.now_us(self.skew_s)

    async def live(self) -> None:
        """Work until killed."""
        await asyncio.gather(self.keep(), *(self.browse() for _ in range(TASKS)))

    async def browse(self) -> None:
        """Answer and take events, over and over."""
        while True:
            reported = [*self.page(), *self.received(), *self.remembered()]
            checked = [one for one in map(self.checked, reported) if one is not None]
            if checked:
                self.note(checked, await self.accept(checked))
            else:
                await asyncio.sleep(IDLE_S)

    async def accept(self, checked: Sequence[Checked]) -> list[Receipt]:
        """Write and charge."""
        return await self.cashier.accept([one.record for one in checked], [one.charge for one in checked])

    async def keep(self) -> None:
        """What a server's upkeep does every second of its life."""
        while True:
            await asyncio.sleep(KEEP_S)
            now_us = self.now_us()
            self.bank.release_expired(now_us)
            self.cashier.drain(now_us)
            self.fill_wallets(now_us)

    def fill_wallets(self, now_us: int) -> None:
        """Every prepaid advertiser pays in once a day; all workers order it, and it is booked once."""
        day = now_us // self.plan.day_us
        for advertiser, micros in self.world.prepaid():
            if self.chance.random() < 0.1:
                order = Transfer(
                    id=f"{advertiser} on {day}", kind="top_up", advertiser=advertiser, micros=micros, time_us=now_us
                )
                self.books.transfer(order)  # while the books are away it is ordered again the next time

    def page(self) -> list[IncomingEvent]:
        """Fill a page, and what its shoppers report of it at once."""
        self.answers += 1
        auction = f"{self.name}.{self.answers}"
        now_us = self.now_us()
        winners = self.winners()
        reservations = self.till.hold(winners, auction, now_us)
        events = []
        for place, held in enumerate(reservations):
            if held is None:
                continue
            fate = self.chance.random()
            if fate < 0.04:
                self.bank.release(held.bid_id)
            elif fate < 0.94:
                token = self.till.seal(
                    int(winners.ad[place]), int(winners.slot[place]), int(winners.creative[place]), held
                )
                events += self.reports(token, held.bid_id, int(winners.ad[place]), held.expires_us, now_us)
        return events

    def winners(self) -> Candidates:
        """Ads of campaigns drawn by chance, at their campaigns' prices."""
        rows = np.array(self.chance.choices(range(len(self.world.campaigns)), k=SLOTS), np.int32)
        return Candidates(
            **{
                name: getattr(Candidates.of(rows), name)
                for name in ("score", "ctr", "cvr", "bid", "ecpm", "creative", "propensity")
            },
            ad=rows,
            slot=np.arange(SLOTS, dtype=np.int32),
            price=np.array([self.world.prices[row] for row in rows.tolist()], np.int64),
        )

    def reports(self, token: str, bid: str, row: int, expires_us: int, now_us: int) -> list[IncomingEvent]:
        """What the shopper reports now; what comes later is hoarded, or posted to another worker."""
        kind = self.world.campaigns[row].billing
        event = IncomingEvent(id=bid, kind=kind, token=token, time_us=now_us)
        again = IncomingEvent(id=f"{bid}+", kind=kind, token=token, time_us=now_us)
        fate = self.chance.random()
        if fate < 0.12:
            self.post(f"{kind} {bid} {token}\n")
            return [] if fate < 0.10 else [event]
        if fate < 0.15:
            self.hoard.append((expires_us - self.plan.day_us // 100, event))  # just in time, or just too late
            return []
        if fate < 0.17:
            return [IncomingEvent(id=bid, kind=kind, token=token[:-1] + "!", time_us=now_us)]
        if fate < 0.23:
            return [event, event]
        if fate < 0.29:
            self.hoard.append((now_us + self.plan.day_us // 30, event if fate < 0.26 else again))
        return [event]

    def post(self, line: str) -> None:
        """Send a report to a worker drawn by chance; where its box is full it is lost, as reports are."""
        if len(self.mail) == 1:
            return
        other = self.chance.randrange(len(self.mail) - 1)
        box = self.mail[other + (other >= self.number)][1]
        try:
            os.write(box, line.encode())
        except BlockingIOError:
            return

    def received(self) -> list[IncomingEvent]:
        """Reports of answers that other workers gave."""
        try:
            raw = self.rest + os.read(self.mail[self.number][0], PIPE_BYTES)
        except BlockingIOError:
            return []
        *lines, self.rest = raw.split(b"\n")
        words = [line.decode().split(" ") for line in lines]
        now_us = self.now_us()
        return [
            IncomingEvent(
                id=parts[1], kind="click" if parts[0] == "click" else "impression", token=parts[2], time_us=now_us
            )
            for parts in words
            if len(parts) == 3  # whoever was killed while it read has left half a line
        ]

    def remembered(self) -> list[IncomingEvent]:
        """Reports whose time has come."""
        now_us = self.now_us()
        due: list[IncomingEvent] = []
        while self.hoard and len(due) < SLOTS and self.hoard[0][0] <= now_us:
            due.append(self.hoard.popleft()[1])
        return due

    def checked(self, event: IncomingEvent) -> Checked | None:
        """None for what the till refuses: forged, or from the future."""
        try:
            return self.till.check(event)
        except CallerError:
            return None

    def note(self, checked: Sequence[Checked], receipts: Sequence[Receipt]) -> None:
        """Settle, and acknowledge: from here on nothing of it may be lost."""
        for one, receipt in zip(checked, receipts, strict=True):
            self.till.settle(one, receipt)
        lines = [f"{receipt.charged_micros} {one.record.id}\n" for one, receipt in zip(checked, receipts, strict=True)]
        os.write(self.acks, "".join(lines).encode())


def run(worker: Worker) -> None:
    """The whole life of the process."""
    asyncio.run(worker.live())
