"""The form of an experiment: what the command line refuses it refuses too, beside the field; nothing is guessed."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.console.pages.experiments.form import ARMS, PART, arm_fields, checks_of, experiment_of
from adcascade.experiments.experiment import Experiment, changes_of, checked, variant_of
from adcascade.settings import Settings

VERSIONS = ["20260101T000000-aaaaaaaa"]
CHECKS = checks_of(Settings(directory=Path()), VERSIONS)
FILLED = {
    "name": "rules", "unit": "user", "kind": "fixed", "arm1_name": "control", "arm2_name": "first",
    "arm2_settings": "auction.rule = first_price\n\nengine.prerank=50",
}  # fmt: skip


def made(**more: str) -> tuple[Experiment, tuple[float, ...]]:
    """Of a form that is right."""
    found, wrong = experiment_of(FILLED | more, CHECKS)
    assert wrong == {}
    assert found is not None
    return found


def test_a_form_becomes_what_the_command_makes() -> None:
    """Arms, settings, bundle, unit, window; the same shares for each where none is given."""
    experiment, shares = made(arm3_name="old", arm3_bundle=VERSIONS[0])
    assert experiment.variants == (
        variant_of("control"),
        variant_of("first:auction.rule=first_price,engine.prerank=50"),
        variant_of(f"old:bundle={VERSIONS[0]}"),
    )
    assert (experiment.unit, experiment.adaptive, experiment.window_us) == ("user", False, 7 * 86_400_000_000)
    assert shares == pytest.approx((1 / 3,) * 3)
    adaptive, shares = made(kind="adaptive", floor="10", window="0.5", arm1_share="80", arm2_share="20")
    assert (adaptive.adaptive, adaptive.floor, adaptive.window_us) == (True, 0.1, 43_200_000_000)
    assert shares == pytest.approx((0.8, 0.2))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": "Rules!"}, "name"),
        ({"unit": "page"}, "unit"),
        ({"kind": "adaptive", "floor": "51"}, "floor"),
        ({"kind": "adaptive", "floor": "40", "arm3_name": "c"}, "floor"),
        ({"window": "0"}, "window"),
        ({"window": "nan"}, "window"),
        ({"arm2_name": ""}, "arm2_name"),
        ({"arm2_name": "control"}, "arm2_name"),
        ({"arm2_bundle": "20260101T000000-bbbbbbbb"}, "arm2_bundle"),
        ({"arm2_settings": "auction.rule"}, "arm2_settings"),
        ({"arm2_settings": "auction.rule=dutch"}, "arm2_settings"),
        ({"arm2_settings": "server.port=1"}, "arm2_settings"),
        ({"arm2_settings": "bundle=20260101T000000-aaaaaaaa"}, "arm2_settings"),
        ({"arm2_settings": "engine.prerank=900"}, "arm2_settings"),
        ({"arm1_share": "50"}, "arm2_share"),
        ({"arm1_share": "50", "arm2_share": "60"}, "arm2_share"),
        ({"arm1_share": "x"}, "arm1_share"),
        ({"arm4_share": "5"}, "arm4_name"),
        ({"arm4_settings": "auction.rule=vcg"}, "arm4_name"),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field(more: dict[str, str], field: str) -> None:
    """And nothing is made."""
    found, wrong = experiment_of(FILLED | more, CHECKS)
    assert found is None
    assert list(wrong) == [field]
    assert wrong[field].expected


@given(values=st.fixed_dictionaries({}, optional=dict.fromkeys(CHECKS, st.sampled_from(
    ["", "a", "b", "user", "fixed", "adaptive", "5", "50", "auction.rule=vcg", "auction.rule=", "=", "nan", "-1"]
))))  # fmt: skip
def test_whatever_is_sent_gives_an_experiment_or_a_reason(values: dict[str, str]) -> None:
    """One of the two; an experiment that is made can be run, and its shares sum to 1."""
    found, wrong = experiment_of(values, CHECKS)
    assert (found is None) == bool(wrong)
    assert set(wrong) <= set(CHECKS)
    if found is not None:
        assert checked(found[0]) is found[0]
        assert sum(found[1]) == pytest.approx(1)


def test_every_field_has_a_check() -> None:
    """Of all arms."""
    names = {field.name for number in range(1, ARMS + 1) for field in arm_fields(number, VERSIONS)}
    assert names == {name for name in CHECKS if name.startswith(PART[:3])}


@given(
    changes=st.dictionaries(
        st.from_regex(r"[a-z.]{1,9}", fullmatch=True), st.from_regex(r"[a-z0-9]{0,9}", fullmatch=True)
    )
)
def test_changes_are_read_as_they_are_written(changes: dict[str, str]) -> None:
    """KEY=VALUE, with spaces around and empty lines between."""
    assert changes_of([line for key, value in changes.items() for line in (f" {key} = {value}", "")]) == changes
