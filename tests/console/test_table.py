"""Tables: every row is shown once, in order, whatever is sorted, sought or comes between."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.console.table import Asked, Column, Table, asked_of, cursor_of, page_of, place_of
from adcascade.errors import InputError

COLUMNS = (Column(name="name", label="Name"), Column(name="size", label="Size", number=True))


class Thing(NamedTuple):
    """A row."""

    id: str
    name: str
    size: int


THINGS = st.lists(
    st.builds(Thing, st.text("abc", min_size=1, max_size=4), st.sampled_from(["x", "Yy", "z z"]), st.integers(0, 3)),
    unique_by=lambda thing: thing.id,
    max_size=30,
)
SORTS = st.sampled_from(["name", "-name", "size", "-size"])


def paged(things: list[Thing], sort: str, size: int, search: str = "", late: list[Thing] | None = None) -> list[Thing]:
    """All pages, one after the other; `late` come after the first page."""
    asked, seen = Asked(sort=sort, search=search), []
    while True:
        page, cursor, _ = page_of(
            things, asked, getattr, lambda thing: thing.id,
            lambda thing: thing.name, size=size,
        )  # fmt: skip
        seen.extend(page)
        if not cursor:
            return seen
        things, late = [*things, *(late or [])], []
        asked = Asked(sort=sort, search=search, after=cursor)


@given(things=THINGS, sort=SORTS, size=st.integers(1, 7))
def test_pages_together_are_the_sorted_whole(things: list[Thing], sort: str, size: int) -> None:
    """Each row once, in the order of the column and of the ids where it is equal."""
    name = sort.removeprefix("-")
    whole = sorted(things, key=lambda thing: (getattr(thing, name), thing.id), reverse=sort.startswith("-"))
    assert paged(things, sort, size) == whole


@given(things=THINGS, late=THINGS, sort=SORTS, size=st.integers(1, 7))
def test_rows_that_come_between_shift_nothing(things: list[Thing], late: list[Thing], sort: str, size: int) -> None:
    """Of the rows that were there, each is shown exactly once, whatever is written after the first page."""
    late = [thing._replace(id=f"late-{thing.id}") for thing in late]
    seen = [thing for thing in paged(things, sort, size, late=late) if thing in things]
    assert sorted(seen) == sorted(things)


@given(things=THINGS, search=st.sampled_from(["", "y", "Z", "z z", "q"]))
def test_a_search_finds_what_holds_its_words(things: list[Thing], search: str) -> None:
    """Every word, in any case; and nothing else."""
    found = [thing for thing in things if all(word in thing.name.lower() for word in search.lower().split())]
    assert sorted(paged(things, "name", 5, search)) == sorted(found)


@given(value=st.one_of(st.text(), st.floats(allow_nan=False, allow_infinity=False)), row_id=st.text())
def test_a_cursor_names_its_place(value: str | float, row_id: str) -> None:
    """Written and read, it is the same place."""
    assert place_of(cursor_of(value, row_id)) == (value, row_id)


@pytest.mark.parametrize("cursor", ["x", "====", "e30", "WyJhIl0", "ü"])
def test_a_wrong_cursor_is_said_to_be_one(cursor: str) -> None:
    """With the field and a remedy."""
    with pytest.raises(InputError, match="begin again"):
        place_of(cursor)


def test_an_address_names_a_column() -> None:
    """The heads lead up and down; a column that is none is refused by name."""
    asked = asked_of({"sort": "-size", "search": " a "}, COLUMNS, "name")
    table = Table(name="t", caption="T", columns=COLUMNS, rows=[], asked=asked, url="/t", rows_url="/t/rows")
    assert [table.order(column) for column in COLUMNS] == ["none", "descending"]
    assert table.sorted_link(COLUMNS[1], "/t") == "/t?sort=size&search=a"
    assert table.sorted_link(COLUMNS[0], "/t") == "/t?sort=name&search=a"
    with pytest.raises(InputError, match="name or size"):
        asked_of({"sort": "colour"}, COLUMNS, "name")
