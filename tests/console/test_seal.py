"""What was sealed is opened unchanged, and nothing else is."""

from hypothesis import given
from hypothesis import strategies as st

from adcascade.console.page import Says
from adcascade.console.seal import Seal
from adcascade.console.session import Session

SEAL = Seal(b"a secret of tests")
WORDS = st.text(max_size=40)


@given(text=WORDS, purpose=st.sampled_from(["session", "says"]))
def test_what_was_sealed_opens_for_its_purpose_alone(text: str, purpose: str) -> None:
    """Sealed and opened for one purpose: the same value; for another, or by another secret: nothing."""
    sealed = SEAL.sealed(purpose, Says(text=text))
    assert SEAL.opened(purpose, sealed, Says) == Says(text=text)
    assert SEAL.opened(purpose + "x", sealed, Says) is None
    assert Seal(b"another").opened(purpose, sealed, Says) is None


@given(text=WORDS, place=st.integers(0, 300), letter=st.sampled_from("Aa0_-.="))
def test_a_changed_letter_opens_nothing(text: str, place: int, letter: str) -> None:
    """Whatever letter of the text is another one, it is forged."""
    sealed = SEAL.sealed("says", Says(text=text))
    place %= len(sealed)
    changed = sealed[:place] + letter + sealed[place + 1 :]
    assert (SEAL.opened("says", changed, Says) is None) == (changed != sealed)


@given(text=st.text(max_size=100))
def test_any_text_may_be_tried(text: str) -> None:
    """What was never sealed opens nothing, and raises nothing."""
    assert SEAL.opened("says", text, Says) is None


def test_what_another_version_sealed_opens_nothing() -> None:
    """A cookie whose shape is not today's, though it is ours, is as good as none: no error, a new session."""
    assert SEAL.opened("session", SEAL.sealed("session", Says(text="older")), Session) is None
