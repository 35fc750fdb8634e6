"""Laws of saved views: each is its key's, is seen by who may ask it, and is never changed unseen; on both databases."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.catalog.conftest import postgres_server as postgres_server  # noqa: PLC0414  a fixture
from tests.catalog.conftest import url as url  # noqa: PLC0414  a fixture

from adcascade.access.keys import Key
from adcascade.access.store import KeyStore
from adcascade.errors import ConflictError, InputError
from adcascade.reports.saved_views import LONGEST, MOST, Content, SavedView, SavedViews

NOW_US = 1_750_000_000_000_000
MONTH = Content(words={"by": "campaign", "days": "28", "metric_ctr": "yes"}, by="ann")

KeyOf = Callable[..., Key]


@pytest.fixture
def views(url: str) -> Iterator[SavedViews]:
    """None yet."""
    with SavedViews(url) as opened:
        yield opened


@pytest.fixture
def key_of(url: str) -> Iterator[KeyOf]:
    """key_of(name, role, advertisers) -> a new key."""
    with KeyStore(url) as store:

        def made(name: str = "ann", role: Any = "viewer", advertisers: tuple[str, ...] = ()) -> Key:
            return store.create(name, role, now_us=NOW_US, by="test", advertisers=advertisers)[0]

        yield made


def test_a_view_is_the_same_on_every_server(views: SavedViews, key_of: KeyOf, url: str) -> None:
    """What one connection saved another finds, with its words as they were."""
    ann = key_of()
    saved = views.save(ann, "  By month ", MONTH, NOW_US)
    assert (saved.name, saved.version, saved.content) == ("By month", 1, MONTH)
    with SavedViews(url) as other:
        assert other.find(ann, saved.id) == saved
        assert other.seen_by(ann) == [saved]


def test_a_shared_view_is_seen_by_who_may_ask_it(views: SavedViews, key_of: KeyOf) -> None:
    """Own: always. Shared: of the whole house by keys of the whole house, of advertisers by keys that see them all."""
    house, other, agency = key_of(), key_of("bob"), key_of("agency", advertisers=("v", "w"))
    views.save(house, "private", MONTH, NOW_US)
    views.save(house, "house", MONTH, NOW_US, shared=True)
    views.save(house, "of v", msgspec.structs.replace(MONTH, advertisers=("v",)), NOW_US, shared=True)
    views.save(house, "of v and x", msgspec.structs.replace(MONTH, advertisers=("v", "x")), NOW_US, shared=True)
    assert [view.name for view in views.seen_by(house)] == ["house", "of v", "of v and x", "private"]
    assert [view.name for view in views.seen_by(other)] == ["house", "of v", "of v and x"]
    assert [view.name for view in views.seen_by(agency)] == ["of v"]
    hidden = next(view for view in views.seen_by(house) if view.name == "house")
    with pytest.raises(InputError, match="pick another"):
        views.find(agency, hidden.id)


def test_no_change_is_lost(views: SavedViews, key_of: KeyOf) -> None:
    """Who changes what was changed or deleted since is told so, and the other's change stands."""
    ann = key_of()
    seen = views.save(ann, "month", MONTH, NOW_US)
    changed = views.change(ann, msgspec.structs.replace(seen, name="quarter", shared=True), NOW_US + 1)
    assert (changed.name, changed.version, changed.changed_us) == ("quarter", 2, NOW_US + 1)
    for late in (lambda: views.change(ann, seen, NOW_US + 2), lambda: views.delete(ann, seen)):
        with pytest.raises(ConflictError) as error:
            late()
        assert (error.value.version, error.value.current) == (1, 2)
    assert views.find(ann, seen.id) == changed
    views.delete(ann, changed)
    with pytest.raises(ConflictError):
        views.change(ann, changed, NOW_US + 3)
    assert views.seen_by(ann) == []


