"""Pause and resume, one campaign or all that were ticked: each as it was shown, and a word about what was done."""

from collections.abc import Mapping

from adcascade.catalog.audit import Author
from adcascade.catalog.switching import Plan, Switch, switch
from adcascade.console.door import local
from adcascade.console.page import At, Go, Says, Visit
from adcascade.errors import InputError
from adcascade.server.admin.owners import Owners

TICK = "tick."  # a field tick.ID holds the version of the campaign that was shown
DONE: dict[Switch, str] = {"paused": "Paused", "active": "Resumed"}
NAMED = 5  # campaigns, in a sentence


def ticked(form: Mapping[str, str]) -> dict[str, int]:
    """Version by campaign; InputError where one is no number."""
    seen: dict[str, int] = {}
    for name, value in form.items():
        if not name.startswith(TICK):
            continue
        if not (value.isascii() and value.isdigit() and len(value) < 19):
            raise InputError(name, value, "the version of a campaign", "load the list again")
        seen[name.removeprefix(TICK)] = int(value)
    return seen


def status_of(text: str) -> Switch:
    """What is asked for."""
    if text == "paused":
        return "paused"
    if text == "active":
        return "active"
    raise InputError("status", text, " or ".join(DONE))


def says_of(plan: Plan, status: Switch) -> Says:
    """What was done, with counts; and what was left alone, with the reason."""
    said = [f"{DONE[status]} {counted(len(plan.change))}."]
    if plan.already:
        said.append(f"{counted(len(plan.already))} {'was' if len(plan.already) == 1 else 'were'} {status} already.")
    if plan.ended:
        said.append(f"Left alone, since ended: {named(plan.ended)}.")
    if plan.meanwhile:
        said.append(f"Left alone, since somebody else changed it meanwhile; look at it again: {named(plan.meanwhile)}.")
    return Says(text=" ".join(said), tone="bad" if plan.meanwhile or plan.ended else "good")


def counted(number: int) -> str:
    """1 campaign, 2 campaigns."""
    return f"{number:,} campaign{'s' * (number != 1)}"


def named(ids: tuple[str, ...]) -> str:
    """The first few ids, and how many more."""
    more = f" and {len(ids) - NAMED:,} more" if len(ids) > NAMED else ""
    return ", ".join(ids[:NAMED]) + more


async def change(visit: Visit) -> Go:
    """As the admin API would: own campaigns only, one version, one line of the audit log for each."""
    to = local(visit.form.get("back", "/campaigns"))
    seen, status = ticked(visit.form), status_of(visit.form.get("status", ""))
    if not seen:
        return Go(to=to, says=Says(text="Nothing was done: tick campaigns first.", tone="bad"))
    store = visit.desk.inside.admin.catalog
    if visit.key is not None:
        await Owners(store).check_ids(visit.key, "campaigns", list(seen))
    plan = await visit.aside(switch, store, seen, status, Author(who=visit.by, time_us=visit.now_us))
    return Go(to=to, says=says_of(plan, status))


ROUTES = (At(method="POST", path="/campaign-status", handler=change, needs="catalog:write"),)
