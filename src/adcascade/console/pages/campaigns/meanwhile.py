"""Meanwhile: somebody else changed what a form is about. Both changes are joined, and nothing of either is lost.

A field that the visitor did not touch shows what the other made of it; a field that he touched keeps what he typed,
and where both touched one, it is named. The form then stands on the new version: sent again, it is saved over it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from adcascade.catalog.audit import AuditLine
from adcascade.catalog.kinds import Kind
from adcascade.catalog.nouns import Ad, Campaign
from adcascade.console.form import Field
from adcascade.console.page import Visit
from adcascade.console.pages.campaigns.checks import trimmed
from adcascade.console.pages.campaigns.one import History, history_of
from adcascade.errors import InputError

LINES = 50  # of the audit log that are looked at
Edited = TypeVar("Edited", Campaign, Ad)


class Meanwhile(msgspec.Struct, frozen=True, kw_only=True):
    """What a form tells of it. history: the other's changes; both: labels of the fields that both touched; whole: the
    log tells all that changed."""

    history: History
    both: tuple[str, ...]
    whole: bool


def mark_of(noun: msgspec.Struct) -> str:
    """What a form carries to know the noun that it was made of again."""
    return hashlib.sha256(msgspec.json.encode(noun)).hexdigest()[:16]


def was_of(lines: Sequence[AuditLine], shape: type[Edited], mark: str) -> Edited | None:
    """The noun that the form was made of, by the log. lines: since then, newest first; None where it does not tell."""
    if not lines or lines[-1].before is None:
        return None
    was = msgspec.convert(lines[-1].before, shape)
    return was if mark_of(was) == mark else None


def joined(
    typed: Mapping[str, str], was: Mapping[str, str], now: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The texts of both, and the names of the fields that both touched, each in another way.

    typed: what came back; was: what had been shown; now: what would be shown today.
    """
    told, before, after = trimmed(typed), trimmed(was), trimmed(now)
    texts: dict[str, str] = {}
    both = []
    for name in {**told, **after}:
        mine, old, other = told.get(name, ""), before.get(name, ""), after.get(name, "")
        untouched = mine == old
        texts[name] = other if untouched else mine
        if not untouched and other not in {old, mine}:
            both.append(name)
    return texts, tuple(both)


def seen_in(form: Mapping[str, str]) -> int:
    """The version that the form was made of."""
    text = form.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InputError("version", text, "the version that the page gave this form", "load the page again")
    return int(text)


async def since(visit: Visit, kind: Kind, noun_id: str, version: int) -> list[AuditLine]:
    """What the log tells of one noun after a version, newest first."""
    lines = await visit.aside(visit.desk.inside.admin.catalog.last_changes, kind, noun_id, limit=LINES)
    return [line for line in lines if line.version > version]


def told_of(
    lines: Sequence[AuditLine], campaign: Campaign, both: Sequence[str], fields: Sequence[Field], *, whole: bool
) -> Meanwhile:
    """In words."""
    labels = {field.name: field.label for field in fields}
    return Meanwhile(
        history=history_of(lines, campaign, len(lines) or 1),
        both=tuple(labels[name] for name in both if name in labels),
        whole=whole,
    )
