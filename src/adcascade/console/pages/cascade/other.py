"""Under another bundle: the part of a recorded request's page that compares, with the select of the bundles."""

import msgspec

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.bundle_shelf import on_shelf, shelf_of
from adcascade.cascade.under_other import UnderOther
from adcascade.console.form import Choice
from adcascade.console.page import Visit
from adcascade.console.words import moment
from adcascade.errors import BundleError, InputError
from adcascade.events.records import AuctionRecord

MOST = 50  # bundles to choose from, the newest


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """The view. chosen: a version, "" none; told: None where nothing is compared; trouble: why the bundle cannot be."""

    request: str
    choices: tuple[Choice, ...]
    chosen: str = ""
    answered: bool = False  # the chosen one is the bundle that answered
    told: UnderOther | None = None
    said: str = ""  # of the winners
    trouble: str = ""


def choices_of(bundles: Bundles, answered: str) -> tuple[Choice, ...]:
    """The newest bundles that are whole, with what is known of them."""
    found = []
    for one in shelf_of(bundles)[:MOST]:
        if one.manifest is not None and not one.trouble:
            notes = [f"made {moment(one.manifest.created_us)}"]
            notes += ["serves"] * one.serves + ["answered this request"] * (one.version == answered)
            found.append(Choice(one.version, f"{one.version} ({', '.join(notes)})"))
    return tuple(found)


def said_of(told: UnderOther) -> str:
    """Which slots another ad would have, in a sentence."""
    logged, other = ({one.slot: one.ad for one in rule.sold} for rule in (told.logged, told.other))
    slots = sorted(logged.keys() | other.keys())
    moved = [slot for slot in slots if logged.get(slot) != other.get(slot)]
    if not moved:
        return "The same ads win the same slots"
    return f"{len(moved)} of {len(slots)} slots would go to another ad, or to none"


async def other_of(visit: Visit, record: AuctionRecord) -> Other:
    """What the address asks for; InputError where it names no bundle."""
    bundles, chosen = Bundles(visit.desk.settings.bundles_path), visit.query.get("bundle", "")
    choices = await visit.aside(choices_of, bundles, record.bundle)
    if not chosen:
        return Other(request=record.id, choices=choices)
    if not await visit.aside(on_shelf, bundles, chosen):
        raise InputError("bundle", chosen, "the version of a bundle", "the page of models lists them")
    asked = Other(request=record.id, choices=choices, chosen=chosen, answered=chosen == record.bundle)
    try:
        told = await visit.desk.inside.backend.under_other(record, chosen, bundles)
    except BundleError as error:
        return msgspec.structs.replace(asked, trouble=str(error))
    if told is None:
        said = "the log keeps no candidate of this request that is still in the catalog"
        return msgspec.structs.replace(asked, trouble=said)
    return msgspec.structs.replace(asked, told=told, said=said_of(told))
