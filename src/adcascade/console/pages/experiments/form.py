"""The form of a new experiment: a base and up to four other arms; every field is checked as the command line does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from adcascade.console.form import Check, Choice, Field, Wrong, read, wrong_of
from adcascade.errors import ConfigurationError, InputError
from adcascade.experiments.experiment import (
    BUNDLE,
    NAME,
    Experiment,
    Variant,
    changes_of,
    checked,
    checked_shares,
    even_shares,
)
from adcascade.settings import Settings, changed_settings

ARMS = 5  # the base among them
PART = "arm{}_{}"  # of a field's name
DAY_US = 86_400_000_000
MOST_DAYS = 90
FIXED, ADAPTIVE = "fixed", "adaptive"
EXPECTED_NAME = "a short name of a-z, 0-9, '_', '.' and '-'"

PLAN_FIELDS = (
    Field(name="name", label="Name", hint="Of a-z, 0-9, '_', '.' and '-'; it spreads the units, and is used once.",
          required=True),
    Field(name="unit", label="Unit", kind="select", choices=(Choice("user", "User"), Choice("request", "Request")),
          hint="A user keeps to one arm; without consent, and with Request, every request is a unit."),
    Field(name="kind", label="Traffic", kind="select",
          choices=(Choice(FIXED, "Fixed shares"), Choice(ADAPTIVE, "Adaptive: follow the conversions")),
          hint="Fixed to know every arm equally well; adaptive to lose few conversions meanwhile."),
    Field(name="floor", label="Least share of an arm, percent", kind="number", hint="Only where adaptive. Empty: 5."),
    Field(name="window", label="A conversion counts so many days after its click", kind="number",
          hint=f"More than 0, at most {MOST_DAYS}. Empty: 7."),
)  # fmt: skip


def arm_fields(number: int, versions: Sequence[str]) -> tuple[Field, ...]:
    """Of one arm. number: 1 is the base; versions: of the bundles that may answer for it."""
    bundles = (Choice("", "The one that serves"), *(Choice(one, one) for one in versions))
    optional = "" if number <= 2 else "Empty: no such arm."
    return (
        Field(name=PART.format(number, "name"), label="Name", hint=optional, required=number <= 2),
        Field(name=PART.format(number, "bundle"), label="Bundle", kind="select", choices=bundles),
        Field(name=PART.format(number, "settings"), label="Settings", kind="textarea",
              hint="KEY=VALUE, one a line: auction.rule=first_price. Empty: as the installation is."),
        Field(name=PART.format(number, "share"), label="Share of new units, percent", kind="number",
              hint="Empty in all arms: the same for each."),
    )  # fmt: skip


# ---- checks, one a field


def check_name(text: str) -> str:
    """As the store takes it."""
    if not NAME.fullmatch(text):
        raise InputError("name", text, EXPECTED_NAME)
    return text


def check_optional(text: str) -> str:
    """A name, or nothing."""
    return check_name(text) if text else ""


def chosen_of(*known: str) -> Callable[[str], str]:
    """A check for one of these."""

    def check(text: str) -> str:
        if text not in known:
            raise InputError("choice", text, " or ".join(one or "nothing" for one in known))
        return text

    return check


def number_of(text: str, low: float, high: float, otherwise: float | None) -> float | None:
    """A number from low to high; `otherwise` where nothing is written."""
    if not text:
        return otherwise
    try:
        value = float(text)
    except ValueError as error:
        raise InputError("number", text, "a number") from error
    if not low <= value <= high:
        raise InputError("number", text, f"from {low:g} to {high:g}")
    return value


def check_window(text: str) -> int:
    """Microseconds."""
    return round((number_of(text, 1 / 1440, MOST_DAYS, 7.0) or 0.0) * DAY_US)


def settings_check(settings: Settings) -> Callable[[str], dict[str, str]]:
    """A check of KEY=VALUE lines against the installation."""

    def check(text: str) -> dict[str, str]:
        changes = changes_of(text.splitlines())
        if changes is None or BUNDLE in changes:
            raise InputError("settings", text, "KEY=VALUE, one a line", "as auction.rule=first_price")
        try:
            changed_settings(settings, changes)
        except ConfigurationError as error:
            raise InputError("settings", text, "settings that an arm may have", str(error)) from error
        return changes

    return check


def checks_of(settings: Settings, versions: Sequence[str]) -> dict[str, Check]:
    """Of every field."""
    checks: dict[str, Check] = {
        "name": check_name,
        "unit": chosen_of("user", "request"),
        "kind": chosen_of(FIXED, ADAPTIVE),
        "floor": lambda text: number_of(text, 0, 50, 5.0),
        "window": check_window,
    }
    for number in range(1, ARMS + 1):
        checks |= {
            PART.format(number, "name"): check_name if number <= 2 else check_optional,
            PART.format(number, "bundle"): chosen_of("", *versions),
            PART.format(number, "settings"): settings_check(settings),
            PART.format(number, "share"): lambda text: number_of(text, 0, 100, None),
        }
    return checks


# ---- the whole


def experiment_of(
    values: Mapping[str, str], checks: Mapping[str, Check]
) -> tuple[tuple[Experiment, tuple[float, ...]] | None, dict[str, Wrong]]:
    """The experiment and its shares, or what is wrong with which field."""
    good, wrong = read(values, checks)
    if wrong:
        return None, wrong
    numbers = [number for number in range(1, ARMS + 1) if good[PART.format(number, "name")]]
    wrong = dict(_misplaced(good, numbers))
    if wrong:
        return None, wrong
    adaptive = good["kind"] == ADAPTIVE
    experiment = Experiment(
        name=good["name"], variants=tuple(_variant(good, number) for number in numbers), unit=good["unit"],
        adaptive=adaptive, floor=good["floor"] / 100 if adaptive else 0.0, window_us=good["window"],
    )  # fmt: skip
    try:
        checked(experiment)
    except InputError as error:
        field = {"floor": "floor", "window": "window"}.get(error.field, PART.format(2, "name"))
        return None, {field: wrong_of(error)}
    try:
        return (experiment, _shares(good, numbers, experiment)), {}
    except InputError as error:
        return None, {PART.format(numbers[-1], "share"): wrong_of(error)}


def _misplaced(good: Mapping[str, Any], numbers: Sequence[int]) -> Iterator[tuple[str, Wrong]]:
    """Settings, bundles and shares of arms without a name."""
    for number in range(1, ARMS + 1):
        told = [good[PART.format(number, part)] for part in ("bundle", "settings", "share")]
        if number not in numbers and any(one not in ("", {}, None) for one in told):
            yield PART.format(number, "name"), Wrong(value="", expected="a name, since the arm has other fields")


def _variant(good: Mapping[str, Any], number: int) -> Variant:
    bundle = good[PART.format(number, "bundle")]
    own = {BUNDLE: bundle} if bundle else {}
    return Variant(name=good[PART.format(number, "name")], changes=own | good[PART.format(number, "settings")])


def _shares(good: Mapping[str, Any], numbers: Sequence[int], experiment: Experiment) -> tuple[float, ...]:
    given = [good[PART.format(number, "share")] for number in numbers]
    if all(share is None for share in given):
        return even_shares(experiment)
    told = " + ".join("nothing" if share is None else f"{share:g}" for share in given)
    if None in given:
        raise InputError("shares", told, "a share in every arm, or in none")
    try:
        return checked_shares(experiment, tuple(share / 100 for share in given))
    except InputError as error:
        raise InputError("shares", told, "shares that sum to 100 percent") from error
