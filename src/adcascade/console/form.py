"""Form: fields as data, values as they were typed, and what is wrong with each, beside it.

A page gives a check for each field: a function from the text to a value that raises `InputError` with what it
expected. `read` runs them all, so that a form shows everything that is wrong at once; as one types, the same check
runs for the one field.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from adcascade.errors import InputError

Check = Callable[[str], Any]


class Choice(msgspec.Struct, frozen=True):
    """One of a select's options."""

    value: str
    label: str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. hint: stands below the label; autocomplete: as HTML has it."""

    name: str
    label: str
    kind: Literal["text", "number", "password", "select", "checkbox", "textarea"] = "text"
    hint: str = ""
    required: bool = False
    autocomplete: str = "off"
    choices: tuple[Choice, ...] = ()


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """What a value is, what was expected, and what to do."""

    value: str
    expected: str
    remedy: str = ""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form to be shown. check_url: asked as one types, with "/NAME" behind it; empty: only when it is sent."""

    action: str
    fields: tuple[Field, ...]
    submit: str
    values: dict[str, str] = {}
    wrong: dict[str, Wrong] = {}
    check_url: str = ""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """The view of one field's check; wrong None: nothing is."""

    name: str
    wrong: Wrong | None


def wrong_of(error: InputError) -> Wrong:
    """As a form shows it."""
    return Wrong(value=str(error.value)[:80], expected=error.expected, remedy=error.remedy)


def read(values: Mapping[str, str], checks: Mapping[str, Check]) -> tuple[dict[str, Any], dict[str, Wrong]]:
    """What the checks made of the values, and what is wrong; one of the two for each check."""
    good: dict[str, Any] = {}
    wrong: dict[str, Wrong] = {}
    for name, check in checks.items():
        try:
            good[name] = check(values.get(name, "").strip())
        except InputError as error:
            wrong[name] = wrong_of(error)
    return good, wrong


def trouble(name: str, values: Mapping[str, str], checks: Mapping[str, Check]) -> Trouble:
    """What is wrong with one field; InputError where the form has no such field."""
    if name not in checks:
        raise InputError("field", name, " or ".join(checks))
    return Trouble(name=name, wrong=read(values, {name: checks[name]})[1].get(name))


def shown(fields: Sequence[Field], values: Mapping[str, str]) -> dict[str, str]:
    """What a form that is shown again holds: the fields' values, but for secrets."""
    return {one.name: values.get(one.name, "") for one in fields if one.kind != "password"}
