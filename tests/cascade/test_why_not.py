"""Why an ad was not shown: asked again at once, a request ends as the log says; and every reason is the true one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from adcascade.cascade.answering import Answering
from adcascade.cascade.ask_again import AUCTION, STAGES, Reason, ask, followed, share_of
from adcascade.cascade.resold import candidates_of
from adcascade.cascade.service import AdService
from adcascade.cascade.tally import Tally
from adcascade.cascade.why_not import WhyNot, WhyNots
from adcascade.catalog.nouns import Campaign, Targeting
from adcascade.closedloop.made_up import WHEN_US, Sizes, requests
from adcascade.errors import BusyError, InputError
from adcascade.events.ad_fates import Fate, Held, fate_in
from adcascade.events.records import AuctionRecord
from adcascade.events.table import to_row

SECOND = 1_000_000
PERIOD = (WHEN_US - SECOND, WHEN_US + SECOND)
ASKED = 60
EXPECTED = {"shown": "it would be shown now", **AUCTION}
NOT_NOW = "could answer at that time, but not now: not at this time of the campaign's week"


@pytest.fixture(scope="module")
def records(service: AdService) -> list[AuctionRecord]:
    """What the log holds after so many requests."""
    for request in requests(Sizes(ads=300, timeout_ms=20_000.0), ASKED, slots=3):
        service.auction(request)
    service.parts.journal.flush()
    return [one for _, one in service.parts.journal.read(kinds=("auction",)) if isinstance(one, AuctionRecord)]


def answering(service: AdService) -> Answering:
    """As the service's own."""
    return Answering(service.parts, Tally())


def why(service: AdService, ad: str, *, sample: int = 200) -> WhyNot:
    """The answer for the whole log."""
    why_nots = WhyNots(answering(service), lambda: service.loaded)
    return asyncio.run(why_nots.ask(ad, *PERIOD, sample=sample))


@contextmanager
def changed(service: AdService, ad: str, **fields: object) -> Iterator[None]:
    """With another campaign of the ad, as the catalog's store would bring it."""
    snapshot, store = service.parts.snapshot, service.parts.feed.store
    row = snapshot.row_of[ad]
    campaign: Campaign = snapshot.campaigns[snapshot.campaign[row]]
    store.put([], [msgspec.structs.replace(campaign, **fields)])
    service.upkeep(WHEN_US)
    try:
        yield
    finally:
        store.put([], [campaign])
        service.upkeep(WHEN_US)


def one_reason(told: WhyNot) -> Reason:
    """The only one there is."""
    assert [one.share.value for one in told.reasons] == [1.0]
    return told.reasons[0].reason


def test_asked_again_at_once_a_request_ends_as_it_did(service: AdService, records: list[AuctionRecord]) -> None:
    """For ads that were shown, outbid, or not ranked; nothing has changed in between but the users' histories."""
    seen: set[Fate] = set()
    rows = {7, 40, *(one.ad for one in records[0].winners)}
    rows |= {row for one in records[::12] if one.ranked for row in candidates_of(one.ranked).ad[-2:].tolist()}
    for row in rows:
        ad = followed(service.loaded, row)
        for record in records[::6]:
            held = msgspec.msgpack.decode(to_row(record)[3], type=Held)
            fate = fate_in(held, ad).fate
            reason = asyncio.run(ask(answering(service), service.loaded, record, ad))
            if fate == "not_ranked":
                assert reason.words in STAGES.values()
            else:
                assert reason.words == EXPECTED[fate]
            seen.add(fate)
    assert seen >= {"shown", "outbid", "not_ranked"}


def test_every_request_of_the_period_is_counted(service: AdService, records: list[AuctionRecord]) -> None:
    """Once by the log; of those in which the ad was not ranked all are asked again, where these are few."""
    told = why(service, "a7")
    assert told.fates.requests == len(records)
    assert told.asked == told.fates.unranked > 0
    assert sum(one.share.value for one in told.reasons) == pytest.approx(1.0)
    assert all(one.share.low == one.share.value == one.share.high for one in told.reasons)
    known = {record.id for record in records}
    assert {request for one in told.reasons for request in one.examples} <= known


def test_the_interval_of_a_sample_covers_what_all_would_say(service: AdService, records: list[AuctionRecord]) -> None:
    """Of half of a small log, for an ad that is lost at more than one stage."""
    assert records
    lost = {ad: told for ad in ("a7", "a40", "a77", "a150") if len((told := why(service, ad)).reasons) > 1}
    assert lost
    for ad, told in lost.items():
        truth = {one.reason: one.share.value for one in told.reasons}
        sampled = why(service, ad, sample=told.asked // 2)
        assert sampled.asked == told.asked // 2
        for one in sampled.reasons:
            assert one.share.low <= truth[one.reason] <= one.share.high


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "paused"}, "campaign paused"),
        ({"start_us": WHEN_US + 9 * SECOND}, "campaign not started"),
        ({"targeting": Targeting(scenarios=("nowhere",))}, "scenario not targeted by the campaign"),
        ({"targeting": Targeting(times=("mon 10:00-10:30",))}, "not at this time of the campaign's week"),
        ({"deals": ("d9",)}, "no deal of the campaign is offered"),
    ],
)
def test_a_rule_keeps_out_of_every_request(
    service: AdService, records: list[AuctionRecord], fields: dict[str, object], words: str
) -> None:
    """Of those in which the ad was not ranked before, all: the reason is told with a share of one."""
    assert records
    with changed(service, "a7", **fields):
        assert one_reason(why(service, "a7")) == Reason(kind="rule", words=words)


