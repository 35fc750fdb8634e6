"""API keys: a public id and a secret that is shown once and kept only as its hash.

    text = "adc_" id "_" secret        id: 12 hex digits; secret: 32 random bytes in base64url

The secret has 256 random bits, so that one round of SHA-256 hides it: nothing can be guessed through it, and a slow
hash would only make every request slow. Hashes are compared in constant time.
"""

import hashlib
import hmac
import re
import secrets
from typing import Literal

import msgspec

Scope = Literal[
    "catalog:read", "catalog:write", "money:read", "money:write", "reports:read", "system:read", "keys:write"
]
Role = Literal["viewer", "manager", "administrator"]

ROLES: dict[Role, frozenset[Scope]] = {
    "viewer": frozenset({"catalog:read", "money:read", "reports:read"}),
    "manager": frozenset({"catalog:read", "catalog:write", "money:read", "reports:read"}),
    "administrator": frozenset(
        {"catalog:read", "catalog:write", "money:read", "money:write", "reports:read", "system:read", "keys:write"}
    ),
}
SECRET_BYTES = 32
_TEXT = re.compile(r"adc_(?P<id>[0-9a-f]{12})_(?P<secret>[A-Za-z0-9_-]{43})")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a key; never its secret. Times are UTC microseconds."""

    id: str
    name: str
    role: Role
    scopes: tuple[Scope, ...]  # the role's, or fewer
    advertisers: tuple[str, ...] = ()  # only these may be seen and changed; empty: all
    created_us: int
    created_by: str
    expires_us: int | None = None
    revoked_us: int | None = None
    used_us: int | None = None  # about when it was used last

    def allows(self, scope: Scope) -> bool:
        """Whether the key may do this."""
        return scope in self.scopes

    def sees(self, advertiser: str) -> bool:
        """Whether the key may touch what belongs to this advertiser."""
        return not self.advertisers or advertiser in self.advertisers

    def why_not(self, now_us: int) -> str:
        """Why the key opens nothing any more; empty while it does."""
        if self.revoked_us is not None:
            return "was revoked"
        return "has expired" if self.expires_us is not None and now_us >= self.expires_us else ""


def new_secret() -> tuple[str, str]:
    """An id and a secret that nobody had before."""
    return secrets.token_hex(6), secrets.token_urlsafe(SECRET_BYTES)


def text_of(key_id: str, secret: str) -> str:
    """The key as its owner keeps it."""
    return f"adc_{key_id}_{secret}"


def parse(text: str) -> tuple[str, str] | None:
    """Id and secret of a key's text; None where it is none."""
    found = _TEXT.fullmatch(text)
    return (found["id"], found["secret"]) if found else None


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(secret: str, digest: str) -> bool:
    """Whether this is the secret, in constant time."""
    return hmac.compare_digest(digest_of(secret), digest)
