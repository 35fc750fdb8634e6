"""Saved views: questions under a name, in the catalog's database, so that every server of an installation has them.

A view belongs to the key that saved it. Only that key changes it, and only as it was seen: whoever changed it since
is not overwritten (`ConflictError`). A shared view is seen by every key that may ask for all that it tells: one that
tells of the whole house, not by keys of single advertisers. What a view asks is words of the page's address, so
"the last 28 days" stays that, and a word that a later version does not know is kept.
"""

import secrets

import msgspec
from sqlalchemy import Connection, RowMapping, delete, func, insert, or_, select, update

from adcascade.access.keys import Key
from adcascade.access.tables import keys
from adcascade.catalog.database import InDatabase, reading, writing
from adcascade.errors import ConflictError, InputError
from adcascade.reports.tables import saved_views

MOST = 200  # views of a key
LONGEST = 80  # characters of a name
LONGEST_WORD = 500  # of what it asks


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a view holds beside its name: words of an address, who saved it, and of whom it tells (none: of all)."""

    words: dict[str, str]
    by: str
    advertisers: tuple[str, ...] = ()


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A question under a name. owner: id of a key; version: of this state; changed_us: UTC microseconds."""

    id: str
    owner: str
    name: str
    shared: bool
    version: int
    changed_us: int
    content: Content

    def seen_by(self, key: Key) -> bool:
        """Whether the key may see it: its own, or a shared one that tells only of what the key sees."""
        if self.owner == key.id:
            return True
        told = self.content.advertisers
        return self.shared and (not key.advertisers or (bool(told) and all(key.sees(one) for one in told)))

    def deleted_by(self, key: Key) -> bool:
        """Whether the key may delete it: its own, or as an administrator a shared one, whose owner may be gone."""
        return self.owner == key.id or (self.seen_by(key) and key.allows("keys:write"))


def check_name(text: str) -> str:
    """The name that it makes, else InputError."""
    name = text.strip()
    if not 1 <= len(name) <= LONGEST or not name.isprintable():
        raise InputError("name", text, f"1 to {LONGEST} printable characters", "say what it shows")
    return name


class SavedViews(InDatabase):
    """The views in a database: sqlite:///PATH or postgresql+psycopg://... Any thread may call; time is an argument.

    Raises ConfigurationError for a URL of no database, StoreError where the database refuses.
    """

    def seen_by(self, key: Key) -> list[SavedView]:
        """The key's own and those shared with it, by name."""
        mine = or_(saved_views.c.owner == key.id, saved_views.c.shared)
        with reading(self._engine) as connection:
            lines = connection.execute(select(saved_views).where(mine)).mappings().all()
        found = [view for view in map(_view, lines) if view.seen_by(key)]
        return sorted(found, key=lambda view: (view.name.casefold(), view.id))

    def find(self, key: Key, view_id: str) -> SavedView:
        """One that the key sees; InputError where there is none."""
        with reading(self._engine) as connection:
            return _found(connection, key, view_id)

    def save(self, key: Key, name: str, content: Content, now_us: int, *, shared: bool = False) -> SavedView:
        """A new view. The same once more, as by a double click, is the one that is there already.

        InputError where the name is taken by another question, and where the key has MOST views.
        """
        name = check_name(name)
        _check_words(content)
        view = SavedView(
            id=secrets.token_hex(8),
            owner=key.id,
            name=name,
            shared=shared,
            version=1,
            changed_us=now_us,
            content=content,
        )
        with writing(self._engine) as connection:
            _one_at_a_time(connection, key)
            before = _named(connection, key, name)
            if before is not None and (before.content, before.shared) == (content, shared):
                return before
            _check_free(name, before)
            count = select(func.count()).where(saved_views.c.owner == key.id)
            if connection.execute(count).scalar_one() >= MOST:
                raise InputError("name", name, f"at most {MOST} views of a key", "delete one that nobody needs")
            connection.execute(insert(saved_views).values(_line(view)))
        return view

    def change(self, key: Key, seen: SavedView, now_us: int) -> SavedView:
        """Put the name, the sharing and the question of `seen` in force, where the view still has its version.

        ConflictError where it was changed or deleted since; InputError where it is another's, or the name is taken.
        """
        name = check_name(seen.name)
        _check_words(seen.content)
        changed = msgspec.structs.replace(seen, name=name, version=seen.version + 1, changed_us=now_us)
        with writing(self._engine) as connection:
            _one_at_a_time(connection, key)
            _as_seen(connection, seen)
            if seen.owner != key.id:
                raise InputError("view", seen.name, "a view of your own", "save it under a name of yours")
            before = _named(connection, key, name)
            _check_free(name, None if before is not None and before.id == seen.id else before)
            connection.execute(update(saved_views).where(saved_views.c.id == seen.id).values(_line(changed)))
        return changed

    def delete(self, key: Key, seen: SavedView) -> None:
        """Remove it, where it still has its version; ConflictError and InputError as `change`."""
        with writing(self._engine) as connection:
            _one_at_a_time(connection, key)
            _as_seen(connection, seen)
            if not seen.deleted_by(key):
                raise InputError("view", seen.name, "a view of your own", "ask who saved it")
            connection.execute(delete(saved_views).where(saved_views.c.id == seen.id))


def _one_at_a_time(connection: Connection, key: Key) -> None:
    """Hold the key's own line until the transaction ends: its views are counted by one writer after another."""
    connection.execute(select(keys.c.id).where(keys.c.id == key.id).with_for_update())


def _found(connection: Connection, key: Key, view_id: str) -> SavedView:
    line = connection.execute(select(saved_views).where(saved_views.c.id == view_id)).mappings().one_or_none()
    view = None if line is None else _view(line)
    if view is None or not view.seen_by(key):
        raise InputError("view", view_id, "a saved view", "it was deleted, or is no longer shared: pick another")
    return view


def _as_seen(connection: Connection, seen: SavedView) -> None:
    found = select(saved_views.c.version).where(saved_views.c.id == seen.id).with_for_update()
    version = connection.execute(found).scalar()
    if version != seen.version:
        raise ConflictError("view", seen.name, seen.version, version or 0)


def _named(connection: Connection, key: Key, name: str) -> SavedView | None:
    its = (saved_views.c.owner == key.id, saved_views.c.name == name)
    line = connection.execute(select(saved_views).where(*its)).mappings().one_or_none()
    return None if line is None else _view(line)


def _check_free(name: str, taken: SavedView | None) -> None:
    if taken is not None:
        raise InputError("name", name, "a name that none of your views has", "open that one to change it")


def _check_words(content: Content) -> None:
    for name, text in content.words.items():
        if len(text) > LONGEST_WORD or "\0" in text:
            raise InputError(name, text, f"at most {LONGEST_WORD} characters, none of them of number 0")


def _line(view: SavedView) -> dict[str, object]:
    line = {name: getattr(view, name) for name in ("id", "owner", "name", "shared", "version", "changed_us")}
    return line | {"payload": msgspec.json.encode(view.content).decode()}


def _view(line: RowMapping) -> SavedView:
    known = dict(line)
    content = msgspec.json.decode(known.pop("payload"), type=Content)
    return SavedView(**known, content=content)
