"""Outlook: what an operator sees of a running service. It gathers, judges every five seconds, and remembers alarms."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from adcascade.cascade.alarms import Board, Limits, Situation, findings
from adcascade.cascade.overload import Ladder
from adcascade.cascade.spending import Spending
from adcascade.cascade.watch import Watch
from adcascade.errors import StoreError
from adcascade.events.journal import Journal
from adcascade.money.day import day_of
from adcascade.money.reading import FileReader, Reader, Standing
from adcascade.sections import AlarmSettings

LOOK_US = 5_000_000
OVERLOAD_US = 300_000_000
LOST_US = 3_600_000_000
DAY_US = 86_400_000_000
EARLIER = 6  # windows before the last one that a win rate is compared with


class Counted(NamedTuple):
    """Counters at one look."""

    now_us: int
    asked: int
    shed: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How far back the rules look, microseconds."""

    calibration_us: int = 3_600_000_000
    win_us: int = 900_000_000
    audit_us: int = 600_000_000  # between two audits of the ledger; 0: never


class Outlook:
    """The watch, the board, and what is read of the books now and then."""

    def __init__(
        self,
        journal: Journal,
        limits: Limits | None = None,
        windows: Windows | None = None,
        reader: Reader | None = None,
    ) -> None:
        """reader: of the books; None: they lie in the journal's file."""
        self.watch, self.board = Watch(), Board()
        self.standing = Standing()
        self.differences = 0
        self._journal = journal
        self._reader: Reader = reader or FileReader(journal.path)
        self._limits, self._windows = limits or Limits(), windows or Windows()
        self._counted: deque[Counted] = deque()
        self._looked_us = self._stood_us = 0
        self._audited_us: int | None = None

    def prepare(self, now_us: int) -> None:
        """Read the books where that is due; slow, beside the requests."""
        if now_us - self._stood_us < LOOK_US:
            return
        self._stood_us = now_us
        every, reader = self._windows.audit_us, self._reader
        if self._audited_us is None:
            self._audited_us = now_us  # the first audit comes when a server has settled
        due = bool(every) and now_us - self._audited_us >= every
        try:
            if due or reader.quick:
                self.standing = reader.standing(day_of(now_us))
            if due:
                self._audited_us = now_us
                self.differences = len(reader.differences())
        except StoreError:
            if self._journal.healthy and not reader.trouble:
                raise
            # books that cannot be read are an alarm of their own

    def look(self, now_us: int, ladder: Ladder, spent: Spending, absent: Sequence[str] = (), shadow: str = "") -> None:
        """Judge, at most every five seconds. absent: shards that cannot be asked, as sentences; shadow: its trouble."""
        if now_us - self._looked_us < LOOK_US:
            return
        self._looked_us = now_us
        situation = replace(self.situation(now_us, ladder, spent), absent=tuple(absent), shadow=shadow)
        self.board.look(findings(situation, self._limits), now_us)

    def situation(self, now_us: int, ladder: Ladder, spent: Spending) -> Situation:
        """What the rules look at now."""
        windows, watch = self._windows, self.watch
        self._counted.append(Counted(now_us, ladder.asked, ladder.shed, self._journal.lost))
        while self._counted[0].now_us < now_us - LOST_US:
            self._counted.popleft()
        began = next(one for one in self._counted if one.now_us >= now_us - OVERLOAD_US)
        return Situation(
            calibration=watch.window(now_us, windows.calibration_us),
            day=watch.window(now_us, DAY_US),
            recent=watch.window(now_us, windows.win_us),
            earlier=watch.window(now_us, EARLIER * windows.win_us, before_us=windows.win_us),
            ahead=spent.ahead,
            behind=spent.behind,
            asked=ladder.asked - began.asked,
            shed=ladder.shed - began.shed,
            trouble=self._journal.trouble or self._reader.trouble,
            lost=self._journal.lost - self._counted[0].lost,
            differences=self.differences,
        )


def outlook_of(
    journal: Journal, settings: AlarmSettings, *, audits: bool = True, reader: Reader | None = None
) -> Outlook:
    """With the thresholds of adcascade.toml. audits: whether this process recomputes the ledger, as one of all does."""
    limits = Limits(
        surprise=settings.surprise,
        calibration_ratio=settings.calibration_ratio,
        win_ratio=settings.win_ratio,
        overspend=settings.overspend,
        underspend=settings.underspend,
        overload_share=settings.overload_share,
    )
    windows = Windows(
        calibration_us=round(settings.calibration_s * 1e6),
        win_us=round(settings.win_s * 1e6),
        audit_us=round(settings.audit_s * 1e6) if audits else 0,
    )
    return Outlook(journal, limits, windows, reader)
