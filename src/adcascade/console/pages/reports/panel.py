"""Saved views as the page of reports shows them: those to be opened, the one that is open, and the table of all."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from adcascade.access.keys import Key
from adcascade.console.form import Check, Field, Form, Wrong
from adcascade.console.pages.reports.words import VIEW, address_of, sentence_of, words_of
from adcascade.console.table import Asked, Column, Table, page_of
from adcascade.console.words import moment
from adcascade.errors import InputError
from adcascade.reports.saved_views import LONGEST, SavedView, check_name

LINKS = 30  # on the page itself; all of them are in the table
COLUMNS = (
    Column(name="name", label="View"),
    Column(name="asks", label="Shows", sortable=False),
    Column(name="whose", label="Saved by"),
    Column(name="changed", label="Changed, UTC", number=True),
)
FIELDS = (
    Field(name="name", label="Name", hint=f"At most {LONGEST} characters.", required=True),
    Field(name="shared", label="Shared with everybody who may ask it", kind="checkbox"),
)
CHECKS: dict[str, Check] = {"name": check_name, "shared": lambda text: text == "yes"}
GONE = "The saved view of this address was deleted or is no longer shared; here is what it asked."


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A view to be opened. whose: "" of the visitor's own."""

    name: str
    url: str
    whose: str


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The view that the page was opened from. url: of the view as it is saved; differs: the page asks something else;
    change: the form of an own one."""

    id: str
    name: str
    version: int
    whose: str
    shared: bool
    url: str
    differs: bool
    change: Form | None
    deletes: bool


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says of saved views. total: of all that the visitor sees; words: of the page's address; note: ""
    or a sentence about the one of the address."""

    links: tuple[Link, ...]
    total: int
    save: Form
    words: str
    opened: Opened | None = None
    note: str = ""


class ViewRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table."""

    name: str
    url: str
    asks: str
    whose: str
    state: str
    changed: str


def url_of(view: SavedView) -> str:
    """Where it is opened."""
    return address_of(view.content.words, view.id)


def panel_of(views: Sequence[SavedView], query: Mapping[str, str], key: Key) -> Panel:
    """The panel beside a question. views: all that the key sees, by name."""
    words, wanted = words_of(query, key), query.get(VIEW, "")
    found = next((view for view in views if view.id == wanted), None)
    ordered = sorted(views, key=lambda view: view.owner != key.id)  # own first; names stay in order
    return Panel(
        links=tuple(Link(name=view.name, url=url_of(view), whose=_whose(view, key)) for view in ordered[:LINKS]),
        total=len(views),
        save=save_form(),
        words=urlencode(words),
        opened=None if found is None else opened_of(found, words, key),
        note=GONE if wanted and found is None else "",
    )


def opened_of(view: SavedView, words: Mapping[str, str], key: Key) -> Opened:
    """A view beside the question that the page asks now."""
    change = change_form(view.id, {"name": view.name, "shared": "yes" if view.shared else ""})
    return Opened(
        id=view.id, name=view.name, version=view.version, whose=_whose(view, key), shared=view.shared,
        url=url_of(view), differs=dict(words) != view.content.words,
        change=change if view.owner == key.id else None, deletes=view.deleted_by(key),
    )  # fmt: skip


def save_form(values: dict[str, str] | None = None, wrong: dict[str, Wrong] | None = None) -> Form:
    """The form of a new view."""
    return Form(action="/reports/views", fields=FIELDS, submit="Save", values=values or {}, wrong=wrong or {})


def change_form(view_id: str, values: dict[str, str], wrong: dict[str, Wrong] | None = None) -> Form:
    """The form of a view that is there; its fields are told from those of a new one."""
    fields = tuple(msgspec.structs.replace(one, name=f"its_{one.name}") for one in FIELDS)
    return Form(
        action=f"/reports/views/{view_id}", fields=fields, submit="Rename or share",
        values={f"its_{name}": text for name, text in values.items()},
        wrong={f"its_{name}": one for name, one in (wrong or {}).items()},
    )  # fmt: skip


def table_of(views: Sequence[SavedView], asked: Asked, key: Key) -> Table:
    """All views as a table."""
    page, cursor, total = page_of(
        views, asked, lambda view, column: _value(view, column, key), lambda view: view.id,
        lambda view: f"{view.name} {sentence_of(view.content.words)} {_whose(view, key) or 'you'} {_state(view)}",
    )  # fmt: skip
    rows: list[msgspec.Struct] = [
        ViewRow(
            name=view.name, url=url_of(view), asks=sentence_of(view.content.words), whose=_whose(view, key) or "you",
            state=_state(view), changed=moment(view.changed_us),
        )
        for view in page
    ]  # fmt: skip
    return Table(
        name="views", caption="Saved views", columns=COLUMNS, rows=rows, asked=asked, url="/reports/views",
        rows_url="/reports/views/rows", after=cursor, total=total, empty="No view is saved, or none is found.",
    )  # fmt: skip


def seen_version(text: str) -> int:
    """The version that a form was made for; InputError for what is none."""
    if not text.isascii() or not text.isdigit():
        raise InputError("version", text, "a whole number", "open the view again")
    return int(text)


def _whose(view: SavedView, key: Key) -> str:
    return "" if view.owner == key.id else view.content.by


def _state(view: SavedView) -> str:
    return "shared" if view.shared else ""


def _value(view: SavedView, column: str, key: Key) -> str | float:
    match column:
        case "changed":
            return view.changed_us
        case "whose":
            return _whose(view, key).casefold()
        case _:
            return view.name.casefold()
