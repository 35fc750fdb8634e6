"""Frequency caps are kept: against a twin that remembers everything, and in any run of pages."""

from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.cascade import frequency as module
from adcascade.cascade.frequency import GRACE_US, LATE_US, Frequency
from adcascade.catalog.bitmaps import unpack
from adcascade.catalog.changes import Changes
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, CapLevel, Creative, FrequencyCap
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import Candidates

SECOND = 1_000_000
CAMPAIGNS = ("free", "shoes", "hats", "coats")  # the first two of advertiser a, the others of b
ADS = tuple((campaign, group) for campaign in CAMPAIGNS for group in ("g1", ""))
LEVELS: tuple[CapLevel, ...] = ("advertiser", "campaign", "ad_group", "ad", "creative")

caps = st.builds(
    FrequencyCap, impressions=st.integers(1, 3), window_s=st.sampled_from([5, 70, 400]), level=st.sampled_from(LEVELS)
)
capped = st.fixed_dictionaries({name: st.lists(caps, max_size=2).map(tuple) for name in CAMPAIGNS[1:]})


def catalog(caps: dict[str, tuple[FrequencyCap, ...]]) -> Snapshot:
    """Four campaigns of two advertisers, with two ads each: one in a group, and one directly in the campaign."""
    campaigns = tuple(
        Campaign(id=name, advertiser="a" if name in CAMPAIGNS[:2] else "b", caps=caps.get(name, ()))
        for name in CAMPAIGNS
    )
    ads = tuple(
        (row, Ad(id=f"ad{row}", campaign=campaign, ad_group=group and f"{campaign}-{group}", creatives=looks(row)))
        for row, (campaign, group) in enumerate(ADS)
    )
    snapshot = Snapshot()
    snapshot.apply(
        Changes(
            version=1,
            advertisers=(Advertiser(id="a"), Advertiser(id="b")),
            campaigns=campaigns,
            ad_groups=tuple(AdGroup(id=f"{name}-g1", campaign=name) for name in CAMPAIGNS),
            ads=ads,
        )
    )
    return snapshot


def looks(row: int) -> tuple[Creative, ...]:
    """Two creatives."""
    return tuple(Creative(id=f"c{row}-{number}") for number in range(2))


def keys(row: int, look: int) -> dict[str, str]:
    """What a view of the ad in this row counts for, by level."""
    campaign, group = ADS[row]
    advertiser = "a" if campaign in CAMPAIGNS[:2] else "b"
    return {
        "advertiser": advertiser,
        "campaign": campaign,
        "ad_group": group and f"{campaign}-{group}",
        "ad": f"ad{row}",
        "creative": f"c{row}-{look}",
    }


def limits(caps: dict[str, tuple[FrequencyCap, ...]], row: int, look: int) -> list[tuple[str, str, FrequencyCap]]:
    """Every cap that a view counts for: those of its campaign, and the advertiser caps of its advertiser."""
    mine = keys(row, look)
    found: list[tuple[str, str, FrequencyCap]] = []
    for name, of_campaign in caps.items():
        for cap in of_campaign:
            same = mine["advertiser"] == ("a" if name in CAMPAIGNS[:2] else "b")
            if (same if cap.level == "advertiser" else name == mine["campaign"]) and mine[cap.level]:
                found.append((cap.level, mine[cap.level], cap))
    return found


def winners(rows: list[int], looks: list[int]) -> Candidates:
    """Ads in slots 0, 1, 2 ..."""
    n = len(rows)
    return Candidates.of(np.array(rows, np.int32)).with_(
        slot=np.arange(n, dtype=np.int32), creative=np.array(looks, np.int32)
    )


page = st.lists(st.tuples(st.integers(0, len(ADS) - 1), st.integers(0, 1)), min_size=1, max_size=3)
visits = st.lists(st.tuples(st.integers(0, 80), st.sampled_from("uv"), page, st.booleans()), max_size=25)


@settings(max_examples=150)
@given(caps=capped, visits=visits)
def test_no_cap_is_ever_passed(
    caps: dict[str, tuple[FrequencyCap, ...]], visits: list[tuple[int, str, list[tuple[int, int]], bool]]
) -> None:
    """Pages that show what is admitted: the twin, which keeps every view for ever, finds no window with too many.

    It also agrees on what is capped, and what is kept back would indeed pass a cap.
    """
    caps = {name: each for name, each in caps.items() if each}
    frequency, bids, now = Frequency(catalog(caps)), count(), 0
    views: list[tuple[int, str, int, int, bool]] = []  # time, user, row, look, seen

    def counted(user: str, cap: FrequencyCap, key: str) -> int:
        return sum(
            1
            for at, who, row, look, seen in views
            if who == user
            and keys(row, look)[cap.level] == key
            and now - at < cap.window_s * SECOND
            and (seen or now - at < GRACE_US)
        )

    for step, user, asked, seen in visits:
        now += step * SECOND
        expected = {
            (level, key)
            for row in range(len(ADS))
            for look in range(2)
            for level, key, cap in limits(caps, row, look)
            if counted(user, cap, key) >= cap.impressions
        }
        assert frequency.capped(user, now) == expected
        admitted = frequency.admits(user, winners(*map(list, zip(*asked, strict=True))), now)
        for (row, look), shown in zip(asked, admitted, strict=True):
            full = [counted(user, cap, key) >= cap.impressions for _, key, cap in limits(caps, row, look)]
            assert shown == (not any(full))
            if shown:
                bid = f"b{next(bids)}"
                frequency.answer(user, bid, (row, look), now)
                views.append((now, user, row, look, seen))
                if seen:
                    frequency.seen(bid, now)


