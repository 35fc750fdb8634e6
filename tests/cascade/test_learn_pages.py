"""Explored pages become pages of tokens: who stood where, what was known of it, what was clicked."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from adcascade.auction.blending_stage import log_odds
from adcascade.auction.page_tokens import Kind
from adcascade.auction.products import Products
from adcascade.cascade.learn_pages import Known, PagePlan, Shown, seen_pages
from adcascade.catalog.nouns import Ad
from adcascade.nn.packed import PackedEmbedding, TableConfig

ADS: list[Ad | None] = [Ad(id=str(i), campaign="c", product=f"p{i}") for i in range(4)]


class Features:
    """Four ads with one field and one number: the number is the row."""

    ids = np.arange(1, 5)[:, None]
    dense = np.arange(4, dtype=np.float32)[:, None]

    def __len__(self) -> int:
        return 4


def known() -> Known:
    """A table whose row r holds r, and slot factors 1 and 0.5."""
    table = PackedEmbedding(5, TableConfig(width=1))
    table.weight[:] = np.arange(5, dtype=np.float32)[:, None]
    return Known(
        ranking=cast("Any", SimpleNamespace(table=table)),
        calibration=cast("Any", SimpleNamespace(factors=np.array([1.0, 0.5]))),
        ads=cast("Any", Features()),
        products=Products(
            lambda product: [row for row, ad in enumerate(ADS) if ad is not None and ad.product == product]
        ),
    )


def shown(page: str, slot: int, row: int, click: float, organic: tuple[str, ...] = ()) -> Shown:
    """One ad with a ctr of a tenth of its row and one."""
    return Shown(page=page, slot=slot, row=row, ctr=0.1 * (row + 1), click=click, organic=organic)


def test_rows_of_one_request_become_one_page() -> None:
    """In order of slots, whatever the order of the rows; the layout holds the largest page."""
    rows = [shown("a", 1, 2, 0.0, ("p1", "new")), shown("b", 0, 3, 0.0), shown("a", 0, 0, 1.0, ("p1", "new"))]
    pages, layout = seen_pages(rows, known(), PagePlan(pattern=(1, 3), organic=2))
    assert (layout.slots, layout.organic, len(pages)) == (2, 2, 2)
    items, item = pages.tokens.items, pages.tokens.item
    assert items.kind[item[0]].tolist() == [Kind.AD, Kind.AD, Kind.ORGANIC, Kind.UNKNOWN]
    assert items.kind[item[1]].tolist() == [Kind.AD, Kind.NOTHING, Kind.NOTHING, Kind.NOTHING]
    assert items.numbers[item[0]].tolist() == [[1.0, 0.0], [3.0, 2.0], [2.0, 1.0], [0.0, 0.0]]
    assert pages.tokens.place[0].tolist() == [0, 2, 1, 3]
    assert pages.click[0].tolist() == [1.0, 0.0, 0.0, 0.0]


def test_only_ads_have_clicks_that_are_known() -> None:
    """Organic items are neighbours alone; an ad alone is told by its ctr, in its slot by ctr times factor."""
    rows = [shown("a", 0, 0, 1.0, ("p1",)), shown("a", 3, 1, 0.0, ("p1",))]
    pages, _ = seen_pages(rows, known(), PagePlan(pattern=(1, 3), organic=2))
    assert pages.weight.tolist() == [[1.0, 1.0, 0.0, 0.0]]
    base = pages.tokens.items.base[pages.tokens.item[0]]
    assert base.tolist() == pytest.approx([*log_odds(np.array([0.1, 0.2])).tolist(), 0.0, 0.0])
    assert pages.separable[0, :2].tolist() == pytest.approx(log_odds(np.array([0.1, 0.1])).tolist())


def test_an_empty_log_makes_no_page() -> None:
    """Nothing explored: no pages, and no error."""
    pages, layout = seen_pages([], known(), PagePlan(pattern=(1,), organic=2))
    assert (len(pages), layout.slots) == (0, 1)
