"""Forms: each field has a value or what is wrong with it, all at once."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.access.keys import ROLES
from adcascade.console.form import Field, Form, Group, Rule, Wrong, read, trouble
from adcascade.console.pages.access import CHECKS, FIELDS, form_of
from adcascade.errors import InputError

GOOD = {"name": "ann", "role": "viewer", "advertisers": "a, b", "days": "30"}


@given(values=st.dictionaries(st.sampled_from(sorted(CHECKS)), st.text(max_size=20)))
def test_a_field_is_read_or_wrong(values: dict[str, str]) -> None:
    """Whatever is typed, every field is one of the two, and what is wrong says what was expected."""
    good, wrong = read(values, CHECKS)
    assert set(good) | set(wrong) == set(CHECKS)
    assert not set(good) & set(wrong)
    assert all(one.expected for one in wrong.values())
    for name in CHECKS:
        assert (trouble(name, values, CHECKS).wrong is None) == (name in good)


def test_what_is_read_is_typed() -> None:
    """Text becomes what the store takes."""
    assert read(GOOD, CHECKS) == ({"name": "ann", "role": "viewer", "advertisers": ("a", "b"), "days": 30.0}, {})


@pytest.mark.parametrize(
    ("name", "text"), [("days", "0"), ("days", "x"), ("days", "nan"), ("role", "king"), ("name", "")]
)
def test_what_is_wrong_is_kept_beside_its_field(name: str, text: str) -> None:
    """The form that comes back holds what was typed, and the trouble of that field alone."""
    values = GOOD | {name: text}
    _, wrong = read(values, CHECKS)
    form = form_of(values, wrong)
    assert set(form.wrong) == {name}
    assert form.values == values


def test_no_check_for_what_is_no_field() -> None:
    """A name that no field has is refused; every field has a check."""
    with pytest.raises(InputError, match="name or role"):
        trouble("colour", {}, CHECKS)
    assert {field.name for field in FIELDS} == set(CHECKS)
    assert {choice.value for choice in FIELDS[1].choices} == set(ROLES)


def digits(text: str) -> int:
    """A check."""
    if not text.isdigit():
        raise InputError("number", text, "a number")
    return int(text)


def ascending(good: Mapping[str, Any]) -> None:
    """A rule of two fields."""
    if good["low"] > good["high"]:
        raise InputError("high", good["high"], "at least the low one")


PAIR = {"low": digits, "high": digits, "other": digits}
TIE = [Rule(("low", "high"), ascending)]


@given(values=st.fixed_dictionaries(dict.fromkeys(PAIR, st.sampled_from(["", "1", "2", "x"]))))
def test_a_rule_is_asked_where_its_fields_can_be_used(values: dict[str, str]) -> None:
    """Then it names the field that is wrong; one that cannot be used by itself says what its own check says."""
    good, wrong = read(values, PAIR, TIE)
    by_itself = read(values, PAIR)[1]
    usable = not {"low", "high"} & by_itself.keys()
    broken = usable and int(values["low"]) > int(values["high"])
    assert set(wrong) == set(by_itself) | ({"high"} if broken else set())
    assert set(good) | set(wrong) == set(PAIR)
    told = trouble("low", values, PAIR, TIE)
    assert told.wrong == by_itself.get("low")
    assert [one.name for one in told.others] == ([] if "high" in by_itself else ["high"])
    assert all((one.wrong is not None) == broken for one in told.others)
    assert trouble("other", values, PAIR, TIE).others == ()


def test_a_folded_group_opens_for_what_is_told_or_wrong() -> None:
    """Nothing that is to be mended is hidden; what the form does not show is told last."""
    group = Group(name="g", legend="G", folded=True)
    fields = (Field(name="a", label="A", group="g"), Field(name="b", label="B"))
    wrong = Wrong(value="", expected="x")
    form = Form(action="/", fields=fields, submit="Go", groups=(group,))
    assert not form.opened(group)
    assert Form(action="/", fields=fields, submit="Go", values={"a": "1"}).opened(group)
    assert Form(action="/", fields=fields, submit="Go", focus="a").opened(group)
    told = Form(action="/", fields=fields, submit="Go", wrong={"z": wrong, "b": wrong, "a": wrong})
    assert told.opened(group)
    assert [field.label for field, _ in told.troubles()] == ["A", "B", "z"]