def test_an_answer_counts_until_it_is_clear_that_nobody_saw_it() -> None:
    """Two pages in a row show one; after the grace another may be shown; a late impression counts from its own time."""
    frequency = Frequency(catalog({"shoes": (FrequencyCap(impressions=1, window_s=3600),)}))
    frequency.answer("u", "b1", (2, 0), 0)
    assert frequency.capped("u", GRACE_US - 1) == {("campaign", "shoes")}
    assert frequency.capped("u", GRACE_US) == frozenset()
    frequency.seen("b1", GRACE_US + 5)
    assert frequency.capped("u", GRACE_US + 6) == {("campaign", "shoes")}
    assert frequency.capped("u", GRACE_US + 5 + 3600 * SECOND) == frozenset()


def test_a_winner_that_was_not_offered_does_not_count() -> None:
    """What the exchange was never told is taken back at once."""
    frequency = Frequency(catalog({"shoes": (FrequencyCap(impressions=1, window_s=3600),)}))
    frequency.answer("u", "b1", (2, 0), 0)
    frequency.withdrawn("b1")
    assert frequency.capped("u", 1) == frozenset()


def test_nobody_without_a_key_sees_what_has_a_cap() -> None:
    """No key: neither the campaign, nor any of an advertiser that has a cap, is admitted; what has none is."""
    frequency = Frequency(catalog({"shoes": (FrequencyCap(impressions=9, window_s=60),)}))
    assert frequency.admits(None, winners([0, 2, 4], [0, 0, 0]), 0).tolist() == [True, False, True]
    frequency = Frequency(catalog({"shoes": (FrequencyCap(impressions=9, window_s=60, level="advertiser"),)}))
    assert frequency.admits(None, winners([0, 2, 4], [0, 0, 0]), 0).tolist() == [False, False, True]
    assert len(frequency) == 0


def test_a_cap_that_comes_or_goes_holds_from_then_on() -> None:
    """Campaigns change while the server runs; what has no cap is not remembered."""
    snapshot = catalog({})
    frequency = Frequency(snapshot)
    frequency.answer("u", "b0", (2, 0), 0)
    assert len(frequency) == 0
    strict = Campaign(id="shoes", advertiser="a", caps=(FrequencyCap(impressions=1, window_s=60),))
    snapshot.apply(Changes(version=2, campaigns=(strict,)))
    frequency.changed([strict])
    frequency.answer("u", "b1", (2, 0), 0)
    assert frequency.capped("u", 1) == {("campaign", "shoes")}
    free = Campaign(id="shoes", advertiser="a")
    snapshot.apply(Changes(version=3, campaigns=(free,)))
    frequency.changed([free])
    assert frequency.capped("u", 1) == frozenset()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users, views of a user and open bids; the oldest leave first."""
    monkeypatch.setattr(module, "MOST", 4)
    frequency = Frequency(catalog({"shoes": (FrequencyCap(impressions=9, window_s=10**6),)}), users=2, bids=3)
    for number, user in enumerate("abcabccc"):
        for place in range(3):
            frequency.answer(user, f"{number}-{place}", (2, 0), number)
    assert len(frequency) == 2
    assert max(map(len, frequency._views.values())) <= 4
    assert len(frequency._open) == 3
    frequency.capped("c", LATE_US + 100)
    assert not frequency._views["c"]  # nobody saw them


@given(caps=capped)
def test_nobody_is_offered_what_promises_a_cap(caps: dict[str, tuple[FrequencyCap, ...]]) -> None:
    """The rows left open are those of campaigns without caps whose advertiser has no cap of its own."""
    frequency = Frequency(catalog(caps))
    advertisers = {
        "a" if name == "shoes" else "b" for name, each in caps.items() for cap in each if cap.level == "advertiser"
    }
    expected = [
        not caps.get(campaign) and keys(row, 0)["advertiser"] not in advertisers
        for row, (campaign, _) in enumerate(ADS)
    ]
    bits = frequency.uncapped()
    assert expected == ([True] * len(ADS) if bits is None else unpack(bits, len(ADS)).tolist())
    admitted = frequency.admits(None, winners(list(range(len(ADS))), [0] * len(ADS)), 0)
    assert all(shown or not offered for offered, shown in zip(expected, admitted.tolist(), strict=True))
