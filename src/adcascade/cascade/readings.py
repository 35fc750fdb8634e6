"""Readings: the numbers of a running service that Prometheus scrapes; names, meanings and values in one place.

Labels are stages, rungs, reasons of ours and scenarios that the bundle has learned; no caller can add one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from adcascade.cascade.outlook import Outlook
from adcascade.cascade.overload import RUNGS, Ladder
from adcascade.cascade.sharding.fan import Fan
from adcascade.cascade.spending import Spending
from adcascade.cascade.tally import Tally
from adcascade.cascade.watch import Sums
from adcascade.events.journal import Journal

HOUR_US = 3_600_000_000


class Metric(NamedTuple):
    """What a metric is called and means. labels: their names."""

    name: str
    kind: Literal["counter", "gauge"]
    meaning: str
    labels: tuple[str, ...] = ()


class Reading(NamedTuple):
    """One value of a metric."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


AUCTIONS = Metric("adcascade_auctions", "counter", "Requests that the engine answered, with or without ads")
FILLED = Metric("adcascade_ads_served", "counter", "Ads in those answers")
EXPLORED = Metric("adcascade_explored", "counter", "Answers by chance, for learning")
EMPTY = Metric("adcascade_empty_answers", "counter", "Answers of the engine without an ad", ("reason",))
CUTS = Metric("adcascade_stage_cuts", "counter", "Stages that did not do all their work", ("stage", "reason"))
CANDIDATES = Metric("adcascade_stage_candidates", "counter", "Candidates that entered and left", ("stage", "side"))
CHARGED = Metric("adcascade_charged_micros", "counter", "Money charged by events of this process")
SPENT = Metric("adcascade_paced_spent_micros", "gauge", "Spent today by campaigns whose daily budget is spread")
BUDGET = Metric("adcascade_paced_budget_micros", "gauge", "Daily budgets of those campaigns")
USED = Metric("adcascade_budget_utilisation", "gauge", "Share of those budgets that is spent")
PACING = Metric("adcascade_pacing_error", "gauge", "Spent less due by the day's plan, share of those budgets")
LEASED = Metric("adcascade_ledger_leased_micros", "gauge", "Taken from today's budgets and not charged")
BOOKED = Metric("adcascade_ledger_charged_micros", "gauge", "Charged today, of all processes")
DIFFERENCES = Metric("adcascade_ledger_differences", "gauge", "Balances that differ from their bookings, last audit")
PROMISES = Metric("adcascade_promises_open", "gauge", "Served ads whose price is reserved")
WAITING = Metric("adcascade_journal_waiting", "gauge", "Records that wait for the disk")
LOST = Metric("adcascade_journal_lost", "counter", "Records that nobody waited for and that the disk refused")
HEALTHY = Metric("adcascade_journal_healthy", "gauge", "1 while the last commit reached the disk")
WIN_RATE = Metric("adcascade_win_rate", "gauge", "Impressions over answered ads, last hour", ("scenario",))
PCOC = Metric("adcascade_pcoc", "gauge", "Predicted clicks over clicks, last hour", ("scenario",))
PREDICTED = Metric("adcascade_predicted_clicks", "gauge", "Clicks predicted of impressions, last hour", ("scenario",))
CLICKS = Metric("adcascade_observed_clicks", "gauge", "Clicks on ads that a model chose, last hour", ("scenario",))
LIVE = Metric("adcascade_live_calibration_factor", "gauge", "What the serving bundle's probabilities are multiplied by")
LAG = Metric("adcascade_event_lag_seconds", "gauge", "From an event's time until it is on disk, mean of the last hour")
RUNG = Metric("adcascade_ladder_rung", "gauge", "Rung of the overload ladder; 0: all work is done")
CLIMBED = Metric("adcascade_ladder_climbed", "counter", "Times that a rung was reached from below", ("rung",))
DECLINED = Metric("adcascade_declined", "counter", "Requests declined before any work", ("reason",))
SHED = Metric("adcascade_shed", "counter", "Requests met by a shortened cascade or declined")
ADS = Metric("adcascade_catalog_ads", "gauge", "Rows of the serving catalog")
SNAPSHOT = Metric("adcascade_snapshot_version", "gauge", "Version of the catalog that serves")
SNAPSHOT_AGE = Metric("adcascade_snapshot_age_seconds", "gauge", "Since the snapshot was last found up to date")
SHARD_UP = Metric("adcascade_shard_up", "gauge", "1 while the shard can be asked", ("shard",))
SHARD_ASKED = Metric(
    "adcascade_shard_questions", "counter", "Questions to the shard by how they ended", ("shard", "outcome")
)
SHADOW = Metric(
    "adcascade_shadow_requests", "counter", "Requests chosen for the shadow bundle by how they ended", ("outcome",)
)
ALARM = Metric("adcascade_alarm", "gauge", "1 while an alarm is up", ("name", "scenario"))

