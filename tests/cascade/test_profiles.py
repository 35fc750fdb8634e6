"""Profiles remember the last clicks of the users seen last."""

from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.profiles import Profiles


@given(clicks=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9)), max_size=60))
def test_a_history_is_the_tail_of_the_users_clicks(clicks: list[tuple[str, int]]) -> None:
    """With room for all users, history equals the last `length` clicks, oldest first."""
    profiles = Profiles(users=10, length=3)
    for user, ad in clicks:
        profiles.clicked(user, f"ad{ad}", f"c{ad}")
    for user in "abcd":
        mine = [ad for who, ad in clicks if who == user][-3:]
        assert profiles.history(user) == ([f"ad{ad}" for ad in mine], [f"c{ad}" for ad in mine])


def test_memory_is_bounded_and_the_longest_unseen_leave() -> None:
    """Reading a history counts as seeing the user."""
    profiles = Profiles(users=2, length=5)
    profiles.clicked("a", "1", "x")
    profiles.clicked("b", "2", "x")
    profiles.history("a")
    profiles.clicked("c", "3", "x")
    assert len(profiles) == 2
    assert profiles.history("b") == ([], [])
    assert profiles.history("a") == (["1"], ["x"])


def test_nobody_without_consent_has_a_history() -> None:
    """No key, no profile."""
    assert Profiles(users=2, length=5).history(None) == ([], [])
