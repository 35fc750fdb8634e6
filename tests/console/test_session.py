"""Sessions last their time, are told apart, and their tokens are their own."""

from hypothesis import given
from hypothesis import strategies as st

from adcascade.console.seal import Seal
from adcascade.console.session import LASTS_US, Sessions

NOW = 1_750_000_000_000_000
SESSIONS = Sessions(Seal(b"a secret of tests"), secure=True)
KEYS = st.from_regex(r"[0-9a-f]{12}", fullmatch=True)


def text_of(cookie: str) -> str:
    """The value that a browser would send back."""
    return cookie.partition("=")[2].partition(";")[0]


@given(key=KEYS, passed=st.integers(0, 3 * LASTS_US))
def test_a_session_is_found_until_it_is_over(key: str, passed: int) -> None:
    """From its beginning for twelve hours, and not a microsecond longer."""
    session = SESSIONS.begin(NOW, key)
    found = SESSIONS.find(text_of(SESSIONS.set_cookie(session, NOW)), NOW + passed)
    assert found == (session if passed < LASTS_US else None)


@given(key=KEYS)
def test_a_token_is_of_one_session(key: str) -> None:
    """Another session of the same key, or of nobody, has another token; no token is another's."""
    one, other, nobody = SESSIONS.begin(NOW, key), SESSIONS.begin(NOW, key), SESSIONS.begin(NOW)
    assert SESSIONS.is_token(one, SESSIONS.token(one))
    assert len({SESSIONS.token(each) for each in (one, other, nobody)}) == 3
    assert not SESSIONS.is_token(one, SESSIONS.token(other))
    assert not SESSIONS.is_token(one, "")
    assert not SESSIONS.is_token(one, "ü")


def test_the_cookie_is_out_of_reach() -> None:
    """No script reads it, no foreign page sends it; over https it goes by nothing else, under a name that says so."""
    told = SESSIONS.set_cookie(SESSIONS.begin(NOW, "0" * 12), NOW)
    assert told.startswith("__Host-adcascade=")
    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/"} <= set(told.split("; "))
    plain = Sessions(Seal(b"s"), secure=False)
    assert "Secure" not in plain.set_cookie(plain.begin(NOW), NOW)
    assert text_of(SESSIONS.drop_cookie()) == ""
    assert "Max-Age=0" in SESSIONS.drop_cookie()
