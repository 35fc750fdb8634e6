"""KeyStore: API keys in the catalog's database, so that every server of an installation knows them and a revoked one
opens nothing from the next request on."""

from typing import NamedTuple

import msgspec
from sqlalchemy import delete, exists, func, insert, select, update

from adcascade.access.keys import ROLES, Key, Role, Scope, digest_of, matches, new_secret, parse, text_of
from adcascade.access.tables import ended, keys
from adcascade.catalog.database import InDatabase, reading, writing
from adcascade.errors import AccessError, InputError

USED_US = 60_000_000  # the last use is noted so precisely
LONGEST = 200  # characters of a name
DAY_US = 86_400_000_000
MAX_DAYS = 3650
NOBODY = "0" * 64  # digest that no secret has


class Sitting(NamedTuple):
    """A session of a browser. id: differs from session to session; UTC microseconds."""

    id: str
    began_us: int
    expires_us: int


class KeyStore(InDatabase):
    """Keys in a database: sqlite:///PATH or postgresql+psycopg://... Any thread may call; time is an argument.

    Raises ConfigurationError for a URL of no database, StoreError where the database refuses.
    """

    def create(
        self,
        name: str,
        role: Role,
        *,
        now_us: int,
        by: str,
        scopes: tuple[Scope, ...] | None = None,
        advertisers: tuple[str, ...] = (),
        days: float | None = None,
    ) -> tuple[Key, str]:
        """A new key and its text, which is told this once. scopes: fewer than the role's; days: until it expires."""
        if not name or len(name) > LONGEST or not name.isprintable():
            raise InputError("name", name, f"1 to {LONGEST} printable characters", "say whose key it is")
        if role not in ROLES:
            raise InputError("role", role, " or ".join(ROLES))
        beyond = sorted(set(scopes or ()) - ROLES[role])
        if beyond:
            raise InputError("scopes", beyond[0], f"one of the role's: {', '.join(sorted(ROLES[role]))}")
        if days is not None and not 0 < days <= MAX_DAYS:
            raise InputError("days", days, f"more than 0, at most {MAX_DAYS}")
        key_id, secret = new_secret()
        key = Key(
            id=key_id,
            name=name,
            role=role,
            scopes=tuple(sorted(ROLES[role] if scopes is None else scopes)),
            advertisers=tuple(dict.fromkeys(advertisers)),
            created_us=now_us,
            created_by=by,
            expires_us=None if days is None else now_us + round(days * DAY_US),
        )
        line = {"id": key_id, "digest": digest_of(secret), "payload": msgspec.json.encode(key).decode()}
        with writing(self._engine) as connection:
            connection.execute(insert(keys).values(line))
        return key, text_of(key_id, secret)

    def open(self, text: str, now_us: int) -> Key:
        """The key of this text. AccessError: it is none, was revoked or has expired; which of these is not told apart
        from a wrong secret."""
        found = parse(text)
        if found is None:
            raise AccessError(401, "a key that `adcascade key create` issued")
        key_id, secret = found
        with reading(self._engine) as connection:
            line = connection.execute(select(keys).where(keys.c.id == key_id)).one_or_none()
        right = matches(secret, NOBODY if line is None else line.digest)
        if line is None or not right:
            raise AccessError(401, "a key that `adcascade key create` issued")
        key = _key(line.payload, line.revoked_us, line.used_us)
        if reason := key.why_not(now_us):
            raise AccessError(401, f"a key in force; this one {reason}")
        if key.used_us is None or now_us - key.used_us >= USED_US:
            with writing(self._engine) as connection:
                connection.execute(update(keys).where(keys.c.id == key_id).values(used_us=now_us))
        return key

    def in_force(self, key_id: str, now_us: int, session: Sitting | None = None) -> Key | None:
        """The key with this public id while it opens anything: whose secret was shown before, as a session proves.

        session: None where its was ended; every server knows of that from the next call on.
        """
        query = select(keys).where(keys.c.id == key_id)
        if session is not None:
            query = query.where(
                func.coalesce(keys.c.ended_us, -1) < session.began_us,
                ~exists().where(ended.c.id == session.id),
            )
        with reading(self._engine) as connection:
            line = connection.execute(query).one_or_none()
        key = None if line is None else _key(line.payload, line.revoked_us, line.used_us)
        return None if key is None or key.why_not(now_us) else key

    def end_session(self, session: Sitting, now_us: int) -> None:
        """The session opens nothing any more, at no server; ending it twice is allowed."""
        with writing(self._engine) as connection:
            connection.execute(delete(ended).where((ended.c.expires_us <= now_us) | (ended.c.id == session.id)))
            connection.execute(insert(ended).values(id=session.id, expires_us=session.expires_us))

    def end_sessions(self, key_id: str, now_us: int) -> Key:
        """All sessions of a key that began until now are over; the key itself opens on. InputError: no such key."""
        with writing(self._engine) as connection:
            line = connection.execute(select(keys).where(keys.c.id == key_id)).one_or_none()
            if line is None:
                raise InputError("ID", key_id, "the id of a key", "`adcascade key list` shows them")
            connection.execute(update(keys).where(keys.c.id == key_id).values(ended_us=now_us))
        return _key(line.payload, line.revoked_us, line.used_us)

    def all(self) -> list[Key]:
        """Every key, those revoked included, the oldest first."""
        with reading(self._engine) as connection:
            lines = connection.execute(select(keys)).all()
        found = [_key(line.payload, line.revoked_us, line.used_us) for line in lines]
        return sorted(found, key=lambda key: (key.created_us, key.id))

    def revoke(self, key_id: str, now_us: int) -> Key:
        """The key opens nothing any more. InputError where there is no such key; revoking twice is allowed."""
        with writing(self._engine) as connection:
            line = connection.execute(select(keys).where(keys.c.id == key_id)).one_or_none()
            if line is None:
                raise InputError("ID", key_id, "the id of a key", "`adcascade key list` shows them")
            revoked_us = now_us if line.revoked_us is None else line.revoked_us
            connection.execute(update(keys).where(keys.c.id == key_id).values(revoked_us=revoked_us))
        return _key(line.payload, revoked_us, line.used_us)


def _key(payload: str, revoked_us: int | None, used_us: int | None) -> Key:
    key = msgspec.json.decode(payload, type=Key)
    return msgspec.structs.replace(key, revoked_us=revoked_us, used_us=used_us)
