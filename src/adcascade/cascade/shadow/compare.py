"""Compare: both bundles on the same impressions, judged by what shoppers did.

Only ads that the serving bundle chose were shown. So ads that it thinks too much of are among them, and those that the
shadow thinks too much of are not: the comparison favours the shadow. Where chance chose the ads there is no such bias;
those impressions are told apart.

    difference  log loss of the shadow less that of the serving bundle, a paired mean over impressions, with an interval
                over requests (experiments/intervals.py): the ads of one page are not independent
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.calibration.maps import Floats
from adcascade.cascade.calibration_curve import SCENARIOS, Curve, curve_of
from adcascade.cascade.live_auc import Period, live_auc
from adcascade.cascade.shadow.record import Own, Shadowed
from adcascade.errors import DataMissingError
from adcascade.events.read import last_seq, read_payloads
from adcascade.events.records import Click, Impression
from adcascade.experiments.intervals import ratio

LOOKED_AT = 300_000  # newest records of the log, of any kind, among which impressions and clicks are looked for
READ = 20_000  # newest requests of the store
EPS = 1e-7  # predictions are kept within [EPS, 1 - EPS], as in metrics/log_loss.py


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Of two log losses, nats an impression, with its 95 % interval; below 0 the shadow is better."""

    value: float
    low: float
    high: float


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The same impressions by both. difference: None for less than two requests."""

    requests: int
    served: Curve
    shadow: Curve
    difference: Difference | None


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """A stage, milliseconds a request, of requests that both answered. served, shadow: None where it has none."""

    stage: str
    served: float | None
    shadow: float | None


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What the shadow would have shown, over requests that the cascade answered.

    kept: of the ads that were shown, the share that it would have shown too; same: of the requests, the share with the
    same ads in the same slots; expected micros: revenue a request, each by its own predictions; stages: mean times, the
    sum last.
    """

    requests: int
    kept: float
    same: float
    served_micros: float
    shadow_micros: float
    stages: tuple[Times, ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Of two bundles. requests: answered by both; elsewhere: answered again, but first by another bundle.

    whole: all impressions; chance: those that chance chose; scenarios: by impressions; answers: None for no request.
    """

    bundle: str
    requests: int
    elsewhere: int
    since_us: int
    alike: float | None  # of pairs of candidates, the share that both put into the same order
    whole: Part
    chance: Part
    scenarios: tuple[Part, ...]
    answers: Answers | None
    periods: tuple[Period, ...]  # AUC of the served predictions, and of the shadow's


class _Seen(NamedTuple):
    """n impressions, in columns."""

    request: NDArray[np.int64]  # [n] number of the request
    time_us: NDArray[np.int64]
    scenario: NDArray[np.str_]
    explored: NDArray[np.bool_]
    served: Floats
    shadow: Floats
    clicked: Floats

    def where(self, chosen: NDArray[np.bool_]) -> "_Seen":
        """Some of them."""
        return _Seen._make(column[chosen] for column in self)


def compared(records: Sequence[Shadowed], seen: set[str], clicked: set[str]) -> Comparison | None:
    """Of records of one shadow, oldest first, and the bids that were seen and clicked; None where there is no record.

    Compared with the bundle that answered most of these requests.
    """
    if not records:
        return None
    (bundle, _), *_ = Counter(one.bundle for one in records).most_common(1)
    mine = [one for one in records if one.bundle == bundle]
    rows = _seen(mine, seen, clicked)
    names, counts = np.unique(rows.scenario, return_counts=True)
    named = [str(names[k]) for k in np.argsort(-counts, kind="stable")[:SCENARIOS] if names[k]]
    orders = [one.alike for one in mine if one.alike is not None]
    return Comparison(
        bundle=bundle,
        requests=len(mine),
        elsewhere=len(records) - len(mine),
        since_us=mine[0].time_us,
        alike=float(np.mean(orders)) if orders else None,
        whole=_part("", rows),
        chance=_part("", rows.where(rows.explored)),
        scenarios=tuple(_part(name, rows.where(rows.scenario == name)) for name in named),
        answers=_answers(mine),
        periods=live_auc(rows.time_us, rows.clicked, rows.served, rows.shadow),
    )


def _seen(records: Iterable[Shadowed], seen: set[str], clicked: set[str]) -> _Seen:
    found = [
        (number, one.time_us, one.scenario, one.own is None, pair.served, pair.shadow, pair.bid_id in clicked)
        for number, one in enumerate(records)
        for pair in one.pairs
        if pair.bid_id in seen and 0 <= pair.served <= 1 and 0 <= pair.shadow <= 1
    ]
    request, time_us, scenario, explored, served, shadow, happened = zip(*found, strict=True) if found else [()] * 7
    return _Seen(
        request=np.array(request, np.int64),
        time_us=np.array(time_us, np.int64),
        scenario=np.array(scenario, np.str_),
        explored=np.array(explored, np.bool_),
        served=np.array(served, np.float64),
        shadow=np.array(shadow, np.float64),
        clicked=np.array(happened, np.float64),
    )


def _part(scenario: str, rows: _Seen) -> Part:
    return Part(
        requests=len(np.unique(rows.request)),
        served=curve_of(scenario, rows.served, rows.clicked),
        shadow=curve_of(scenario, rows.shadow, rows.clicked),
        difference=_difference(rows),
    )


def _difference(rows: _Seen) -> Difference | None:
    number, request = np.unique(rows.request, return_inverse=True)
    if len(number) < 2:
        return None
    apart = _losses(rows.shadow, rows.clicked) - _losses(rows.served, rows.clicked)
    sums, counts = (np.bincount(request, weights).astype(np.float64) for weights in (apart, np.ones_like(apart)))
    found = ratio(sums, counts, np.ones(len(number)), rate=False)
    return Difference(value=found.value, low=found.low, high=found.high)


def _losses(predicted: Floats, clicked: Floats) -> Floats:
    """Nats of each impression [n]."""
    p = np.clip(predicted, EPS, 1 - EPS)
    return np.asarray(-(clicked * np.log(p) + (1 - clicked) * np.log1p(-p)), np.float64)


def _answers(records: Iterable[Shadowed]) -> Answers | None:
    both = [(one, one.own) for one in records if one.own is not None]
    if not both:
        return None
    shown = [len(one.pairs) for one, _ in both]
    kept = [len({pair.ad for pair in one.pairs} & set(own.ads)) for one, own in both]
    same = [[(pair.ad, pair.slot) for pair in one.pairs] == _placed(own) for one, own in both]
    return Answers(
        requests=len(both),
        kept=sum(kept) / sum(shown),
        same=float(np.mean(same)),
        served_micros=float(np.mean([one.expected_micros for one, _ in both])),
        shadow_micros=float(np.mean([own.expected_micros for _, own in both])),
        stages=_stages([one.stage_us for one, _ in both], [own.stage_us for _, own in both]),
    )


def _placed(own: Own) -> list[tuple[int, int]]:
    return list(zip(own.ads, own.slots, strict=True))


def _stages(served: Sequence[dict[str, int]], shadow: Sequence[dict[str, int]]) -> tuple[Times, ...]:
    """Mean times by stage, in the order in which they were met, and their sums."""
    names = dict.fromkeys(name for side in (served, shadow) for one in side for name in one)
    parts = [Times(stage=name, served=_mean_ms(served, name), shadow=_mean_ms(shadow, name)) for name in names]
    sums = [[{"": sum(one.values())} for one in side] for side in (served, shadow)]
    return (*parts, Times(stage="all stages", served=_mean_ms(sums[0], ""), shadow=_mean_ms(sums[1], "")))


def _mean_ms(times: Iterable[dict[str, int]], name: str) -> float | None:
    found = [one[name] for one in times if name in one]
    return sum(found) / len(found) / 1000 if found else None


_decoder = msgspec.msgpack.Decoder(Impression | Click)


def outcomes(journal: Path, most: int = LOOKED_AT) -> tuple[set[str], set[str]]:
    """Bids that were seen and bids that were clicked, among the newest records of the log; none where there is no log.

    StoreError where it cannot be read.
    """
    seen: set[str] = set()
    clicked: set[str] = set()
    try:
        after = max(0, last_seq(journal) - most)
    except DataMissingError:
        return seen, clicked
    for _, payload in islice(read_payloads(journal, after, ("impression", "click")), most):
        record = _decoder.decode(payload)
        (seen if isinstance(record, Impression) else clicked).add(record.bid_id)
    return seen, clicked


def recent(read: Callable[[str, int], Sequence[Shadowed]], journal: Path, shadow: str) -> Comparison | None:
    """Of a shadow's newest requests, as a store reads them, by the newest part of the log."""
    records = read(shadow, READ)
    return compared(records, *outcomes(journal)) if records else None
