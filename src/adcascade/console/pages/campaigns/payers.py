"""Payers: the advertisers that a visitor's campaigns can be for, found by id, by name, or by what is typed so far."""

from collections.abc import Sequence

import msgspec

from adcascade.catalog.nouns import Advertiser
from adcascade.catalog.pages import Filters, Stored
from adcascade.catalog.store import CatalogStore
from adcascade.console.form import Check, Choice
from adcascade.console.page import At, Visit
from adcascade.errors import InputError

SOME = 50  # are suggested


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The view of the suggestions alone."""

    choices: tuple[Choice, ...]


def _among(store: CatalogStore, sees: Sequence[str], text: str) -> list[Advertiser]:
    """Those whose id or name holds the text, by name. sees: the only ones that the visitor may see; none: all."""
    stored: list[Stored]
    if sees:
        stored = list(store.find_many("advertisers", sees).values())
    else:
        stored = store.page("advertisers", filters=Filters(text=text), sort="name", limit=SOME).nouns
    found = [one.noun for one in stored if isinstance(one.noun, Advertiser)]
    sought = text.casefold()
    return [one for one in found if sought in f"{one.id} {one.name}".casefold()][:SOME]


def _payer(store: CatalogStore, sees: Sequence[str], text: str) -> Advertiser | None:
    """Of this id; else the only one of this name."""
    if not text:
        return None
    found = store.find_advertiser(text)
    if found is None:
        named = [one for one in _among(store, sees, text) if one.name.casefold() == text.casefold()]
        found = named[0] if len(named) == 1 else None
    return None if found is None or (sees and found.id not in sees) else found


def _sees(visit: Visit) -> tuple[str, ...]:
    return () if visit.key is None else visit.key.advertisers


async def payer_of(visit: Visit, text: str) -> Advertiser | None:
    """The advertiser that a text names, where the visitor may see it."""
    return await visit.aside(_payer, visit.desk.inside.admin.catalog, _sees(visit), text.strip())


async def some(visit: Visit, text: str = "") -> tuple[Choice, ...]:
    """Suggestions."""
    found = await visit.aside(_among, visit.desk.inside.admin.catalog, _sees(visit), text.strip())
    return tuple(Choice(one.id, one.name or one.id) for one in found)


def check_of(payer: Advertiser | None) -> Check:
    """The check of a text that was looked up: its id, or nothing where nothing is typed."""

    def check(text: str) -> str:
        if not text:
            return ""
        if payer is None:
            raise InputError("advertiser", text, "the id or the name of an advertiser", "take one of the list")
        return payer.id

    return check


async def options(visit: Visit) -> Options:
    """What fits to what is typed."""
    return Options(choices=await some(visit, visit.query.get("advertiser", "")))


ROUTES = (
    At(path="/campaign-advertisers", handler=options, template="campaign_advertisers.html", needs="catalog:write"),
)
