"""Session: who sits at a browser, kept in a cookie that the server signs and forgets.

The cookie names a key's public id, never its secret, and a nonce; it opens nothing after `expires_us`, and nothing
once the key is revoked or the session ended, which every request asks the key store. A browser that has not signed in
has a session too, of no key: its nonce is what the token of the sign-in form is made from. Signing in takes a new
nonce, so that nobody can plant one beforehand.
"""

import hmac
import secrets

import msgspec

from adcascade.access.store import Sitting
from adcascade.console.seal import Seal

LASTS_US = 12 * 3_600_000_000
NAME = "adcascade"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What the cookie says. key: public id of the key that signed in; empty: nobody did."""

    nonce: str
    key: str = ""
    expires_us: int

    @property
    def sitting(self) -> Sitting:
        """As the key store knows it."""
        return Sitting(self.nonce, self.expires_us - LASTS_US, self.expires_us)


class Sessions:
    """Begins and finds sessions. secure: whether browsers reach us by https, and send the cookie by nothing else."""

    def __init__(self, seal: Seal, *, secure: bool) -> None:
        self._seal, self._secure = seal, secure
        self.cookie = f"__Host-{NAME}" if secure else NAME

    def begin(self, now_us: int, key: str = "") -> Session:
        """A session that nobody had before."""
        return Session(nonce=secrets.token_urlsafe(18), key=key, expires_us=now_us + LASTS_US)

    def find(self, text: str, now_us: int) -> Session | None:
        """The session of a cookie's text; None where it is forged or over."""
        session = self._seal.opened("session", text, Session)
        return session if session is not None and now_us < session.expires_us else None

    def set_cookie(self, session: Session, now_us: int) -> str:
        """The header's value that makes a browser keep it."""
        return self.header(
            self.cookie, self._seal.sealed("session", session), max(0, (session.expires_us - now_us) // 1_000_000)
        )

    def drop_cookie(self) -> str:
        """The header's value that makes a browser forget it."""
        return self.header(self.cookie, "", 0)

    def token(self, session: Session) -> str:
        """What every form of this session carries: no other page can know it."""
        return self._seal.tag("form", f"{session.key}.{session.nonce}")

    def is_token(self, session: Session, token: str) -> bool:
        """Whether a form was made for this session; in constant time."""
        return hmac.compare_digest(token.encode(), self.token(session).encode())

    def header(self, name: str, value: str, seconds: int) -> str:
        """The header's value of a cookie that is as well kept as the session's."""
        secure = "; Secure" if self._secure else ""
        return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