def test_another_key_changes_nothing(views: SavedViews, key_of: KeyOf) -> None:
    """A shared view is its owner's; an administrator may delete it all the same, since the owner may be gone."""
    ann, bob, chief = key_of(), key_of("bob", "manager"), key_of("chief", "administrator")
    view = views.save(ann, "month", MONTH, NOW_US, shared=True)
    for refused in (
        lambda: views.change(bob, view, NOW_US),
        lambda: views.change(chief, view, NOW_US),
        lambda: views.delete(bob, view),
    ):
        with pytest.raises(InputError, match="of your own"):
            refused()
    private = views.save(ann, "private", MONTH, NOW_US)
    with pytest.raises(InputError):
        views.delete(chief, private)
    views.delete(chief, view)
    assert [left.name for left in views.seen_by(ann)] == ["private"]


def test_a_key_has_each_name_once(views: SavedViews, key_of: KeyOf) -> None:
    """The same view saved twice is there once; another question needs another name; two keys may use one name."""
    ann, bob = key_of(), key_of("bob")
    view = views.save(ann, "month", MONTH, NOW_US)
    assert views.save(ann, "month", MONTH, NOW_US + 5) == view
    week = msgspec.structs.replace(MONTH, words={"days": "7"})
    with pytest.raises(InputError, match="none of your views has"):
        views.save(ann, "month", week, NOW_US)
    second = views.save(ann, "week", week, NOW_US)
    with pytest.raises(InputError, match="none of your views has"):
        views.change(ann, msgspec.structs.replace(second, name="month"), NOW_US)
    assert views.save(bob, "month", week, NOW_US).owner == bob.id


def test_names_and_words_have_bounds(views: SavedViews, key_of: KeyOf) -> None:
    """What cannot be a name or a word is refused, with what would do, and nothing is kept."""
    ann = key_of()
    for name in ("", "  ", "x" * (LONGEST + 1), "a\nb"):
        with pytest.raises(InputError, match="printable"):
            views.save(ann, name, MONTH, NOW_US)
    for text in ("x" * 501, "\0"):
        with pytest.raises(InputError, match="500 characters"):
            views.save(ann, "month", msgspec.structs.replace(MONTH, words={"is": text}), NOW_US)
    assert views.seen_by(ann) == []


def test_a_key_has_a_bounded_number_of_views(views: SavedViews, key_of: KeyOf, url: str) -> None:
    """Two that save at once when one place is left: one of them is told to delete what nobody needs."""
    ann = key_of()
    for number in range(MOST - 1):
        views.save(ann, f"{number}", MONTH, NOW_US)
    outcomes: list[SavedView | InputError] = []

    def last(name: str) -> None:
        with SavedViews(url) as own:
            try:
                outcomes.append(own.save(ann, name, MONTH, NOW_US))
            except InputError as error:
                outcomes.append(error)

    threads = [threading.Thread(target=last, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InputError", "SavedView"]
    assert len(views.seen_by(ann)) == MOST


KEY = Key(id="a", name="ann", role="viewer", scopes=("reports:read",), created_us=0, created_by="test")


@given(
    told=st.lists(st.sampled_from("vwx"), unique=True).map(tuple),
    sees=st.lists(st.sampled_from("vwx"), unique=True).map(tuple),
    owner=st.sampled_from(["a", "b"]),
    shared=st.booleans(),
)
def test_nobody_sees_beyond_the_own_advertisers(
    told: tuple[str, ...], sees: tuple[str, ...], owner: str, shared: bool
) -> None:
    """Of others' views, a key of single advertisers sees only those that tell of these and of nobody else."""
    content = Content(words={}, by="", advertisers=told)
    view = SavedView(id="1", owner=owner, name="n", shared=shared, version=1, changed_us=0, content=content)
    seen = view.seen_by(msgspec.structs.replace(KEY, advertisers=sees))
    everybody, house = set(told) or {*"vwx", "any"}, set(sees) or {*"vwx", "any"}
    assert seen == (owner == "a" or (shared and everybody <= house))
