"""A new experiment: a form, checked as one types; what it makes is a draft, and `/experiments/{name}/start` begins."""

from collections.abc import Mapping

import msgspec

from adcascade.cascade.arms import verify
from adcascade.cascade.bundle import Bundles
from adcascade.console.form import Field, Form, Trouble, Wrong, shown, trouble
from adcascade.console.page import At, Go, Says, Visit
from adcascade.console.pages.experiments.form import (
    ARMS,
    FIXED,
    PART,
    PLAN_FIELDS,
    arm_fields,
    checks_of,
    experiment_of,
)
from adcascade.errors import BundleError, CallerError
from adcascade.experiments.experiment import Experiment

FIRST = {"unit": "user", "kind": FIXED, PART.format(1, "name"): "control"}


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of one arm. given: something is written in it."""

    title: str
    fields: tuple[Field, ...]
    given: bool


class New(msgspec.Struct, frozen=True, kw_only=True):
    """The view. plan: fields that stand before the arms."""

    form: Form
    plan: tuple[Field, ...]
    arms: tuple[Arm, ...]
    status: int = 200


def view_of(versions: list[str], values: Mapping[str, str] | None = None, wrong: dict[str, Wrong] | None = None) -> New:
    """The form, empty or once more. versions: of all bundles."""
    groups = [arm_fields(number, versions) for number in range(1, ARMS + 1)]
    fields = (*PLAN_FIELDS, *(field for group in groups for field in group))
    told = FIRST if values is None else shown(fields, values)
    return New(
        form=Form(
            action="/experiment-new", fields=fields, submit="Go on", values=told, wrong=wrong or {},
            check_url="/experiment-new/check",
        ),
        plan=PLAN_FIELDS,
        arms=tuple(
            Arm(
                title="Base" if number == 1 else f"Arm {number}", fields=group,
                given=number <= 2 or any(told.get(field.name) or field.name in (wrong or {}) for field in group),
            )
            for number, group in enumerate(groups, 1)
        ),
        status=422 if wrong else 200,
    )  # fmt: skip


async def _versions(visit: Visit) -> list[str]:
    bundles = Bundles(visit.desk.settings.bundles_path)
    return list(reversed(await visit.aside(bundles.versions)))


async def show(visit: Visit) -> New:
    """The empty form."""
    return view_of(await _versions(visit))


async def check(visit: Visit) -> Trouble:
    """One field, as one types."""
    return trouble(visit.path["field"], visit.form, checks_of(visit.desk.settings, await _versions(visit)))


async def make(visit: Visit) -> New | Go:
    """A draft; the form comes back with what is wrong with it."""
    versions = await _versions(visit)
    made, wrong = experiment_of(visit.form, checks_of(visit.desk.settings, versions))
    if made is None:
        return view_of(versions, visit.form, wrong)
    experiment, shares = made
    try:
        await visit.aside(verify, visit.desk.settings, experiment)
        await visit.aside(visit.desk.inside.admin.experiments.create, experiment, shares, visit.now_us)
    except BundleError as error:
        return view_of(versions, visit.form, _with_bundle(visit.form, experiment, str(error)))
    except CallerError as error:
        told = Wrong(value=experiment.name, expected="a name that no experiment had", remedy=str(error))
        return view_of(versions, visit.form, {"name": told})
    says = Says(text=f"{experiment.name} is written down. Look at it once more; nothing runs yet.")
    return Go(to=f"/experiments/{experiment.name}/start", says=says)


def _with_bundle(values: Mapping[str, str], experiment: Experiment, told: str) -> dict[str, Wrong]:
    """Beside every field that names a bundle: one of them is damaged."""
    fields = [PART.format(number, "bundle") for number in range(1, ARMS + 1)]
    wrong = Wrong(value="", expected="a bundle as it was written", remedy=told)
    named = {variant.bundle for variant in experiment.variants} - {None}
    return {field: wrong for field in fields if values.get(field) in named}


ROUTES = (
    At(path="/experiment-new", handler=show, template="experiments_new.html", needs="keys:write"),
    At(method="POST", path="/experiment-new", handler=make, template="experiments_new.html", needs="keys:write"),
    At(
        method="POST",
        path="/experiment-new/check/{field}",
        handler=check,
        template="part_trouble.html",
        needs="keys:write",
    ),
)
