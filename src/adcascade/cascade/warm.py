"""Warming up: made-up requests through an engine before the first real one.

What is compiled is compiled, or read from its cache, at its first call, which takes seconds in a new installation and a
tenth of one afterwards. No page should wait for that, and no stage's pace should be learned from it: paces are begun
anew. Nothing is reserved, sold or logged; what the log and the tally would keep is made up and thrown away.
"""

import time

from adcascade.cascade.build import Loaded
from adcascade.cascade.deadline import Pace
from adcascade.cascade.memory import Memory
from adcascade.cascade.opportunity import opportunity_of
from adcascade.cascade.record import ranked_of
from adcascade.cascade.slot_tally import SlotTally
from adcascade.catalog.bit_passes import compile_passes
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Slot

PATIENCE_NS = 3_600_000_000_000
SLOTS = (Slot(id="1"), Slot(id="2"))


def warm(loaded: Loaded, memory: Memory, now_us: int) -> None:
    """Ask the cascade and exploration for a page, a search and a page with organic items, over the ads there are."""
    compile_passes()
    engine = loaded.engine
    pipelines = [engine.select, engine.explore, engine.close, engine.close_explored]
    pipelines += [engine.close_blended] if engine.close_blended is not None else []
    thrown_away = SlotTally(loaded.snapshot)
    for request in _requests(loaded.snapshot, now_us):
        opportunity = opportunity_of(request, memory, loaded.encoder)
        for exploring in (False, True):
            outcome = engine.run(opportunity, time.perf_counter_ns() + PATIENCE_NS, exploring=exploring)
            ranked_of(outcome, limit=1)
            thrown_away.answered(outcome.ranked, outcome.winners.ad)
    for pipeline in pipelines:
        pipeline.paces.update({name: Pace() for name in pipeline.paces})


def _requests(snapshot: Snapshot, now_us: int) -> tuple[AdRequest, ...]:
    """In the words of an ad of the catalog, so that something is found."""
    ad = next((one for one in (snapshot.ads[row] for row in range(min(snapshot.n, 100))) if one is not None), None)
    category, title = ("", "") if ad is None else (ad.category, ad.title)
    page = AdRequest(id="warm-page", time_us=now_us, slots=SLOTS, category=category, user="warm")
    search = AdRequest(id="warm-search", time_us=now_us, slots=SLOTS, category=category, query=title)
    product = "" if ad is None else ad.product
    blended = AdRequest(id="warm-blended", time_us=now_us, slots=SLOTS, organic=(product,) if product else ())
    return page, search, blended
