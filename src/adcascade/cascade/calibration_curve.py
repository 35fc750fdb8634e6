"""Calibration curve: what the newest answers of a bundle promised against what shoppers did, by scenario.

    predicted   P(click) of the winner in its slot, as it was served (live factor included)
    observed    whether the impression was clicked
    a point     (mean predicted, clicks / impressions) of one of BINS bins of equal mass

Only the newest records of the log are read, so that the answer costs the same on any log. An impression whose request
lies before them is left out; a click that is still to come is missing, which lowers the newest rates a little.
"""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np

from adcascade.calibration.maps import Floats
from adcascade.cascade.live_auc import Period, live_auc
from adcascade.events.read import last_seq, read_payloads
from adcascade.metrics.auc import auc
from adcascade.metrics.ece import by_mass, ece
from adcascade.metrics.log_loss import log_loss
from adcascade.metrics.pcoc import pcoc

BINS = 10
RECORDS = 20_000  # of the log that are looked at, of any kind
SCENARIOS = 12  # with the most impressions; the others are only in the whole


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A bin: mean of the predictions, clicks over impressions, and how many of both."""

    predicted: float
    observed: float
    impressions: int
    clicks: int


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario; "": all traffic. None: undefined, as without any click."""

    scenario: str
    impressions: int
    clicks: int
    auc: float | None = None
    log_loss: float | None = None
    pcoc: float | None = None
    ece: float | None = None
    points: tuple[Point, ...] = ()  # by rising prediction


class Curves(msgspec.Struct, frozen=True, kw_only=True):
    """Of one bundle: all traffic first, then scenarios by impressions. records: that were read; since_us: the oldest
    answer of the bundle among them, None where there is none."""

    records: int
    answers: int
    since_us: int | None = None
    curves: tuple[Curve, ...] = ()
    periods: tuple[Period, ...] = ()  # AUC by hour or day of the answer


class _Won(msgspec.Struct):
    bid_id: str
    slot_ctr: float


class _Auction(msgspec.Struct, tag="auction"):
    time_us: int
    scenario: str
    winners: list[_Won]
    bundle: str = ""


class _Impression(msgspec.Struct, tag="impression"):
    bid_id: str


class _Click(msgspec.Struct, tag="click"):
    bid_id: str


_DECODER = msgspec.msgpack.Decoder(_Auction | _Impression | _Click)  # the fields needed of events/records.py


def curve_of(scenario: str, predicted: Floats, clicked: Floats) -> Curve:
    """The curve of predictions [n] and clicks [n] in {0, 1}; n = 0: no point."""
    n, clicks = len(predicted), int(clicked.sum())
    if n == 0:
        return Curve(scenario=scenario, impressions=0, clicks=0)
    place = by_mass(predicted, BINS)
    impressions, promised, came = (np.bincount(place, weight, BINS) for weight in (np.ones(n), predicted, clicked))
    points = tuple(
        Point(
            predicted=float(promised[k] / impressions[k]), observed=float(came[k] / impressions[k]),
            impressions=int(impressions[k]), clicks=int(came[k]),
        )
        for k in np.flatnonzero(impressions)
    )  # fmt: skip
    both = 0 < clicks < n
    return Curve(
        scenario=scenario,
        impressions=n,
        clicks=clicks,
        auc=float(auc(clicked, predicted)) if both else None,
        log_loss=float(log_loss(clicked, predicted)),
        pcoc=pcoc(clicked, predicted) if clicks else None,
        ece=ece(clicked, predicted, bins=BINS),
        points=points,
    )


def curves_of(payloads: Iterable[bytes], bundle: str) -> Curves:
    """From records in msgpack: auctions, impressions and clicks, in order of arrival or not."""
    promised: dict[str, tuple[str, int, float]] = {}  # bid -> scenario, when it was answered, predicted
    seen: dict[str, None] = {}  # in order, each once
    clicked: set[str] = set()
    records, answers, since_us = 0, 0, None
    for payload in payloads:
        records += 1
        record = _DECODER.decode(payload)
        if isinstance(record, _Impression):
            seen[record.bid_id] = None
        elif isinstance(record, _Click):
            clicked.add(record.bid_id)
        elif record.bundle == bundle:
            answers += 1
            since_us = record.time_us if since_us is None else min(since_us, record.time_us)
            promised.update((one.bid_id, (record.scenario, record.time_us, one.slot_ctr)) for one in record.winners)
    known = [(*promised[bid], bid in clicked) for bid in seen if bid in promised]
    known = [one for one in known if 0 <= one[2] <= 1]  # an answer by chance may promise nothing
    scenario = np.array([one[0] for one in known], np.str_)
    time_us = np.array([one[1] for one in known], np.int64)
    predicted, happened = np.array([one[2:] for one in known], np.float64).reshape(-1, 2).T
    names, counts = np.unique(scenario, return_counts=True)
    named = [str(names[k]) for k in np.argsort(-counts, kind="stable")[:SCENARIOS] if names[k]]
    parts = [curve_of(name, predicted[scenario == name], happened[scenario == name]) for name in named]
    return Curves(
        records=records, answers=answers, since_us=since_us, curves=(curve_of("", predicted, happened), *parts),
        periods=live_auc(time_us, happened, predicted),
    )  # fmt: skip


def recent_curves(journal: Path, bundle: str, records: int = RECORDS) -> Curves:
    """From the newest `records` of a journal's file. DataMissingError: there is none; StoreError: it is unreadable."""
    after = max(0, last_seq(journal) - records)
    read = read_payloads(journal, after, ("auction", "impression", "click"))
    return curves_of((payload for _, payload in islice(read, records)), bundle)
