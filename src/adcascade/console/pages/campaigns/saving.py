"""Saving: nouns go into the catalog as the admin API puts them: own advertisers only, versions, a line of the audit log
for each. What the catalog refuses is said at the field that it comes from."""

import re
from collections.abc import Sequence

from adcascade.catalog.audit import Author
from adcascade.catalog.kinds import NOUN_OF, Noun
from adcascade.catalog.nouns import Ad, Advertiser, Campaign
from adcascade.catalog.writing import Versions
from adcascade.console.form import Wrong, wrong_of
from adcascade.console.page import Visit
from adcascade.console.pages.campaigns import ad_draft, draft
from adcascade.errors import InputError
from adcascade.server.admin.owners import Owners

_PATH = re.compile(
    r"(?P<kind>\w+)\[\d+\]\.(?P<field>\w+)(?:\.(?P<inner>\w+))?(?:\[(?P<number>\d+)\])?(?:\.(?P<part>\w+))?"
)


async def put(visit: Visit, nouns: Sequence[Noun], versions: Versions) -> dict[str, Wrong]:
    """All or nothing; what the catalog refuses, by field. AccessError for a foreign advertiser, ConflictError where
    another was quicker."""
    store = visit.desk.inside.admin.catalog
    if visit.key is not None:
        await Owners(store).check(visit.key, nouns)
    try:
        await visit.aside(
            store.put,
            [one for one in nouns if isinstance(one, Advertiser)],
            [one for one in nouns if isinstance(one, Campaign)],
            [one for one in nouns if isinstance(one, Ad)],
            if_version=versions,
            author=Author(who=visit.by, time_us=visit.now_us),
        )
    except InputError as error:
        return {field_of(error.field): wrong_of(error)}
    return {}


def new_ones(nouns: Sequence[Noun]) -> Versions:
    """Versions that say of each: it is not there yet."""
    return {(kind, noun.id): 0 for noun in nouns for kind, shape in NOUN_OF.items() if isinstance(noun, shape)}


def field_of(path: str) -> str:
    """The field of a form that the catalog means.

    >>> field_of("campaigns[0].daily_budget_micros"), field_of("campaigns[0].targeting.times[1]")
    ('daily', 'times')
    >>> field_of("campaigns[0].caps[2].window_s"), field_of("ads[0].creatives[1].image_url")
    ('cap2_times', 'look1_image_url')
    """
    found = _PATH.match(path)
    if found is None:
        return "name"
    kind, field, inner, number, part = found.group("kind", "field", "inner", "number", "part")
    if kind == "advertisers":
        return "payer_zone" if field == "timezone" else "payer_name"
    if field == "caps":
        return f"cap{number}_times"
    if field == "creatives":
        return f"look{number}_{'seconds' if part == 'duration_ms' else 'title' if part == 'id' else part}"
    parts = ad_draft.PARTS if kind == "ads" else (*draft.PLAN, *draft.TARGETING)
    fields = {one.attribute: one.fields[0] for one in parts}
    otherwise = {"id": "ad_id", "campaign": "ad_title"} if kind == "ads" else {"id": "id", "currency": "currency"}
    return fields.get(inner or field) or otherwise.get(field, "ad_title" if kind == "ads" else "name")