METRICS = (
    AUCTIONS,
    FILLED,
    EXPLORED,
    EMPTY,
    CUTS,
    CANDIDATES,
    CHARGED,
    SPENT,
    BUDGET,
    USED,
    PACING,
    LEASED,
    BOOKED,
    DIFFERENCES,
    PROMISES,
    WAITING,
    LOST,
    HEALTHY,
    WIN_RATE,
    PCOC,
    PREDICTED,
    CLICKS,
    LIVE,
    LAG,
    RUNG,
    CLIMBED,
    DECLINED,
    SHED,
    ADS,
    SNAPSHOT,
    SNAPSHOT_AGE,
    SHARD_UP,
    SHARD_ASKED,
    SHADOW,
    ALARM,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the numbers of one service stand."""

    tally: Tally
    outlook: Outlook
    ladder: Ladder
    journal: Journal
    spending: Spending
    promises: int
    live_factor: float
    ads: int
    snapshot: int  # its version
    followed_us: int  # when the snapshot was last found up to date
    shards: Fan | None = None
    shadowed: Mapping[str, int] = field(default_factory=dict)  # requests by how they ended; empty: nothing can shadow


def readings(service: Sources, now_us: int) -> Iterator[Reading]:
    """Every reading of the service; a metric with labels may have none or several."""
    yield from _answers(service)
    yield from _money(service)
    yield from _scenarios(service, now_us)
    yield from _overload(service)
    yield from _state(service, now_us)


def _of(metric: Metric, value: float, *labels: str) -> Reading:
    return Reading(metric, labels, value)


def _answers(service: Sources) -> Iterator[Reading]:
    tally = service.tally
    yield _of(AUCTIONS, tally.requests)
    yield _of(FILLED, tally.winners)
    yield _of(EXPLORED, tally.explored)
    yield from (_of(EMPTY, count, reason) for reason, count in tally.no_bid.items())
    cuts: dict[tuple[str, str], int] = {}
    for told, count in tally.cuts.items():
        stage, _, why = told.partition(": ")
        key = stage, why.partition(":")[0]
        cuts[key] = cuts.get(key, 0) + count
    yield from (_of(CUTS, count, *key) for key, count in cuts.items())
    for stage in tally.stage_in:
        yield _of(CANDIDATES, tally.stage_in[stage], stage, "in")
        yield _of(CANDIDATES, tally.stage_out[stage], stage, "out")


def _money(service: Sources) -> Iterator[Reading]:
    spent, standing = service.spending, service.outlook.standing
    yield _of(CHARGED, service.tally.charged_micros)
    yield _of(SPENT, spent.spent)
    yield _of(BUDGET, spent.budget)
    yield _of(USED, spent.spent / spent.budget if spent.budget else 0.0)
    yield _of(PACING, spent.error)
    yield _of(LEASED, standing.leased)
    yield _of(BOOKED, standing.charged)
    yield _of(DIFFERENCES, service.outlook.differences)
    yield _of(PROMISES, service.promises)


def _scenarios(service: Sources, now_us: int) -> Iterator[Reading]:
    whole = Sums()
    for scenario, sums in service.outlook.watch.window(now_us, HOUR_US).items():
        whole += sums
        if sums.bids:
            yield _of(WIN_RATE, sums.seen / sums.bids, scenario)
        if sums.clicks:
            yield _of(PCOC, sums.predicted / sums.clicks, scenario)
        yield _of(PREDICTED, sums.predicted, scenario)
        yield _of(CLICKS, sums.clicks, scenario)
    yield _of(LAG, whole.lag_us / whole.events / 1e6 if whole.events else 0.0)
    yield _of(LIVE, service.live_factor)


def _overload(service: Sources) -> Iterator[Reading]:
    ladder = service.ladder
    yield _of(RUNG, ladder.rung)
    yield from (_of(CLIMBED, ladder.climbed[rung], str(rung)) for rung in range(1, len(RUNGS)))
    yield from (_of(DECLINED, count, reason) for reason, count in ladder.declined.items())
    yield _of(SHED, ladder.shed)


def _state(service: Sources, now_us: int) -> Iterator[Reading]:
    journal = service.journal
    yield _of(WAITING, journal.waiting)
    yield _of(LOST, journal.lost)
    yield _of(HEALTHY, journal.healthy)
    yield _of(ADS, service.ads)
    yield _of(SNAPSHOT, service.snapshot)
    yield _of(SNAPSHOT_AGE, max(0, now_us - service.followed_us) / 1e6)
    if service.shards is not None:
        yield from (_of(SHARD_UP, 1, shard) for shard in service.shards.present)
        yield from (_of(SHARD_ASKED, count, *key) for key, count in service.shards.counts.items())
    yield from (_of(SHADOW, count, end) for end, count in service.shadowed.items())
    yield from (_of(ALARM, 1, one.finding.name, one.finding.scenario) for one in service.outlook.board.up)
