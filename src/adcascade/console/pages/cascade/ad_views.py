"""Why an ad was not shown, as the page tells it: a sentence, what the log holds, what was asked again, over time."""

from typing import NamedTuple

import msgspec

from adcascade.cascade.ask_again import Kind, Told
from adcascade.cascade.logged_request import MISSING
from adcascade.cascade.why_not import Beater, WhyNot
from adcascade.console.pages.overview import Chart
from adcascade.console.pages.overview import Row as Moment
from adcascade.console.words import moment, number, percent
from adcascade.events.ad_fates import Fate, Fates, Line

FATES: dict[Fate, str] = {
    "shown": "It was shown",
    "outbid": "Outbid: the last winner's eCPM was no lower than its own",
    "below_reserve": "Its eCPM was below the lowest price, as that is now",
    "sibling": "Another ad of its campaign was shown; a page shows one at most",
    "passed_over": "Ranked high enough, and not taken: a cap, a floor, a deal, or no money left",
    "by_chance": "Chance answered (exploration), and drew other ads",
    "cut_short": "Not ranked, and a stage of the request was cut short",
    "unkept": "Not shown; the log keeps no candidates of the request",
    "not_ranked": "Not among the ranked candidates that the log keeps",
}
SHORT: dict[Fate, str] = {
    "outbid": "it was outbid",
    "below_reserve": "its eCPM was below the lowest price",
    "sibling": "another ad of its campaign was shown",
    "passed_over": "it was ranked high enough, and not taken",
    "by_chance": "chance answered, and drew other ads",
}
KINDS: dict[Kind, str] = {
    "rule": "may not answer", "unasked": "cannot be followed", "stage": "lost on the way",
    "auction": "lost the auction", "shown": "shown",
}  # fmt: skip
DAY_US = 86_400_000_000


