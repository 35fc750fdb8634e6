"""Views of a shadow bundle: what it was asked for, and how it compares with what served; no HTTP, no file."""

import msgspec

from adcascade.cascade.calibration_curve import Curve
from adcascade.cascade.shadow.compare import Answers, Comparison, Difference, Part
from adcascade.cascade.shadow.order import Order
from adcascade.cascade.shadow.store import Counts
from adcascade.console.figures import Figure
from adcascade.console.pages.models.views import ALL, Told, curve_figure, live_figure
from adcascade.console.words import moment, money, number, percent

CHANCE = "chosen by chance"
DRAWN = 3  # parts whose curves are drawn, all traffic among them
THOUSAND = 1000


class SideRow(msgspec.Struct, frozen=True, kw_only=True):
    """One bundle on the impressions of one part. difference: beside the shadow alone."""

    part: str
    side: str  # "served" or "shadow"
    impressions: str
    clicks: str
    auc: str
    log_loss: str
    pcoc: str
    ece: str
    difference: str


class StageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stage's mean times."""

    stage: str
    served: str
    shadow: str


class ShadowView(msgspec.Struct, frozen=True, kw_only=True):
    """The section of a bundle that shadows or did. running: it does now; rows empty: nothing was seen yet."""

    running: bool
    state: str
    trouble: str
    counts: str
    bundle: str  # that is compared with; "": none yet
    verdict: str
    rows: tuple[SideRow, ...]
    answers: tuple[Told, ...]
    stages: tuple[StageRow, ...]
    figures: tuple[Figure, ...]


def shadow_view(
    version: str, order: Order | None, counts: Counts, found: Comparison | None, currency: str = ""
) -> ShadowView | None:
    """Of one bundle; None where it never shadowed and is not asked to. currency: of the prices."""
    mine = order if order is not None and order.version == version else None
    if mine is None and not any(counts) and found is None:
        return None
    return ShadowView(
        running=mine is not None and not mine.trouble,
        state=_state(mine),
        trouble="" if mine is None else mine.trouble,
        counts=_counted(counts, found),
        bundle="" if found is None else found.bundle,
        verdict="" if found is None else verdict(found.whole),
        rows=() if found is None else side_rows(found),
        answers=() if found is None or found.answers is None else _answered(found, found.answers, currency),
        stages=() if found is None or found.answers is None else _stages(found.answers),
        figures=() if found is None else _figures(found),
    )


def share_words(share: float) -> str:
    """As a share of the requests.

    >>> share_words(0.05), share_words(0.125)
    ('5 %', '12.5 %')
    """
    return f"{share * 100:g} %"


def _state(order: Order | None) -> str:
    if order is None:
        return "It does not shadow now."
    asked = f"by {order.who}, {moment(order.time_us)} UTC"
    if order.trouble:
        return f"It should shadow {share_words(order.share)} of the requests ({asked}), and was given up."
    return f"It answers {share_words(order.share)} of the requests again, unseen ({asked})."


def _counted(counts: Counts, found: Comparison | None) -> str:
    told = (
        f"{number(counts.shadowed, 0)} requests answered again, {number(counts.dropped, 0)} dropped because the server"
        f" had other things to do, {number(counts.failed, 0)} failed."
    )
    if found is None:
        return told
    elsewhere = f", and {number(found.elsewhere, 0)} that another bundle answered" if found.elsewhere else ""
    return f"{told} Compared: the newest {number(found.requests, 0)}, since {moment(found.since_us)} UTC{elsewhere}."


def verdict(part: Part) -> str:
    """In words: which log loss is lower, by how much, and whether that may be chance."""
    served, difference = part.served, part.difference
    seen = f"On {number(served.impressions, 0)} impressions of {number(part.requests, 0)} requests"
    if difference is None or not served.log_loss or not served.clicks:
        return f"{seen} with {number(served.clicks, 0)} clicks nothing can be said yet."
    value, low, high = (one / served.log_loss for one in (difference.value, difference.low, difference.high))
    if low <= 0 <= high:
        return (
            f"{seen} the two cannot be told apart: the shadow's log loss is {_signed(value)} of what serves"
            f" (95 % interval: {_signed(low)} to {_signed(high)})."
        )
    better = value < 0
    least, most = sorted((abs(low), abs(high)))
    return (
        f"{seen} the shadow's log loss is {percent(abs(value), 2)} {'lower' if better else 'higher'}"
        f" (95 % interval: {percent(least, 2)} to {percent(most, 2)})."
    )


def _signed(share: float) -> str:
    return f"{share * 100:+,.2f} %"


def side_rows(found: Comparison) -> tuple[SideRow, ...]:
    """Two lines a part that has an impression: all traffic, what chance chose, scenarios."""
    parts = {ALL: found.whole, CHANCE: found.chance} | {one.served.scenario: one for one in found.scenarios}
    return tuple(
        _side(name, side, curve, part.difference if side == "shadow" else None)
        for name, part in parts.items()
        if part.served.impressions
        for side, curve in (("served", part.served), ("shadow", part.shadow))
    )


def _side(part: str, side: str, curve: Curve, difference: Difference | None) -> SideRow:
    return SideRow(
        part=part, side=side, impressions=number(curve.impressions, 0), clicks=number(curve.clicks, 0),
        auc=number(curve.auc, 4), log_loss=number(curve.log_loss, 4), pcoc=number(curve.pcoc, 3),
        ece=number(curve.ece, 4),
        difference="" if difference is None
        else f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})",
    )  # fmt: skip


def _answered(found: Comparison, answers: Answers, currency: str) -> tuple[Told, ...]:
    return (
        Told(name="Requests answered by both cascades", value=number(answers.requests, 0)),
        Told(name="Ads shown that the shadow would have shown too", value=percent(answers.kept)),
        Told(name="Requests with the same ads in the same slots", value=percent(answers.same)),
        Told(name="Pairs of candidates in the same order by P(click)", value=percent(found.alike)),
        Told(
            name="Revenue expected of 1,000 requests, as served, by its predictions",
            value=money(THOUSAND * answers.served_micros, currency),
        ),
        Told(
            name="Revenue expected of 1,000 requests by the shadow, by its own predictions",
            value=money(THOUSAND * answers.shadow_micros, currency),
        ),
    )


def _stages(answers: Answers) -> tuple[StageRow, ...]:
    return tuple(
        StageRow(stage=one.stage.replace("_", " "), served=number(one.served, 3), shadow=number(one.shadow, 3))
        for one in answers.stages
    )


def _figures(found: Comparison) -> tuple[Figure, ...]:
    """The curves of both, side by side, then AUC by hour or day."""
    live = live_figure("shadow-auc", "AUC of both on the same impressions", found.periods, ("served", "shadow"))
    curves = [
        curve_figure(f"shadow-{place}-{side}", f"Predicted against observed, {side}: {one.scenario or ALL}", one)
        for place, part in enumerate((found.whole, *found.scenarios)[:DRAWN])
        if part.served.impressions
        for side, one in (("served", part.served), ("shadow", part.shadow))
    ]
    return (*curves, *(() if live is None else (live,)))
