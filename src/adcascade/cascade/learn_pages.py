"""Learning the page model: the log's explored pages become pages of tokens (imports torch).

A page is what one explored request showed: its ads, seen by the shopper, in order of their slots, around the organic
products that it named. What an ad is alone is the calibrated first-slot probability of the ranker that was just
trained; what is known of an ad or product are the ranker's embeddings and numbers of it. Of organic products no
clicks are logged: they stand there as neighbours.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adcascade.auction.blending_stage import log_odds
from adcascade.auction.page_learn import PageModelLearner, PageTraining, SeenPages
from adcascade.auction.page_tokens import Items, Kind, Layout, PageTokens
from adcascade.auction.products import Products
from adcascade.auction.slates import page_places
from adcascade.calibration.learn import CalibrationLearner
from adcascade.cascade.learn_ranking import Trained, judge_table
from adcascade.events.samples import Samples
from adcascade.features.ads import AdFeatures


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePlan:
    """Where slots stand among organic items, and how many of these a page model looks at."""

    pattern: tuple[int, ...]
    organic: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the cascade has learned of ads before it learns of pages."""

    ranking: Trained
    calibration: CalibrationLearner
    ads: AdFeatures
    products: Products


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One ad of an explored page."""

    page: str  # id of the request
    slot: int
    row: int  # of the catalog
    ctr: float  # P(click) in the first slot, calibrated
    click: float
    organic: tuple[str, ...]


def explored(samples: Samples, known: Known) -> Iterator[Shown]:
    """Every ad that exploration showed, in order of time."""
    for table in samples.tables():
        chance = table.filter(pc.and_(pc.equal(table["logged_policy"], "exploration"), table["click"].is_valid()))
        if not len(chance):
            continue
        judged = judge_table(known.ranking, chance, fields=known.calibration.fields)
        ctr = known.calibration.calibrated(judged.first, judged.scenario, judged.rows)
        organic = _lists(chance, "organic")
        columns = (chance[name].to_pylist() for name in ("request_id", "position", "logged_ad", "click"))
        for page, slot, row, click, p, around in zip(*columns, ctr.tolist(), organic, strict=True):
            yield Shown(page=page, slot=slot, row=row, ctr=p, click=click, organic=tuple(around or ()))


def _lists(table: pa.Table, name: str) -> list[list[str] | None]:
    return table[name].to_pylist() if name in table.column_names else [None] * len(table)


def seen_pages(shown: Iterable[Shown], known: Known, plan: PagePlan) -> tuple[SeenPages, Layout]:
    """The pages in order of time, and what fits on the largest of them."""
    by_page: dict[str, list[Shown]] = {}
    for one in shown:
        by_page.setdefault(one.page, []).append(one)
    pages = [sorted(page, key=lambda one: one.slot) for page in by_page.values()]
    layout = Layout(slots=max(map(len, pages), default=1), organic=plan.organic, pattern=plan.pattern)
    factors = known.calibration.factors.tolist()
    catalog = np.arange(len(known.ads), dtype=np.int32)  # an organic item is the row of its ad, or the unknown product
    flat = [one for page in pages for one in page]
    rows = np.concatenate((catalog, np.array([one.row for one in flat], np.int32)))
    unknown, first, nothing = len(catalog), len(catalog) + 1, len(rows) + 1
    item = np.full((len(pages), layout.tokens), nothing, np.int64)
    place, click = np.zeros_like(item), np.zeros(item.shape, np.float32)
    weight, separable = click.copy(), click.copy()
    for p, page in enumerate(pages):
        m = len(page)
        around = known.products.rows(page[0].organic[: plan.organic])
        o = slice(layout.slots, layout.slots + len(around))
        place[p, :m], place[p, o] = page_places(m, len(around), plan.pattern)
        item[p, :m], item[p, o] = np.arange(first, first + m), np.where(around >= 0, around, unknown)
        click[p, :m], weight[p, :m] = [one.click for one in page], 1.0
        factor = [factors[min(one.slot, len(factors) - 1)] for one in page]
        separable[p, :m] = log_odds(np.array([one.ctr for one in page]) * factor)
        first += m
    tokens = PageTokens(items=_items(rows, flat, known), item=item, place=place)
    return SeenPages(tokens=tokens, click=click, weight=weight, separable=separable), layout


def _items(rows: NDArray[np.int32], flat: Sequence[Shown], known: Known) -> Items:
    """The catalog as organic items, the unknown product, the shown ads, nothing."""
    embedded = known.ranking.table.look_up(known.ads.ids[rows]).reshape(len(rows), -1)
    vectors, organic = np.concatenate((embedded, known.ads.dense[rows]), axis=1, dtype=np.float32), len(known.ads)
    blank = np.zeros((1, vectors.shape[1]), np.float32)
    base = log_odds(np.array([one.ctr for one in flat]))
    kind = np.repeat([Kind.ORGANIC, Kind.UNKNOWN, Kind.AD, Kind.NOTHING], [organic, 1, len(flat), 1])
    return Items(
        numbers=np.concatenate((vectors[:organic], blank, vectors[organic:], blank)),
        base=np.concatenate((np.zeros(organic + 1, np.float32), base, np.zeros(1, np.float32))),
        kind=kind.astype(np.int64),
    )


def learn_pages(samples: Samples, known: Known, plan: PagePlan, *, seed: int = 0) -> PageModelLearner:
    """A learner that has seen the log's explored pages; its model is None where they were too few or taught nothing."""
    pages, layout = seen_pages(explored(samples, known), known, plan)
    learner = PageModelLearner(layout=layout, training=PageTraining(seed=seed))
    learner.fit(pages)
    return learner
