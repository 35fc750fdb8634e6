"""Forms: each field has a value or what is wrong with it, all at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.access.keys import ROLES
from adcascade.console.form import read, trouble
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
