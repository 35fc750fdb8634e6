"""A request fits a draft where the rules of serving say so, as far as the log can tell."""

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.forecast.world import ADS, draft_of, log_of, records_of

from adcascade.catalog.eligibility import Standing, why_not
from adcascade.catalog.nouns import AdGroup, FrequencyCap, Targeting
from adcascade.contracts.request import AdRequest, Slot
from adcascade.events.records import AuctionRecord
from adcascade.forecast.draft import UNKNOWN_USER, fit_of, unjudged

RECORDS = records_of(2, 80)
TRAFFIC = log_of(RECORDS).traffic


def subset(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    """Any of these, often none."""
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


TARGETINGS = st.builds(
    Targeting,
    scenarios=subset("home", "search"),
    devices=subset("phone", "desktop"),
    categories=subset("sports", "toys"),
    blocked_categories=subset("sports/balls", "toys"),
    keywords=subset("shoes", "exact:red shoes", "blue"),
    negative_keywords=subset("red"),
    times=subset("mon-fri 08:00-18:30", "sat,sun", "thu 00:00-12:00"),
)


def request_of(record: AuctionRecord) -> AdRequest:
    """The request behind a record."""
    seen = record.seen
    return AdRequest(
        id=record.id, time_us=record.time_us, slots=(Slot(id="s"),), scenario=record.scenario, user=record.user,
        device=str(seen["device"] or ""), country=str(seen["country"] or ""),
        category=str(seen["page_category"] or ""), query=str(seen["query"] or ""),
    )  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(targeting=TARGETINGS, group=TARGETINGS)
def test_requests_fit_as_serving_says(targeting: Targeting, group: Targeting) -> None:
    """Auction by auction, for the campaign and an ad group of it, in the advertiser's zone."""
    told = AdGroup(id="g", campaign="k1", targeting=group)
    ad = msgspec.structs.replace(ADS[1], ad_group="g")
    draft = msgspec.structs.replace(draft_of(1, targeting=targeting), ads=(ad,), groups=(told,))
    advertiser = msgspec.structs.replace(draft.advertiser, timezone="America/New_York")
    draft = msgspec.structs.replace(draft, advertiser=advertiser)
    fit = fit_of(draft, draft.campaign, TRAFFIC)
    for record, fits in zip(RECORDS, fit.fits.tolist(), strict=True):
        standing = Standing(
            ad=ad, group=told, campaign=draft.campaign, advertiser=advertiser, now_us=record.time_us, funded=True
        )
        assert fits == (why_not(standing, request_of(record)) is None)
    assert sum(count for _, count in fit.reasons) == np.count_nonzero(~fit.fits)


def test_what_the_log_does_not_keep_is_taken_to_fit_and_named() -> None:
    """Regions and segments keep no request out; schedule and status are of another time."""
    targeting = Targeting(regions=("US-CA",), segments=("new",))
    draft = draft_of(1, targeting=targeting, status="paused", start_us=2**60)
    assert fit_of(draft, draft.campaign, TRAFFIC).fits.all()
    assert unjudged(draft) == ("regions", "segments")


def test_a_cap_asks_for_a_user() -> None:
    """Requests without a user do not fit a campaign with a cap, and the reason is told."""
    draft = draft_of(1, caps=(FrequencyCap(impressions=1, window_s=60),))
    fit = fit_of(draft, draft.campaign, TRAFFIC)
    assert fit.fits.tolist() == [record.user is not None for record in RECORDS]
    assert fit.reasons == ((UNKNOWN_USER, sum(record.user is None for record in RECORDS)),)


def test_without_an_ad_that_could_be_shown_nothing_fits() -> None:
    """Paused, out of stock, in a paused group."""
    draft = draft_of(1)
    first, second = draft.ads
    off = (msgspec.structs.replace(first, status="paused"), msgspec.structs.replace(second, stock=0))
    assert not fit_of(msgspec.structs.replace(draft, ads=off), draft.campaign, TRAFFIC).fits.any()
