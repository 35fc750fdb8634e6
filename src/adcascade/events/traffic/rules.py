"""Impossible sequences: what a shopper cannot have done, judged by what is known of the bid.

Two clocks are kept apart. How soon after the answer a browser called is told by our own clock, on arrival (a shop that
reports by itself may have shown the page before it asked us); the order of a bid's events is told by their own times,
and the clocks that wrote these may differ by SLACK_US.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from adcascade.events.traffic.source import Route

Kind = Literal["impression", "viewable", "click", "conversion"]
Reason = Literal[
    "data_centre",  # the address belongs to a listed range
    "robot_agent",  # the user agent names a robot, or nothing
    "user_clicks",  # more clicks of one user than a person makes
    "source_clicks",  # ... of one address and agent
    "source_impressions",
    "bid_clicks",  # ... on one ad of one page
    "early_click",  # sooner after the answer than a person can see, aim and click
    "early_viewable",  # before the ad can have been on screen for a second, or before its impression
    "late_impression",  # the browser says that the ad appeared long after it was clicked
    "early_conversion",  # bought before the click
]

SLACK_US = 5_000_000
DWELL_US = 1_000_000  # on screen before an impression counts as viewable


class Journey(Protocol):
    """What is known of a bid, in microseconds; 0: has not happened."""

    @property
    def user(self) -> str | None:
        """Key of the user, None without consent."""

    @property
    def answered_us(self) -> int:
        """When the answer left."""

    @property
    def seen_us(self) -> int:
        """When it was seen."""

    @property
    def viewable_us(self) -> int:
        """When it had been on screen for a second."""

    @property
    def clicked_us(self) -> int:
        """When it was clicked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why an event is invalid."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paces:
    """How fast a person is."""

    click_us: int = 200_000  # from the answer to the click, at least
    late_impression_us: int = 10_000_000  # from the click to the browser's impression, at most


def repeats(kind: Kind, journey: Journey) -> bool:
    """Whether such an event of the bid is known already: it bills nothing and teaches nothing any more."""
    return bool(
        (kind == "impression" and journey.seen_us)
        or (kind == "viewable" and journey.viewable_us)
        or (kind == "click" and journey.clicked_us)
    )


def impossible(kind: Kind, route: Route, journey: Journey, times: tuple[int, int], paces: Paces) -> Finding | None:
    """What no shopper did. times: of the event itself, and of its arrival."""
    time_us, now_us = times
    waited = now_us - journey.answered_us
    match kind:
        case "click" if route == "browser" and journey.answered_us and waited < paces.click_us:
            return Finding("early_click", f"{waited // 1000} ms after the answer")
        case "viewable" if route == "browser" and journey.answered_us and waited < DWELL_US:
            return Finding("early_viewable", f"{waited // 1000} ms after the answer")
        case "viewable" if journey.seen_us > time_us + SLACK_US:
            return Finding("early_viewable", f"{(journey.seen_us - time_us) // 1000} ms before the impression")
        case "impression" if route == "browser" and 0 < journey.clicked_us < time_us - paces.late_impression_us:
            return Finding("late_impression", f"{(time_us - journey.clicked_us) // 1_000_000} s after the click")
        case "conversion" if journey.clicked_us > time_us + SLACK_US:
            return Finding("early_conversion", f"{(journey.clicked_us - time_us) // 1_000_000} s before the click")
        case _:
            return None
