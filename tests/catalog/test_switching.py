"""Laws of switching: only what is as it was seen, and has another status, is switched; all of it in one version."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.catalog import Advertiser, Campaign
from adcascade.catalog.audit import Author
from adcascade.catalog.kinds import Kind
from adcascade.catalog.nouns import Status
from adcascade.catalog.pages import Stored
from adcascade.catalog.store import CatalogStore
from adcascade.catalog.switching import TRIES, Plan, Switch, plan_of, switch
from adcascade.catalog.writing import Versions
from adcascade.errors import StoreError

ANN = Author(who="ann", time_us=5)
STATUSES = st.sampled_from(["active", "paused", "ended"])
FOUND = st.dictionaries(st.sampled_from("abcdef"), st.tuples(STATUSES, st.integers(1, 3)))


@pytest.fixture
def full(store: CatalogStore) -> CatalogStore:
    """Two that run, one that is paused, one that has ended; all of version 1."""
    statuses: dict[str, Status] = {"a": "active", "b": "active", "p": "paused", "e": "ended"}
    store.put([Advertiser(id="V")], [Campaign(id=i, advertiser="V", status=told) for i, told in statuses.items()])
    return store


@given(
    seen=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 3)),
    told=FOUND,
    status=st.sampled_from(["active", "paused"]),
)
def test_each_is_in_one_part_of_the_plan(
    seen: dict[str, int], told: dict[str, tuple[Status, int]], status: Switch
) -> None:
    """What is switched was seen as it is, has another status and has not ended; what is left alone has its reason."""
    found = {i: Stored(Campaign(id=i, advertiser="V", status=s), version) for i, (s, version) in told.items()}
    plan = plan_of(seen, found, status)
    assert sorted((*plan.change, *plan.already, *plan.ended, *plan.meanwhile)) == sorted(seen)
    assert all(told[i][1] == seen[i] and told[i][0] not in {status, "ended"} for i in plan.change)
    assert all(told[i][0] == status for i in plan.already)
    assert all(told[i][0] == "ended" for i in plan.ended)
    assert all(i not in told or told[i][1] != seen[i] for i in plan.meanwhile)


def test_what_is_switched_is_written_down_and_nothing_else(full: CatalogStore) -> None:
    """One version for all, one line for each that changed, with its author; what stays has no line."""
    plan = switch(full, {"a": 1, "b": 1, "p": 1, "e": 1, "gone": 1}, "paused", ANN)
    assert plan == Plan(change=("a", "b"), already=("p",), ended=("e",), meanwhile=("gone",))
    assert full.version == 2
    lines = [line for line in full.audit() if line.version == 2]
    assert [(line.id, line.action, line.who, line.time_us) for line in lines] == [
        ("a", "status", "ann", 5), ("b", "status", "ann", 5),
    ]  # fmt: skip
    assert switch(full, {"a": 2, "b": 2}, "paused", ANN) == Plan(already=("a", "b"))
    assert full.version == 2


class Hurried:
    """A store where somebody writes right before each switch."""

    def __init__(self, store: CatalogStore, others: list[Campaign]) -> None:
        self.store, self.others = store, others

    def find_many(self, kind: Kind, ids: Sequence[str]) -> dict[str, Stored]:
        """The store's."""
        return self.store.find_many(kind, ids)

    def set_status(self, status: Status, *, campaigns: Sequence[str], if_version: Versions, author: Author) -> int:
        """The store's, a moment later."""
        if self.others:
            self.store.put(campaigns=[self.others.pop()])
        return self.store.set_status(status, campaigns=campaigns, if_version=if_version, author=author)


def test_who_was_quicker_keeps_his_change(full: CatalogStore) -> None:
    """A campaign that another writes between the look and the switch is left alone; the others are switched."""
    edited = Campaign(id="a", advertiser="V", name="new")
    plan = switch(Hurried(full, [edited]), {"a": 1, "b": 1}, "paused", ANN)
    assert plan == Plan(change=("b",), meanwhile=("a",))
    assert full.find_campaign("a") == edited
    many = {f"m{i}": 0 for i in range(TRIES + 1)}
    full.put(campaigns=[Campaign(id=i, advertiser="V") for i in many])
    seen = {i: found.version for i, found in full.find_many("campaigns", list(many)).items()}
    others = [Campaign(id=i, advertiser="V", name="new") for i in list(many)[:TRIES]]
    with pytest.raises(StoreError, match="nothing was switched"):
        switch(Hurried(full, others), seen, "paused", ANN)
    assert {found.noun.status for found in full.find_many("campaigns", list(many)).values()} == {"active"}  # type: ignore[union-attr]
