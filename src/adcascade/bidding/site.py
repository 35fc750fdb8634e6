"""Site: what a pacer may ask of the installation it works in; and from there to a pacer, one function a method."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from adcascade.bidding.bidder_pacer import BidderPacer
from adcascade.bidding.day_curve import DAY_US
from adcascade.bidding.fixed import FixedPacer
from adcascade.bidding.pacer import Pacer
from adcascade.bidding.policy import load_policy

POLICY = "bidding"  # folder of the learned policy, in the working directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """group_of: what the campaign of a number is billed by, "click" or "impression"."""

    folder: Path
    control_us: int
    group_of: Callable[[int], str]


def fixed_pacer(site: Site) -> FixedPacer:  # noqa: ARG001  nobody paces
    """Bids as advertisers bid."""
    return FixedPacer()


def pacing_pacer(site: Site) -> Pacer:  # noqa: ARG001  it learns from spending alone
    """Multiplicative pacing of all campaigns at once."""
    return Pacer()


def policy_pacer(site: Site) -> BidderPacer:
    """The learned policy of the working directory, one group per kind of billing; DataMissingError without one."""
    bidder_of = cache(load_policy(site.folder / POLICY).bidder)  # one object a group: it is asked for all at once
    return BidderPacer(lambda number: bidder_of(site.group_of(number)), slots=max(1, DAY_US // site.control_us))
