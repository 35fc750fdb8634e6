"""Keys: what opens, what does not, what is kept of a secret, and who may do what."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.access.keys import ROLES, Role, parse, text_of
from adcascade.access.store import KeyStore
from adcascade.errors import AccessError, InputError

NOW_US = 1_750_000_000_000_000
DAY_US = 86_400_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyStore]:
    """No keys."""
    with KeyStore(f"sqlite:///{tmp_path / 'catalog.db'}") as opened:
        yield opened


def refused(store: KeyStore, text: str, now_us: int = NOW_US) -> AccessError:
    """The refusal."""
    with pytest.raises(AccessError) as caught:
        store.open(text, now_us)
    return caught.value


def test_a_key_opens_until_it_is_revoked(store: KeyStore) -> None:
    """What was issued is known again, with its role; from its revocation on it opens nothing."""
    key, text = store.create("ann", "manager", now_us=NOW_US, by="test", advertisers=("v",))
    opened = store.open(text, NOW_US)
    assert (opened.id, opened.role, opened.advertisers) == (key.id, "manager", ("v",))
    assert opened.allows("catalog:write")
    assert not opened.allows("money:write")
    assert opened.sees("v")
    assert not opened.sees("w")
    store.revoke(key.id, NOW_US + 5)
    assert "revoked" in str(refused(store, text, NOW_US + 5))
    assert store.revoke(key.id, NOW_US + 9).revoked_us == NOW_US + 5, "the first revocation counts"


def test_a_key_expires(store: KeyStore) -> None:
    """It opens in its last microsecond and not in the next."""
    _, text = store.create("ann", "viewer", now_us=NOW_US, by="test", days=2)
    assert store.open(text, NOW_US + 2 * DAY_US - 1).name == "ann"
    assert "expired" in str(refused(store, text, NOW_US + 2 * DAY_US))


def test_no_other_text_opens(store: KeyStore) -> None:
    """Another secret, another id, an altered letter, nothing at all: the same refusal for each."""
    _, text = store.create("ann", "viewer", now_us=NOW_US, by="test")
    _, other = store.create("bob", "administrator", now_us=NOW_US, by="test")
    found, strange = parse(text), parse(other)
    assert found is not None
    assert strange is not None
    wrong = [
        text_of(found[0], strange[1]),
        text_of("0" * 12, found[1]),
        text[:-1] + ("A" if text[-1] != "A" else "B"),
        text + "A",
        text.upper(),
        "",
        "Bearer " + text,
        "adc_",
    ]
    assert {str(refused(store, one)) for one in wrong} == {str(refused(store, "adc_nonsense"))}
    assert {refused(store, one).status for one in wrong} == {401}


def test_the_secret_is_kept_nowhere(store: KeyStore, tmp_path: Path) -> None:
    """Neither the file of the database nor what the store tells holds the secret."""
    key, text = store.create("ann", "viewer", now_us=NOW_US, by="test")
    store.open(text, NOW_US)
    found = parse(text)
    assert found is not None
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert key.id.encode() in kept
    assert found[1].encode() not in kept
    assert found[1] not in repr(store.all())


def test_the_last_use_is_noted_now_and_then(store: KeyStore) -> None:
    """Within a minute once: a key that is used every second must not write every second."""
    key, text = store.create("ann", "viewer", now_us=NOW_US, by="test")
    for second in range(0, 130, 10):
        store.open(text, NOW_US + second * 1_000_000)
    assert next(one for one in store.all() if one.id == key.id).used_us == NOW_US + 120 * 1_000_000


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"role": "king"}, "role"),
        ({"days": 0}, "days"),
        ({"days": 1e9}, "days"),
        ({"scopes": ("keys:write",)}, "scopes"),
    ],
)
def test_impossible_keys_are_refused(store: KeyStore, change: dict[str, object], field: str) -> None:
    """Field and expectation are named, and no key is made."""
    wanted: dict[str, object] = {"name": "ann", "role": "viewer", "now_us": NOW_US, "by": "test"} | change
    with pytest.raises(InputError) as caught:
        store.create(**wanted)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert store.all() == []


@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_role_may_what_the_one_below_may(role: Role) -> None:
    """viewer <= manager <= administrator, and only the administrator moves money and makes keys."""
    assert ROLES["viewer"] < ROLES["manager"] < ROLES["administrator"]
    assert {"money:write", "keys:write"} & ROLES[role] in (set(), {"money:write", "keys:write"})
    assert ({"money:write", "keys:write"} <= ROLES[role]) == (role == "administrator")


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_none(text: str) -> None:
    """Parsing raises nothing, and what it finds gives the text again."""
    found = parse(text)
    assert found is None or text_of(*found) == text
