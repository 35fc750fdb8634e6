"""Laws of optimistic concurrency: who read an old version changes nothing."""

import threading

import msgspec
import pytest

from adcascade.catalog import Ad, AdGroup, Advertiser, Campaign
from adcascade.catalog.kinds import Kind
from adcascade.catalog.pages import Stored
from adcascade.catalog.store import CatalogStore
from adcascade.errors import ConflictError, InputError

V = Advertiser(id="V")
C = Campaign(id="C", advertiser="V")
G = AdGroup(id="G", campaign="C")
A = Ad(id="a", campaign="C", ad_group="G")


@pytest.fixture
def full(store: CatalogStore) -> CatalogStore:
    """One noun of each kind, all of version 1."""
    store.put([V], [C], [A], ad_groups=[G])
    return store


def test_a_noun_has_the_version_that_changed_it_last(full: CatalogStore) -> None:
    """Other writes leave it; putting it as it is already leaves it too, and writes nothing down."""
    full.put(campaigns=[msgspec.structs.replace(C, name="new")])
    full.put([V], [msgspec.structs.replace(C, name="new")], [A], ad_groups=[G])
    assert full.version == 3
    assert full.find("campaigns", "C") == Stored(msgspec.structs.replace(C, name="new"), 2)
    kinds: list[tuple[Kind, str]] = [("advertisers", "V"), ("ad_groups", "G"), ("ads", "a")]
    assert [found.version for kind, i in kinds if (found := full.find(kind, i))] == [1, 1, 1]
    assert len(full.changes(2)) == 0
    assert len(full.audit()) == 5


def test_a_write_that_saw_an_old_version_is_refused_whole(full: CatalogStore) -> None:
    """ConflictError tells what is there; nothing of the call is kept."""
    full.put(campaigns=[msgspec.structs.replace(C, name="theirs")], if_version={("campaigns", "C"): 1})
    mine = msgspec.structs.replace(C, name="mine")
    with pytest.raises(ConflictError, match="campaign 'C' has version 2; expected version 1") as caught:
        full.put([Advertiser(id="W")], [mine], if_version={("campaigns", "C"): 1})
    assert (caught.value.kind, caught.value.version, caught.value.current) == ("campaign", 1, 2)
    assert (full.version, full.find("advertisers", "W")) == (2, None)
    with pytest.raises(ConflictError):
        full.set_status("paused", campaigns=["C"], ads=["a"], if_version={("campaigns", "C"): 1})
    with pytest.raises(ConflictError):
        full.remove_ads(["a"], if_version={("ads", "a"): 7})
    assert full.find("ads", "a") == Stored(A, 1)


def test_zero_stands_for_what_is_not_there(full: CatalogStore) -> None:
    """Version 0 creates and never replaces; a removed ad is not there."""
    with pytest.raises(ConflictError, match="expected that there is none"):
        full.put([V], if_version={("advertisers", "V"): 0})
    with pytest.raises(ConflictError, match="is not there"):
        full.put([Advertiser(id="W")], if_version={("advertisers", "W"): 3})
    full.put([Advertiser(id="W")], if_version={("advertisers", "W"): 0})
    full.remove_ads(["a"])
    full.put(ads=[A], if_version={("ads", "a"): 0})
    assert full.find("ads", "a") == Stored(A, 4)


def test_of_many_who_saw_the_same_one_wins(url: str) -> None:
    """Threads count up a name, each after reading it: no count is lost, however they meet."""
    with CatalogStore(url) as store:
        store.put([Advertiser(id="V", name="0")])

    def count(store: CatalogStore) -> None:
        while True:
            found = store.find("advertisers", "V")
            assert found is not None
            assert isinstance(found.noun, Advertiser)
            more = Advertiser(id="V", name=str(int(found.noun.name) + 1))
            try:
                store.put([more], if_version={("advertisers", "V"): found.version})
            except ConflictError:
                continue
            return

    def work() -> None:
        with CatalogStore(url) as store:
            for _ in range(5):
                count(store)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with CatalogStore(url) as store:
        assert store.find_advertiser("V") == Advertiser(id="V", name="20")


@pytest.mark.parametrize(
    ("field", "ads", "groups"),
    [
        ("ads[0].ad_group", [Ad(id="b", campaign="C", ad_group="nobody")], []),
        ("ads[0].ad_group", [Ad(id="b", campaign="D", ad_group="G")], []),
        ("ad_groups[0].campaign", [], [AdGroup(id="H", campaign="nobody")]),
        ("ad_groups[0].campaign", [], [AdGroup(id="G", campaign="D")]),
    ],
)
def test_a_group_and_its_ads_are_of_one_campaign(
    full: CatalogStore, field: str, ads: list[Ad], groups: list[AdGroup]
) -> None:
    """An ad's group is of its own campaign, and a group stays where it is."""
    full.put(campaigns=[Campaign(id="D", advertiser="V")])
    with pytest.raises(InputError) as caught:
        full.put(ads=ads, ad_groups=groups)
    assert caught.value.field == field


def test_groups_are_paused_and_followed(full: CatalogStore) -> None:
    """set_status reaches groups, and changes tell them."""
    version = full.set_status("paused", ad_groups=["G"])
    paused = msgspec.structs.replace(G, status="paused")
    assert full.changes(version - 1).ad_groups == [paused]
    assert list(full.ad_groups()) == [paused]
