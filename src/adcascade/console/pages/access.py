"""Access: who may use the admin API and this console; for administrators. A key is shown once, when it is made.

It is also the example of docs/console.md: a table, a form with checks as one types, and something done with a word
about it.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from adcascade.access.keys import ROLES, Key, Role
from adcascade.access.store import LONGEST, MAX_DAYS
from adcascade.console.form import Choice, Field, Form, Trouble, Wrong, read, shown, trouble
from adcascade.console.page import At, Go, Page, Says, Visit
from adcascade.console.table import Asked, Column, Table, asked_of, page_of
from adcascade.console.words import moment
from adcascade.errors import InputError

COLUMNS = (
    Column(name="name", label="Name"),
    Column(name="role", label="Role"),
    Column(name="advertisers", label="Advertisers"),
    Column(name="created", label="Made", number=True),
    Column(name="used", label="Used last", number=True),
    Column(name="state", label="State"),
)
FIELDS = (
    Field(name="name", label="Name", hint="Whose key it is.", required=True),
    Field(
        name="role",
        label="Role",
        kind="select",
        choices=tuple(Choice(role, role.capitalize()) for role in ROLES),
        hint="A viewer reads, a manager changes campaigns, an administrator does everything.",
    ),
    Field(name="advertisers", label="Only these advertisers", hint="Ids with commas between them; empty: all."),
    Field(name="days", label="Days until it expires", kind="number", hint=f"1 to {MAX_DAYS}; empty: never."),
)


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the table."""

    id: str
    name: str
    role: str
    advertisers: str
    created: str
    used: str
    state: str
    in_force: bool
    own: bool  # the visitor's


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the page. made: the text of a key that was made just now."""

    table: Table
    form: Form
    made: str = ""
    status: int = 200


def _state(key: Key, now_us: int) -> str:
    why = key.why_not(now_us)
    return why.removeprefix("was ").removeprefix("has ") or "in force"


def _value(key: Key, column: str, now_us: int) -> str | float:
    match column:
        case "created":
            return key.created_us
        case "used":
            return key.used_us or 0
        case "state":
            return _state(key, now_us)
        case "advertisers":
            return ", ".join(key.advertisers)
        case _:
            return cast("str", getattr(key, column))


def table_of(keys: Sequence[Key], asked: Asked, now_us: int, own: str = "") -> Table:
    """The keys as a table. own: id of the visitor's key."""
    page, cursor, total = page_of(
        keys, asked, lambda key, column: _value(key, column, now_us), lambda key: key.id,
        lambda key: f"{key.id} {key.name} {key.role} {' '.join(key.advertisers)} {_state(key, now_us)}",
    )  # fmt: skip
    rows: list[msgspec.Struct] = [
        KeyRow(
            id=key.id, name=key.name, role=key.role, advertisers=", ".join(key.advertisers) or "all",
            created=moment(key.created_us), used=moment(key.used_us), state=_state(key, now_us),
            in_force=not key.why_not(now_us), own=key.id == own,
        )
        for key in page
    ]  # fmt: skip
    return Table(
        name="keys", caption="Keys", columns=COLUMNS, rows=rows, asked=asked, url="/access", rows_url="/access/rows",
        after=cursor, total=total,
    )  # fmt: skip


def form_of(values: Mapping[str, str] | None = None, wrong: dict[str, Wrong] | None = None) -> Form:
    """The form of a new key."""
    values = {"role": "viewer"} if values is None else shown(FIELDS, values)
    return Form(
        action="/access", fields=FIELDS, submit="Make a key", values=values, wrong=wrong or {},
        check_url="/access/check",
    )  # fmt: skip


# ---- checks, one a field


def check_name(text: str) -> str:
    """Printable, and not too long."""
    if not text or len(text) > LONGEST or not text.isprintable():
        raise InputError("name", text, f"1 to {LONGEST} printable characters", "say whose key it is")
    return text


def check_role(text: str) -> Role:
    """One that there is."""
    if text not in ROLES:
        raise InputError("role", text, " or ".join(ROLES))
    return text


def check_advertisers(text: str) -> tuple[str, ...]:
    """Ids with commas between them."""
    found = tuple(one.strip() for one in text.split(",")) if text else ()
    if not all(one.isprintable() and one for one in found):
        raise InputError("advertisers", text, "ids with commas between them", "leave it empty for all advertisers")
    return found


def check_days(text: str) -> float | None:
    """A number of days; none: for ever."""
    if not text:
        return None
    try:
        days = float(text)
    except ValueError as error:
        raise InputError("days", text, "a number") from error
    if not 0 < days <= MAX_DAYS:
        raise InputError("days", text, f"more than 0, at most {MAX_DAYS}")
    return days


CHECKS = {"name": check_name, "role": check_role, "advertisers": check_advertisers, "days": check_days}

# ---- handlers


async def show(visit: Visit) -> Access:
    """The page."""
    return Access(table=await rows(visit), form=form_of())


async def rows(visit: Visit) -> Table:
    """The table alone, for sorting and searching without the rest; further rows where `after` is given."""
    asked = asked_of(visit.query, COLUMNS, "-created")
    keys = await visit.aside(visit.desk.inside.admin.keys.all)
    return table_of(keys, asked, visit.now_us, "" if visit.key is None else visit.key.id)


async def check(visit: Visit) -> Trouble:
    """One field, as one types."""
    return trouble(visit.path["field"], visit.form, CHECKS)


async def make(visit: Visit) -> Access:
    """A new key; its text is shown this once."""
    good, wrong = read(visit.form, CHECKS)
    if wrong:
        return Access(table=await rows(visit), form=form_of(visit.form, wrong), status=422)
    store = visit.desk.inside.admin.keys
    _, text = await visit.aside(
        store.create, good["name"], good["role"], now_us=visit.now_us, by=visit.by,
        advertisers=good["advertisers"], days=good["days"],
    )  # fmt: skip
    return Access(table=await rows(visit), form=form_of(), made=text)


async def revoke(visit: Visit) -> Go:
    """The key, and every session of it, opens nothing from now on."""
    key = await visit.aside(visit.desk.inside.admin.keys.revoke, visit.path["id"], visit.now_us)
    return Go(to="/access", says=Says(text=f"The key of {key.name} is revoked."))


async def sign_out(visit: Visit) -> Go:
    """Every session of the key is over; the key signs in on."""
    key = await visit.aside(visit.desk.inside.admin.keys.end_sessions, visit.path["id"], visit.now_us)
    return Go(to="/access", says=Says(text=f"{key.name} is signed out in every browser; the key goes on to open."))


PAGE = Page(
    name="access",
    title="Access",
    path="/access",
    needs="keys:write",
    whole_house=True,  # who is for some advertisers only makes no keys for others
    routes=(
        At(path="/access", handler=show, template="access.html"),
        At(path="/access/rows", handler=rows, template="access_rows.html"),
        At(method="POST", path="/access", handler=make, template="access.html"),
        At(method="POST", path="/access/check/{field}", handler=check, template="part_trouble.html"),
        At(method="POST", path="/access/{id}/sign-out", handler=sign_out),
        At(method="POST", path="/access/{id}/revoke", handler=revoke),
    ),
)
