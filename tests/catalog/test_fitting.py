"""Laws of fitting: what is kept by the slots is what would be found anew."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.catalog.bitmaps import pack
from adcascade.catalog.fitting import KEPT, Fitting
from adcascade.catalog.formats import Shape, shape_fits
from adcascade.catalog.rowsets import RowSets
from adcascade.contracts import Slot
from adcascade.contracts.request import Look

SHAPES = [Shape("banner", 300, 250), Shape("banner", 728, 90), Shape("product"), Shape("native")]
slots = st.builds(
    Slot,
    id=st.sampled_from("st"),
    format=st.sampled_from(["product", "banner", "native", "video"]),
    width=st.sampled_from([0, 300]),
    floor_micros=st.integers(0, 1),
    also=st.sampled_from([(), (Look(format="native"),)]),
)


@given(pages=st.lists(st.lists(slots, max_size=2), max_size=6), moved=st.integers(0, 5))
def test_rows_fit_as_their_shapes_do(pages: list[list[Slot]], moved: int) -> None:
    """Of any pages in a row, and after a shape went to other rows."""
    of_row = [SHAPES[row % len(SHAPES)] for row in range(16)]
    sets: RowSets[Shape] = RowSets()
    sets.grow(2)
    for row, shape in enumerate(of_row):
        sets.add(shape, np.array([row], np.int32))
    fitting = Fitting(sets)
    for number, page in enumerate(pages):
        if number == moved:
            sets.discard(of_row[0], np.array([0], np.int32))
            of_row[0] = SHAPES[3]
            sets.add(of_row[0], np.array([0], np.int32))
            fitting.forget()
        expected = pack(np.array([any(shape_fits(shape, slot) for slot in page) for shape in of_row]))
        np.testing.assert_array_equal(fitting.of(page, 2), expected)


def test_however_many_pages_differ_few_are_kept() -> None:
    """Sizes come from outside: what is kept does not grow with them."""
    fitting = Fitting(RowSets())
    for width in range(3 * KEPT):
        fitting.of([Slot(id="s", format="banner", width=width)], 1)
    assert len(fitting._kept) <= KEPT
