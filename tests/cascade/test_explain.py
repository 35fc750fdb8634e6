"""Explaining leaves no trace, every ad has one fate, and what is counted in slices is what a loop counts."""

import asyncio
from collections import Counter
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from adcascade.cascade import explain as explaining
from adcascade.cascade.explain import UNKNOWN_USER, Explanation, excluded, why_not
from adcascade.cascade.service import AdService
from adcascade.closedloop.made_up import WHEN_US
from adcascade.contracts import AdRequest, Slot
from adcascade.errors import InputError

ASKED = AdRequest(
    id="r1", time_us=WHEN_US, slots=(Slot(id="1"), Slot(id="2")), scenario="search", blocked_categories=("d1",),
    products=tuple(f"p{number}" for number in range(0, 300, 2)), timeout_us=20_000_000,
)  # fmt: skip


def told(service: AdService, request: AdRequest = ASKED, ad: str | None = None) -> Explanation:
    """What the service explains."""
    return asyncio.run(service.explain(request, ad=ad))


def test_explaining_leaves_no_trace(service: AdService) -> None:
    """Not in the log, the money, the counters, nor in the next answer, though the request is no test by itself."""
    parts = service.parts

    def traces() -> tuple[object, ...]:
        parts.journal.flush()
        counted = (service.tally.requests, service.tally.winners, dict(service.tally.stage_ns))
        return parts.journal.last_seq, parts.till.bank.held, len(parts.memory.profiles), counted

    service.auction(msgspec.structs.replace(ASKED, id="first", products=()))
    before = traces()
    for ad in (None, "a1", "a2"):
        told(service, msgspec.structs.replace(ASKED, products=()), ad)
    assert traces() == before


def test_it_tells_what_the_service_would_have_answered(service: AdService) -> None:
    """As many winners at the same prices; and asked again, each of them is said to have won."""
    request = msgspec.structs.replace(ASKED, products=(), test=True)
    answer = service.auction(request)
    explained = told(service, request)
    assert {one.price_micros for one in explained.winners} == {one.price_micros for one in answer.winners}
    assert len(explained.winners) == len(answer.winners) > 0
    assert {_fate(service, request, one.ad) for one in explained.winners} == {"won"}


def _fate(service: AdService, request: AdRequest, ad: str) -> str:
    found = told(service, request, ad).ad
    assert found is not None
    return found.fate


def test_every_ad_has_a_fate_that_agrees_with_the_stages(service: AdService) -> None:
    """Who won stands behind the last stage; who may not answer behind none; others left stages up to some one."""
    request = msgspec.structs.replace(ASKED, products=())
    kinds = set()
    for ad in list(service.parts.snapshot.row_of)[::15]:
        explained = told(service, request, ad)
        assert explained.ad is not None
        left = [stage.followed is not None for stage in explained.stages]
        assert left == sorted(left, reverse=True)
        assert (explained.ad.fate == "won") == all(left)
        kinds.add(explained.ad.fate.split()[0])
    assert kinds >= {"was"}


def test_the_excluded_are_counted_as_a_loop_counts_them(service: AdService) -> None:
    """All of a small catalog are asked, and the bitmap agrees with the sentences."""
    opportunity = service.opportunity(ASKED)
    reasons = Counter(
        reason
        for row in range(service.parts.snapshot.n)
        if (reason := why_not(service.parts.snapshot, opportunity, row))
    )
    found = asyncio.run(excluded(service.parts.snapshot, opportunity))
    assert found.reasons == dict(reasons)
    assert found.ads == found.looked_at == reasons.total() > 0


def test_of_many_a_sample_is_asked_while_others_go_on(service: AdService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of excluded ads stays exact, their reasons are scaled, and between slices another task has turns."""
    monkeypatch.setattr(explaining, "LOOKED_AT", 60)
    monkeypatch.setattr(explaining, "SLICE", 10)
    opportunity, turns = service.opportunity(ASKED), 0

    async def beside() -> explaining.Excluded:
        nonlocal turns
        asked = asyncio.create_task(excluded(service.parts.snapshot, opportunity))
        while not asked.done():
            turns += 1
            await asyncio.sleep(0)
        return await asked

    found = asyncio.run(beside())
    assert found.looked_at == 60 < found.ads
    assert turns >= 6
    assert sum(found.reasons.values()) == pytest.approx(found.ads, abs=len(found.reasons))


def test_an_ad_with_a_cap_is_not_for_somebody_unknown(service: AdService) -> None:
    """The reason is told, though no rule of the catalog keeps the ad out."""
    opportunity = service.opportunity(msgspec.structs.replace(ASKED, products=(), blocked_categories=()))
    snapshot = service.parts.snapshot
    nobody = np.zeros(-(-snapshot.n // 8), np.uint8)
    closed = replace(opportunity, uncapped=nobody)
    assert why_not(snapshot, opportunity, 0) is None
    assert why_not(snapshot, closed, 0) == UNKNOWN_USER


def test_an_ad_that_is_not_in_the_catalog_is_refused(service: AdService) -> None:
    """By name."""
    with pytest.raises(InputError, match="nowhere"):
        told(service, ad="nowhere")
