"""Form: fields as data, values as they were typed, and what is wrong with each, beside it.

A page gives a check for each field: a function from the text to a value that raises `InputError` with what it
expected. `read` runs them all, so that a form shows everything that is wrong at once; as one types, the same check
runs for the one field. What fields must obey together is a `Rule`: it names the field that is wrong, and as one types
it is asked for every field that it ties to this one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from adcascade.errors import InputError

Check = Callable[[str], Any]
Kind = Literal["text", "number", "password", "select", "checkbox", "textarea", "datetime", "suggest"]


class Rule(NamedTuple):
    """What fields must obey together. check: of what their own checks made, where all of them can be used; it raises
    InputError whose field is the one of them that is wrong."""

    fields: tuple[str, ...]
    check: Callable[[Mapping[str, Any]], None]


class Choice(msgspec.Struct, frozen=True):
    """One of a select's options."""

    value: str
    label: str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. hint: stands below the label; autocomplete: as HTML has it; group: name of its group.

    kind "datetime": a day and a time on the wall, as 2026-05-01T08:00; "suggest": a text, and `choices` to take it
    from, which `options_url` tells anew as one types, asked with the field itself. only: seen where a select of its
    group has this choice (styles know "video" and "native").
    """

    name: str
    label: str
    kind: Kind = "text"
    hint: str = ""
    required: bool = False
    autocomplete: str = "off"
    choices: tuple[Choice, ...] = ()
    options_url: str = ""
    group: str = ""
    only: str = ""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A frame that shows what a group's fields make. action: the form is sent there, and nothing is saved; src: what
    it shows at first, "" for nothing."""

    action: str
    title: str
    src: str = ""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Fields that belong together. folded: closed until something of it is told or wrong; row: beside each other;
    more: words of a button that asks for one more such group, sent as `more` with the group's name."""

    name: str
    legend: str
    hint: str = ""
    folded: bool = False
    row: bool = False
    more: str = ""
    preview: Preview | None = None


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """What a value is, what was expected, and what to do."""

    value: str
    expected: str
    remedy: str = ""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form to be shown. check_url: asked as one types, with "/NAME" behind it; empty: only when it is sent.

    groups: in order; of a form with groups every field has one, and what is wrong is told at its top with links to the
    fields; hidden: further fields, as they are sent; focus: name of the field that gets it.
    """

    action: str
    fields: tuple[Field, ...]
    submit: str
    values: dict[str, str] = {}
    wrong: dict[str, Wrong] = {}
    check_url: str = ""
    groups: tuple[Group, ...] = ()
    hidden: dict[str, str] = {}
    focus: str = ""

    def fields_of(self, group: Group) -> list[Field]:
        """In order."""
        return [field for field in self.fields if field.group == group.name]

    def opened(self, group: Group) -> bool:
        """Whether a group that may be folded is to be seen."""
        return not group.folded or any(
            self.values.get(one.name) or one.name in self.wrong or one.name == self.focus
            for one in self.fields_of(group)
        )

    def troubles(self) -> list[tuple[Field, Wrong]]:
        """What is wrong, in the order of the fields; last, what is wrong with something that the form does not show."""
        shown = {field.name: field for field in self.fields if field.name in self.wrong}
        unseen = {name: Field(name=name, label=name) for name in self.wrong if name not in shown}
        return [(field, self.wrong[name]) for name, field in {**shown, **unseen}.items()]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """The view of one field's check; wrong None: nothing is. others: what rules say of the fields tied to it."""

    name: str
    wrong: Wrong | None
    others: tuple["Trouble", ...] = ()


def wrong_of(error: InputError) -> Wrong:
    """As a form shows it."""
    return Wrong(value=str(error.value)[:80], expected=error.expected, remedy=error.remedy)


def read(
    values: Mapping[str, str], checks: Mapping[str, Check], rules: Sequence[Rule] = ()
) -> tuple[dict[str, Any], dict[str, Wrong]]:
    """What the checks made of the values, and what is wrong; one of the two for each check.

    A rule is asked where all its fields can be used, whatever the other rules say.
    """
    made: dict[str, Any] = {}
    wrong: dict[str, Wrong] = {}
    for name, check in checks.items():
        try:
            made[name] = check(values.get(name, "").strip())
        except InputError as error:
            wrong[name] = wrong_of(error)
    for fields, check_all in rules:
        if not made.keys() >= set(fields):
            continue
        try:
            check_all(made)
        except InputError as error:
            wrong.setdefault(error.field, wrong_of(error))
    return {name: value for name, value in made.items() if name not in wrong}, wrong


def trouble(name: str, values: Mapping[str, str], checks: Mapping[str, Check], rules: Sequence[Rule] = ()) -> Trouble:
    """What is wrong with one field, and with those that rules tie to it, as far as they can be used by themselves;
    InputError where the form has no such field."""
    if name not in checks:
        raise InputError("field", name, " or ".join(checks))
    asked = [rule for rule in rules if name in rule.fields]
    tied = dict.fromkeys(other for rule in asked for other in rule.fields if other != name)
    every = [rule for rule in rules if {name, *tied} & set(rule.fields)]
    wanted = {one: checks[one] for rule in every for one in rule.fields} | {name: checks[name]}
    usable, _ = read(values, wanted)
    _, wrong = read(values, wanted, every)
    others = tuple(Trouble(name=other, wrong=wrong.get(other)) for other in tied if other in usable)
    return Trouble(name=name, wrong=wrong.get(name), others=others)


def shown(fields: Sequence[Field], values: Mapping[str, str]) -> dict[str, str]:
    """What a form that is shown again holds: the fields' values, but for secrets."""
    return {one.name: values.get(one.name, "") for one in fields if one.kind != "password"}
