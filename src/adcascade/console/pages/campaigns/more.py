"""More: one more limit or creative in a form, asked for by the button of its group; nothing is saved by it."""

from collections.abc import Mapping

from adcascade.console.pages.campaigns.ad_draft import looks_in
from adcascade.console.pages.campaigns.draft import caps_in

CHOSEN = {"unit": "day", "level": "campaign"}  # of a new row of limits


def with_more(values: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The form's texts with room for one more of what its button says, and the field to begin at; "" where it was
    another button."""
    told, more = dict(values), values.get("more", "")
    if more.startswith("cap"):
        number = caps_in(values)
        told |= {f"cap{number}_times": "", **{f"cap{number}_{name}": value for name, value in CHOSEN.items()}}
        return told, f"cap{number}_times"
    if more.startswith("look"):
        number = looks_in(values)
        return told | {f"look{number}_format": "product"}, f"look{number}_format"
    return told, ""


def first_cap(texts: Mapping[str, str]) -> dict[str, str]:
    """Where there is no limit yet, what an empty row holds."""
    return {} if caps_in(texts) else {f"cap0_{name}": value for name, value in CHOSEN.items()}
