"""Frequency: how often each user has seen what, so that no cap is passed.

A cap is a promise of a campaign: at most n impressions of the same advertiser, campaign, ad group, ad or creative to
one user within any window of so many seconds. Windows slide and are exact, for the times of impressions are kept. An
answer counts as an impression from the moment it leaves, so that two pages in a row do not pass a cap; where no
impression came within GRACE_US it counts no more, and one that comes later still counts from its own time.

Kept are impressions of what has a cap, of users who consented, for as long as the longest window; the users seen last
stay in memory. To somebody without a key no promise can be kept: nothing with a cap is shown, nothing read or written.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adcascade.catalog.bitmaps import Bits, pack
from adcascade.catalog.nouns import Campaign, CapLevel
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import Candidates
from adcascade.contracts.stage import Cap as Pair
from adcascade.events.records import AuctionRecord

GRACE_US = 60_000_000  # an answer that nobody has seen counts for so long
LATE_US = 3_600_000_000  # an impression that comes later after its answer does not count
MOST = 2_000  # impressions of one user that are kept
MOST_LIMITS = 200_000  # things shown whose limits are at hand


class Cap(NamedTuple):
    """At most `impressions` of a level within `window_us`."""

    level: CapLevel
    impressions: int
    window_us: int


class Shown(NamedTuple):
    """What was shown, by level; "" where there is none."""

    advertiser: str
    campaign: str
    ad_group: str
    ad: str
    creative: str


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """A cap on one thing: told apart by identity, for a dictionary of them is counted in at every request."""

    pair: Pair
    cap: Cap


@dataclass(slots=True)
class View:
    """One answer, and from `seen` on an impression."""

    time_us: int
    shown: Shown
    seen: bool = False


class Frequency:
    """Views by user. One thread. users: how many are remembered; bids: answers that may still be seen."""

    def __init__(self, snapshot: Snapshot, *, users: int = 200_000, bids: int = 200_000) -> None:
        self.snapshot, self.users, self.bids = snapshot, users, bids
        self._campaigns: dict[str, Campaign] = {}  # those with caps
        self._by_campaign: dict[str, tuple[Cap, ...]] = {}  # all levels but the advertiser's
        self._by_advertiser: dict[str, tuple[Cap, ...]] = {}
        self._promising: dict[str, set[str]] = {}  # campaigns with caps, by advertiser
        self._views: OrderedDict[str, deque[View]] = OrderedDict()
        self._open: OrderedDict[str, View] = OrderedDict()  # by bid id
        self._limits: dict[Shown, tuple[Limit, ...]] = {}
        self._one: dict[tuple[Pair, Cap], Limit] = {}  # each limit there is
        self.longest_us = 0
        self._uncapped: tuple[int, Bits | None] = (-1, None)  # of which version of the catalog
        self.changed(snapshot.campaigns)

    def __len__(self) -> int:
        """The number of users remembered."""
        return len(self._views)

    def changed(self, campaigns: Iterable[Campaign]) -> None:
        """These campaigns are new or others now."""
        for campaign in campaigns:
            old = self._campaigns.pop(campaign.id, None)
            if old is None and not campaign.caps:
                continue
            if campaign.caps:
                self._campaigns[campaign.id] = campaign
            caps = _caps_of(campaign)
            self._by_campaign[campaign.id] = tuple(cap for cap in caps if cap.level != "advertiser")
            self.longest_us = max(self.longest_us, *(cap.window_us for cap in caps), 0)
            self._forget_limits()
            for advertiser in {campaign.advertiser, campaign.advertiser if old is None else old.advertiser}:
                self._arrange(advertiser, campaign)

    def _arrange(self, advertiser: str, campaign: Campaign) -> None:
        """The caps of the advertiser's own level, after this campaign of it changed, came or left."""
        promising = self._promising.setdefault(advertiser, set())
        promising.discard(campaign.id)
        if campaign.caps and campaign.advertiser == advertiser:
            promising.add(campaign.id)
        caps = [cap for name in promising for cap in _caps_of(self._campaigns[name]) if cap.level == "advertiser"]
        self._by_advertiser[advertiser] = tuple(dict.fromkeys(caps))

    def answered(self, record: AuctionRecord) -> None:
        """These winners are on their way to a page."""
        if record.user is None or not self._campaigns:
            return
        for winner in record.winners:
            self.answer(record.user, winner.bid_id, (winner.ad, winner.creative), record.time_us)

    def answer(self, user: str, bid_id: str, what: tuple[int, int], time_us: int) -> None:
        """One winner, by row of the ad and index of the creative."""
        shown = self._shown(*what)
        if len(self._limits) > MOST_LIMITS:
            self._forget_limits()
        if shown is None or not self._limits_of(shown):
            return
        view = View(time_us, shown)
        views = self._views.get(user)
        if views is None:
            views = self._views[user] = deque(maxlen=MOST)
            if len(self._views) > self.users:
                self._views.popitem(last=False)
        views.append(view)
        self._views.move_to_end(user)
        self._open[bid_id] = view
        if len(self._open) > self.bids:
            self._open.popitem(last=False)

    def seen(self, bid_id: str, time_us: int) -> None:
        """An impression was logged; counts once."""
        view = self._open.pop(bid_id, None)
        if view is not None:
            view.seen, view.time_us = True, time_us

    def withdrawn(self, bid_id: str) -> None:
        """The winner was not offered after all."""
        view = self._open.pop(bid_id, None)
        if view is not None:
            view.time_us = -LATE_US

    def capped(self, user: str | None, now_us: int) -> frozenset[Pair]:
        """What this user has seen so often that it must not be shown now; empty for nobody, whom `admits` guards."""
        counts = self._counts(user, now_us)
        return frozenset(limit.pair for limit, count in counts.items() if count >= limit.cap.impressions)

    def uncapped(self) -> Bits | None:
        """The rows that promise no cap, packed; None where none does. What somebody without a key may be shown."""
        if not self._campaigns:
            return None
        snapshot = self.snapshot
        if self._uncapped[0] != snapshot.version:
            promising = {name for name, caps in self._by_advertiser.items() if caps}
            closed = [c.id in self._campaigns or c.advertiser in promising for c in snapshot.campaigns]
            closed.append(True)  # a tombstone's campaign is -1
            self._uncapped = (snapshot.version, pack(~np.array(closed, np.bool_)[snapshot.campaign]))
        return self._uncapped[1]

    def admits(self, user: str | None, winners: Candidates, now_us: int) -> NDArray[np.bool_]:
        """Which of the winners may be shown together, bool [n]; where a cap leaves room for some, the best slots."""
        kept = np.ones(len(winners), np.bool_)
        if not self._campaigns:
            return kept
        counts: Counter[Limit] | None = None
        told = zip(
            winners.slot.tolist(), range(len(winners)), winners.ad.tolist(), winners.creative.tolist(), strict=True
        )
        for _, place, row, creative in sorted(told):
            shown = self._shown(row, creative)
            limits = () if shown is None else self._limits_of(shown)
            if not limits:
                continue
            if counts is None:
                counts = self._counts(user, now_us)
            kept[place] = user is not None and all(counts[limit] < limit.cap.impressions for limit in limits)
            if kept[place]:
                counts.update(limits)
        return kept

    def _counts(self, user: str | None, now_us: int) -> Counter[Limit]:
        """How many views each cap counts now."""
        counts: Counter[Limit] = Counter()
        views = self._views.get(user) if user is not None and self._campaigns else None
        if views is None or user is None:
            return counts
        self._views.move_to_end(user)
        while views and now_us - views[0].time_us >= (self.longest_us if views[0].seen else LATE_US):
            views.popleft()
        for view in views:
            age_us = now_us - view.time_us
            if not view.seen and age_us >= GRACE_US:
                continue
            for limit in self._limits_of(view.shown):
                if age_us < limit.cap.window_us:
                    counts[limit] += 1
        return counts

    def _limits_of(self, shown: Shown) -> tuple[Limit, ...]:
        """The caps that something shown counts for, with what they would keep back."""
        limits = self._limits.get(shown)
        if limits is None:
            caps = (*self._by_campaign.get(shown.campaign, ()), *self._by_advertiser.get(shown.advertiser, ()))
            named: list[tuple[Pair, Cap]] = [((cap.level, getattr(shown, cap.level)), cap) for cap in caps]
            found = (self._one.setdefault(each, Limit(*each)) for each in named if each[0][1])
            limits = self._limits[shown] = tuple(found)
        return limits

    def _forget_limits(self) -> None:
        self._uncapped = (-1, None)
        self._limits.clear()
        self._one.clear()

    def _shown(self, row: int, creative: int) -> Shown | None:
        """None where the ad is gone, or where neither its campaign nor its advertiser has ever promised a cap."""
        ad = self.snapshot.ads[row] if 0 <= row < self.snapshot.n else None
        if ad is None:
            return None
        advertiser = self.snapshot.campaigns[self.snapshot.campaign[row]].advertiser
        if ad.campaign not in self._by_campaign and advertiser not in self._by_advertiser:
            return None
        look = ad.creatives[creative].id if 0 <= creative < len(ad.creatives) else ""
        return Shown(advertiser, ad.campaign, ad.ad_group, ad.id, look)


def _caps_of(campaign: Campaign) -> list[Cap]:
    """Its caps; one that is told twice counts a view once."""
    caps = (Cap(cap.level, cap.impressions, cap.window_s * 1_000_000) for cap in campaign.caps)
    return list(dict.fromkeys(caps))
