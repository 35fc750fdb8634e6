"""Switching: many campaigns paused or resumed at once, each as the caller saw it last.

    change        it is as the caller saw it, and has another status: it is switched
    already       it has the status: nothing is written, so that the history tells of changes alone
    ended         it has ended, and only who edits it lets it begin anew
    meanwhile     somebody changed it since the caller saw it: left alone, to be looked at again

What is switched is switched together, in one version of the catalog.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from adcascade.catalog.audit import Author
from adcascade.catalog.kinds import Kind
from adcascade.catalog.nouns import Campaign, Status
from adcascade.catalog.pages import Stored
from adcascade.catalog.writing import Versions
from adcascade.errors import ConflictError, StoreError

Switch = Literal["active", "paused"]
TRIES = 5  # a plan is made anew where another write came between


class Switchable(Protocol):
    """What is asked of a `CatalogStore`."""

    def find_many(self, kind: Kind, ids: Sequence[str]) -> dict[str, Stored]:
        """By id, those that are there."""
        ...

    def set_status(self, status: Status, *, campaigns: Sequence[str], if_version: Versions, author: Author) -> int:
        """All or nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ids of the campaigns, each in one of the four."""

    change: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    meanwhile: tuple[str, ...] = ()


def plan_of(seen: Mapping[str, int], found: Mapping[str, Stored], status: Switch) -> Plan:
    """What to do. seen: the version of each campaign as the caller saw it; found: as it is."""
    parts: dict[str, list[str]] = {"change": [], "already": [], "ended": [], "meanwhile": []}
    for noun_id, version in seen.items():
        parts[_part(found.get(noun_id), version, status)].append(noun_id)
    return Plan(**{name: tuple(ids) for name, ids in parts.items()})


def _part(stored: Stored | None, version: int, status: Switch) -> str:
    if stored is None or not isinstance(stored.noun, Campaign):
        return "meanwhile"
    if stored.noun.status == status:
        return "already"
    if stored.noun.status == "ended":
        return "ended"
    return "change" if stored.version == version else "meanwhile"


def switch(store: Switchable, seen: Mapping[str, int], status: Switch, author: Author) -> Plan:
    """Switch them, and say what was done with each; StoreError where other writes never let this one through."""
    for _ in range(TRIES):
        plan = plan_of(seen, store.find_many("campaigns", list(seen)), status)
        if not plan.change:
            return plan
        versions: Versions = {("campaigns", noun_id): seen[noun_id] for noun_id in plan.change}
        try:
            store.set_status(status, campaigns=plan.change, if_version=versions, author=author)
        except ConflictError:
            continue  # somebody was quicker: his campaign is in `meanwhile` by the next plan
        return plan
    raise StoreError(f"catalog: other writes came before each of {TRIES} tries; nothing was switched, try again")
