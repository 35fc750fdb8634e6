"""Laws of field changes: the fields that differ, each once, and none that stayed."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from adcascade.catalog import Advertiser, Campaign, Targeting
from adcascade.catalog.audit import AuditLine
from adcascade.catalog.field_changes import FieldChange, field_changes
from adcascade.catalog.lines import encode
from adcascade.catalog.nouns import FrequencyCap
from adcascade.catalog.store import CatalogStore

CAMPAIGN = Campaign(id="c", advertiser="V", bid_micros=5)
TEXTS = st.lists(st.sampled_from("xyz"), max_size=2, unique=True).map(tuple)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "bid_micros": st.integers(0, 9),
        "name": st.sampled_from(["", "a"]),
        "daily_budget_micros": st.none() | st.integers(1, 2),
        "caps": st.just((FrequencyCap(impressions=1, window_s=60),)),
        "targeting": st.builds(Targeting, devices=TEXTS, countries=TEXTS),
    },
)


@given(changes=CHANGES)
def test_the_fields_that_differ_are_told(changes: dict[str, object]) -> None:
    """As comparing the nouns field by field finds them; a part of the targeting by its own name."""
    after = msgspec.structs.replace(CAMPAIGN, **changes)
    told = [msgspec.json.decode(encode(noun), type=dict[str, Any]) for noun in (CAMPAIGN, after)]
    line = AuditLine(
        number=1, time_us=1, who="ann", action="replace", kind="campaigns", id="c", version=2,
        before=told[0], after=told[1],
    )  # fmt: skip
    expected = {name for name in changes if name != "targeting" and getattr(CAMPAIGN, name) != getattr(after, name)}
    expected |= {f"targeting.{name}" for name in ("devices", "countries") if getattr(after.targeting, name)}
    found = [change.field for change in field_changes(line)]
    assert found == sorted(expected)


def test_values_are_those_of_the_log(store: CatalogStore) -> None:
    """None is what stood, or stands, as by default; a new noun tells all that it has but its id."""
    store.put([Advertiser(id="V")], [CAMPAIGN])
    store.put(campaigns=[msgspec.structs.replace(CAMPAIGN, bid_micros=0, targeting=Targeting(devices=("tv",)))])
    newest, first = store.last_changes("campaigns", "c")
    assert field_changes(newest) == [FieldChange("bid_micros", 5, None), FieldChange("targeting.devices", None, ["tv"])]
    assert field_changes(first) == [FieldChange("advertiser", None, "V"), FieldChange("bid_micros", None, 5)]
    assert [line.number for line in store.last_changes("campaigns", "c", limit=1)] == [newest.number]
    assert store.last_changes("campaigns", "c", before=newest.number) == [first]
