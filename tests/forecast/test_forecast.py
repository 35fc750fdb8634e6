"""The forecast of a day: what a campaign did it does again; nothing where nothing fits; never above the budget."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.forecast.world import CAMPAIGNS, ROWS, RULES, draft_of, log_of, newcomer, records_of

from adcascade.catalog.nouns import FrequencyCap, Targeting
from adcascade.errors import InputError
from adcascade.forecast.chances import present
from adcascade.forecast.forecast import forecast
from adcascade.forecast.reach import richness
from adcascade.forecast.sample import DAY_US

DAYS = 2
RECORDS = records_of(21, 600, days=DAYS)
LOG = log_of(RECORDS)
HOUR_US = 3_600_000_000


@pytest.mark.parametrize("number", range(6))
def test_a_campaign_as_it_stands_does_what_it_did(number: int) -> None:
    """Impressions to the one, spend by the prices that were paid and the clicks that were promised, reach to the user;
    of two days the newer counts more."""
    told = forecast(LOG, draft_of(number), ROWS, RULES)
    days = [[one for one in RECORDS if (LOG.traffic.until_us - 1 - one.time_us) // DAY_US == d] for d in range(DAYS)]
    mine = [[w for one in day for w in one.winners if w.ad % 6 == number] for day in days]
    weight = np.array([1.0, 0.5**0.5]) / (1 + 0.5**0.5)
    assert told.basis == "own"
    assert told.impressions.middle == pytest.approx(weight @ [len(day) for day in mine], rel=0.03)
    paid = [sum(w.price_micros * (w.slot_ctr if w.billing == "click" else 1) for w in day) for day in mine]
    assert told.spend_micros.middle == pytest.approx(weight @ paid, rel=0.03)
    users = {one.user for one in RECORDS if any(w.ad % 6 == number for w in one.winners)} - {None}
    assert told.reach == pytest.approx(len(users), abs=2)
    assert told.requests == pytest.approx(len(RECORDS) / DAYS)


@settings(deadline=None, max_examples=15)
@given(number=st.integers(0, 5), new=st.booleans(), budget=st.integers(1, 3_000_000), bid=st.integers(1, 3_000_000))
def test_more_bid_and_more_budget_never_bring_less(number: int, new: bool, budget: int, bid: int) -> None:
    """Along both curves; no spend is above the budget; every figure lies within its range."""
    made = newcomer if new else draft_of
    told = forecast(LOG, made(number, bid_micros=bid, daily_budget_micros=budget), ROWS, RULES)
    for curve in (told.bids, told.budgets):
        for figure in ("impressions", "clicks", "spend_micros"):
            values = [getattr(point, figure) for point in curve]
            if figure == "spend_micros" or curve is told.budgets:
                assert values == pytest.approx(sorted(values), rel=1e-6, abs=1e-6)
    assert all(point.spend_micros <= budget * (1 + 1e-9) for point in told.bids)
    assert all(point.spend_micros <= point.micros * (1 + 1e-9) + 1 for point in told.budgets)
    assert told.spend_micros.high <= budget
    for band in (told.impressions, told.clicks, told.spend_micros):
        assert 0 <= band.low <= band.middle <= band.high * (1 + 1e-9)
    assert told.reach <= 40
    assert told.fitting <= told.requests


def test_what_binds_is_named() -> None:
    """Targeting that no request fits, a budget, a cap, a low bid, and none of these."""
    told = {
        "targeting": draft_of(1, targeting=Targeting(countries=("FR",))),
        "budget": draft_of(1, daily_budget_micros=10_000),
        "cap": draft_of(4, caps=(FrequencyCap(impressions=1, window_s=2 * 86_400),)),
        "bid": msgspec.structs.replace(draft_of(1), raised=0.3),
        "traffic": msgspec.structs.replace(draft_of(1), raised=50.0),
    }
    found = {name: forecast(LOG, draft, ROWS, RULES) for name, draft in told.items()}
    assert {name: one.binds for name, one in found.items()} == {name: name for name in told}
    nothing = found["targeting"]
    assert (nothing.impressions.middle, nothing.spend_micros.middle, nothing.reach, nothing.fitting) == (0, 0, 0, 0)
    assert nothing.reasons == (("country not targeted by the campaign", len(RECORDS)),)
    assert found["cap"].reach == pytest.approx(found["cap"].impressions.middle * DAYS, rel=0.5)
    assert found["budget"].wanted_micros > 10_000


def test_a_fast_campaign_runs_dry_and_a_total_budget_is_counted_in_days() -> None:
    """The share of the day is that of the money."""
    draft = draft_of(1, daily_budget_micros=10_000, pacing="fast", total_budget_micros=50_000)
    told = forecast(LOG, draft, ROWS, RULES)
    assert told.runs_dry == pytest.approx(10_000 / told.wanted_micros, rel=0.2)
    assert told.lasts_days == pytest.approx(5.0)


def test_a_newcomer_is_taken_for_one_like_it() -> None:
    """Peers of its category; and all newcomers together get about what the campaigns like them got."""
    told = [forecast(LOG, newcomer(number), {}, RULES) for number in range(5)]
    assert {one.basis for one in told} == {"category"}
    stands = [forecast(LOG, draft_of(number), ROWS, RULES) for number in range(5)]
    both = [sum(one.impressions.middle for one in many) for many in (told, stands)]
    assert both[0] == pytest.approx(both[1], rel=0.35)


def test_deals_are_not_foretold() -> None:
    """The log keeps none, and that is said."""
    with pytest.raises(InputError, match="the log keeps no deals"):
        forecast(LOG, draft_of(1, deals=("d",)), ROWS, RULES)


def test_a_target_bids_what_a_conversion_is_worth() -> None:
    """P(conversion) is 0.1 everywhere: a target of ten bids is the bid."""
    bid = CAMPAIGNS[2].bid_micros
    plain = forecast(LOG, draft_of(2), ROWS, RULES)
    told = forecast(LOG, draft_of(2, goal="conversions", target_micros=10 * bid), ROWS, RULES)
    assert told.clicks.middle == pytest.approx(plain.clicks.middle, rel=0.02)
    assert told.conversions == pytest.approx(0.1 * told.clicks.middle, rel=1e-6)


def test_a_sample_stands_for_the_whole() -> None:
    """Every second page, each for two, tells about the same day."""
    whole = forecast(LOG, draft_of(3), ROWS, RULES)
    half = forecast(log_of(RECORDS[::2], 2.0, of=RECORDS), draft_of(3), ROWS, RULES)
    assert half.impressions.middle == pytest.approx(whole.impressions.middle, rel=0.2)
    assert half.requests == pytest.approx(whole.requests, rel=0.01)


def test_hours_without_the_campaign_are_not_held_against_it() -> None:
    """Absent is an hour in which many pages fitted and none ranked it; a rare campaign is absent nowhere."""
    time_us = np.repeat(np.arange(4) * HOUR_US, 20)
    often, rare = np.ones(80, np.bool_), np.zeros(80, np.bool_)
    often[20:40], rare[:2] = False, True
    fitted = np.ones(80, np.bool_)
    assert present(time_us, fitted, often).tolist() == [True] * 20 + [False] * 20 + [True] * 40
    assert present(time_us, fitted, rare).all()


def test_richness_is_exact_for_the_whole_and_cautious_for_a_part() -> None:
    """Half of the views of a thousand users: more than were seen, and not more than there are (within a tenth)."""
    views = np.random.default_rng(4).poisson(1.5, 1000)
    views = views[views > 0]
    part = np.random.default_rng(5).binomial(views, 0.5)
    part = part[part > 0]
    assert richness(views, 1.0) == len(views)
    assert len(part) < richness(part, 0.5) < 1.1 * len(views)