def test_without_money_no_request_is_answered(service: AdService, records: list[AuctionRecord]) -> None:
    """As the bank switches a campaign off."""
    assert records
    snapshot = service.parts.snapshot
    campaign = int(snapshot.campaign[snapshot.row_of["a7"]])
    snapshot.set_serving(campaign, on=False)
    try:
        assert one_reason(why(service, "a7")).words == "budget exhausted"
    finally:
        snapshot.set_serving(campaign, on=True)


def test_what_the_log_does_not_keep_is_no_reason(service: AdService, records: list[AuctionRecord]) -> None:
    """A campaign of one region is lost where it was, and the assumption is told."""
    assert records
    before = why(service, "a7")
    with changed(service, "a7", targeting=Targeting(regions=("US-CA",), segments=("runners",))):
        told = why(service, "a7")
    assert told.assumed == ("region", "audience segments")
    assert [(one.reason, one.asked) for one in told.reasons] == [(one.reason, one.asked) for one in before.reasons]


def test_times_are_those_of_the_request(service: AdService, records: list[AuctionRecord]) -> None:
    """A request of Monday morning is judged on Monday morning; what may not answer now cannot be followed."""
    ad = followed(service.loaded, service.parts.snapshot.row_of["a7"])
    monday = msgspec.structs.replace(records[0], time_us=WHEN_US + 19 * 3600 * SECOND)
    for times, expected in (  # WHEN_US is a Sunday, 15:06
        ("mon 10:00-11:00", Reason(kind="unasked", words=NOT_NOW)),
        ("sun 15:00-16:00", Reason(kind="rule", words="not at this time of the campaign's week")),
    ):
        with changed(service, "a7", targeting=Targeting(times=(times,))):
            assert asyncio.run(ask(answering(service), service.loaded, monday, ad)) == expected


def test_a_bid_of_a_micro_is_lost_where_bids_count(service: AdService, records: list[AuctionRecord]) -> None:
    """In retrieval, in pre-ranking, below the reserve or in the auction; by no rule of the catalog."""
    assert records
    shown = service.parts.snapshot.ad_ids[records[0].winners[0].ad]
    ad = followed(service.loaded, service.parts.snapshot.row_of[shown])
    with changed(service, shown, bid_micros=1):
        reasons = {asyncio.run(ask(answering(service), service.loaded, record, ad)) for record in records[::5]}
    assert {one.kind for one in reasons} <= {"stage", "auction"}


def test_asking_leaves_no_trace_and_others_go_on(service: AdService, records: list[AuctionRecord]) -> None:
    """Between two requests another task has its turn; log and promises stay as they were; one asks at a time."""
    parts, turns = service.parts, 0

    def traces() -> tuple[object, ...]:
        return parts.journal.last_seq, parts.till.bank.held, len(parts.memory.profiles), service.tally.requests

    async def beside() -> WhyNot:
        nonlocal turns
        asked = asyncio.create_task(service.why_not("a7", *PERIOD))
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="nobody else"):
            await service.why_not("a40", *PERIOD)
        while not asked.done():
            turns += 1
            await asyncio.sleep(0)
        return await asked

    before = traces()
    told = asyncio.run(beside())
    assert turns >= told.asked > 0
    assert traces() == before
    assert asyncio.run(service.why_not("a7", *PERIOD)).fates.requests == len(records)


def test_what_cannot_be_asked_is_said(service: AdService) -> None:
    """An ad that is not there, a period without length; and then the next may ask."""
    with pytest.raises(InputError, match="adcascade catalog list ads"):
        asyncio.run(service.why_not("nowhere", *PERIOD))
    with pytest.raises(InputError, match="a time after"):
        asyncio.run(service.why_not("a7", WHEN_US, WHEN_US))
    assert asyncio.run(service.why_not("a7", 0, 1)).fates.requests == 0


def test_a_share_of_a_sample_is_between_wilson_and_exact() -> None:
    """Of an endless log it is Wilson's interval; the more of a log is asked, the narrower; all of it: no width."""
    widths = [share_of(30, 100, population) for population in (100, 101, 200, 1_000, 10**9)]
    assert [one.high - one.low for one in widths] == sorted(one.high - one.low for one in widths)
    assert widths[0].low == widths[0].high == 0.3
    assert (round(widths[-1].low, 3), round(widths[-1].high, 3)) == (0.219, 0.396)
