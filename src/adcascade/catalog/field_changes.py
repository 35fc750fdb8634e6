"""Field changes: a line of the audit log as the fields that it changed, from what to what.

The log tells the fields that are not as by default; a part of another struct is named as in code, `targeting.devices`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from adcascade.catalog.audit import AuditLine


class FieldChange(NamedTuple):
    """One field; None: as by default, or there was no such noun."""

    field: str
    before: Any
    after: Any


def field_changes(line: AuditLine) -> list[FieldChange]:
    """By the field's name; without those that stayed, and without the id, which the line tells."""
    before, after = _flat(line.before or {}), _flat(line.after or {})
    names = sorted((before.keys() | after.keys()) - {"id"})
    changes = [FieldChange(name, before.get(name), after.get(name)) for name in names]
    return [change for change in changes if change.before != change.after]


def _flat(document: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{at}{name}.")
        else:
            found[at + name] = value
    return found