class FateRow(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that ended alike, by the log. examples: ids of requests."""

    words: str
    requests: int
    share: float
    examples: tuple[str, ...]


class ReasonRow(msgspec.Struct, frozen=True, kw_only=True):
    """A reason that was found by asking again. shares and requests: of those in which the ad was not ranked, with the
    ends of the 95 % interval."""

    kind: str
    words: str
    asked: int
    share: float
    low: float
    high: float
    requests: int
    requests_low: int
    requests_high: int
    examples: tuple[str, ...]


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. bound: what was not read, "" nothing; all_asked: every request was asked again, so nothing is
    estimated; beaten_by, examples: of a key for single advertisers, none."""

    ad: str
    sentence: str
    good: bool
    period: str
    link: str
    bound: str
    requests: int
    fates: tuple[FateRow, ...]
    slots: str
    gap: str
    beaten_by: tuple[Beater, ...]
    scenarios: tuple[Line, ...]
    chart: Chart | None  # None: it was never ranked
    reasons: tuple[ReasonRow, ...]
    asked: int
    unranked: int
    all_asked: bool
    missing: str
    assumed: str
    bundle: str


class _Cause(NamedTuple):
    """Why it was mostly not shown. requests: of all."""

    requests: float
    words: str
    estimated: bool


def answered_of(why: WhyNot, link: str, currency: str, *, whole_house: bool) -> Answered:
    """The view. whole_house: the visitor may see other advertisers' ads, and requests."""
    fates = why.fates
    shown = fates.of("shown")
    return Answered(
        ad=why.ad, sentence=sentence_of(why, currency), good=shown > 0,
        period=f"{moment(fates.from_us)} to {moment(fates.to_us)} UTC", link=link, bound=bound_of(fates),
        requests=fates.requests, fates=fate_rows(fates, whole_house=whole_house), slots=slots_of(fates, currency),
        gap=gap_of(fates, currency),
        beaten_by=why.beaten_by if whole_house else (), scenarios=fates.scenarios,
        chart=chart_of(fates) if any(one.ranked for one in fates.steps) else None,
        reasons=tuple(_reason_row(one, fates.unranked, whole_house=whole_house) for one in why.reasons),
        asked=why.asked, unranked=fates.unranked, all_asked=why.asked == fates.unranked,
        missing=", ".join(MISSING), assumed=", ".join(why.assumed), bundle=why.bundle,
    )  # fmt: skip


def sentence_of(why: WhyNot, currency: str) -> str:
    """How often it was shown, and why mostly not."""
    fates = why.fates
    if not fates.requests:
        return f"The log holds no request of this period, so {why.ad} could not be shown"
    shown = fates.of("shown")
    said = f"{why.ad} was shown in {number(shown, 0)} of {number(fates.requests, 0)} requests"
    causes = [
        _Cause(one.requests, SHORT[one.fate], estimated=False)
        for one in fates.counted
        if one.requests and one.fate in SHORT
    ]
    causes += [
        _Cause(one.share.value * fates.unranked, words_of(one), estimated=why.asked < fates.unranked)
        for one in why.reasons
    ]
    if not causes:
        return said
    most = max(causes, key=lambda one: one.requests)
    about = "about " if most.estimated else ""
    share = percent(most.requests / fates.requests, 0)
    lacked = f", {gap_of(fates, currency)}" if most.words == SHORT["outbid"] else ""
    return f"{said}. Where it was not, the most frequent reason ({about}{share} of all requests): {most.words}{lacked}"


def gap_of(fates: Fates, currency: str) -> str:
    """The median of what lacked to the last winner; "" where it was never outbid."""
    if fates.gap_micros is None:
        return ""
    if fates.gap_micros == 0:
        return "in the median by an equal eCPM"
    return f"in the median by an eCPM of {fates.gap_micros / 1e6:.4f} {currency}"


def words_of(told: Told) -> str:
    """A reason that was found by asking again."""
    return f"{KINDS[told.reason.kind]}: {told.reason.words}"


def bound_of(fates: Fates) -> str:
    """What of the period was not read."""
    return f"The period's newest {number(fates.requests, 0)} requests; older ones were not read" if fates.more else ""


def fate_rows(fates: Fates, *, whole_house: bool) -> tuple[FateRow, ...]:
    """What the log holds, most frequent first, shown before all."""
    found = [one for one in fates.counted if one.requests or one.fate == "shown"]
    found.sort(key=lambda one: (one.fate != "shown", -one.requests))
    return tuple(
        FateRow(
            words=FATES[one.fate], requests=one.requests, share=one.requests / max(fates.requests, 1),
            examples=one.examples if whole_house else (),
        )
        for one in found
    )  # fmt: skip


def slots_of(fates: Fates, currency: str) -> str:
    """Where it stood, and what a click or impression cost."""
    if fates.price_micros is None:
        return ""
    places = ", ".join(f"slot {place + 1}: {number(times, 0)}" for place, times in enumerate(fates.slots) if times)
    return f"{places}; at {fates.price_micros / 1e6:.4f} {currency} per click or impression on average"


def chart_of(fates: Fates) -> Chart:
    """Shares of the requests in each step of the period."""
    rows = tuple(
        Moment(
            time_us=one.begin_us,
            values=(one.ranked / one.requests, one.shown / one.requests) if one.requests else (None, None),
        )
        for one in fates.steps
    )  # fmt: skip
    return Chart(
        name="fates", title="Share of the requests in which it was ranked, and shown", unit="percent",
        series=("ranked", "shown"), rows=rows, dated=fates.to_us - fates.from_us > DAY_US,
    )  # fmt: skip


def _reason_row(told: Told, unranked: int, *, whole_house: bool) -> ReasonRow:
    share = told.share
    return ReasonRow(
        kind=KINDS[told.reason.kind], words=told.reason.words, asked=told.asked,
        share=share.value, low=share.low, high=share.high, requests=round(share.value * unranked),
        requests_low=round(share.low * unranked), requests_high=round(share.high * unranked),
        examples=told.examples if whole_house else (),
    )  # fmt: skip
