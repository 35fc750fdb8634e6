"""Writes to the catalog, each a part of one transaction: check, take a version, change, write the audit log.

`store.py` opens the transaction. Whatever is raised here ends it, and then nothing of the call was kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adcascade.catalog import tables
from adcascade.catalog.audit import Action, Auditing, Author, Entry, write_entries
from adcascade.catalog.kinds import KINDS, ONE_OF, Kind, Noun
from adcascade.catalog.lines import Line, chunks, decode, encode, find_lines, line_of
from adcascade.catalog.nouns import Ad, AdGroup, Campaign, Offer, Status
from adcascade.catalog.tables import TABLE_OF
from adcascade.errors import ConflictError, InputError

AT_ONCE = 20_000  # nouns whose state before is in memory
Nouns = Mapping[Kind, Sequence[Noun]]
Versions = Mapping[tuple[Kind, str], int]  # what the caller saw of a noun: the version that changed it; 0: no such noun


@dataclass(slots=True)
class Write:
    """One write in its transaction; `version` is taken at once, which locks out the other writers until the end."""

    connection: Connection
    author: Author
    auditing: Auditing = "each"
    version: int = field(init=False)
    _next_row: int = field(init=False)
    _counted: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        state = tables.state
        self.connection.execute(update(state).values(version=state.c.version + 1))
        found = self.connection.execute(select(state.c.version, state.c.next_row)).one()
        self.version, self._next_row = int(found.version), int(found.next_row)

    def expect(self, versions: Versions) -> None:
        """ConflictError where a noun is not as the caller saw it."""
        for kind in KINDS:
            wanted = {noun_id: version for (of, noun_id), version in versions.items() if of == kind}
            found = find_lines(self.connection, kind, list(wanted))
            for noun_id, version in wanted.items():
                line = found.get(noun_id)
                current = 0 if line is None or line.removed else line.version
                if current != version:
                    raise ConflictError(ONE_OF[kind], noun_id, version, current)

    def put(self, nouns: Nouns) -> None:
        """Insert or replace by id; what is there already as given is left alone."""
        for kind in KINDS:
            given = nouns.get(kind, ())
            first = self._next_row
            for start in range(0, len(given), AT_ONCE):
                self._put(kind, given[start : start + AT_ONCE], start)
            if self._next_row != first:
                self.connection.execute(update(tables.state).values(next_row=self._next_row))

    def _put(self, kind: Kind, nouns: Sequence[Noun], start: int) -> None:
        """A slice of what was given, from place `start`."""
        _check_references(self.connection, kind, nouns, start)
        found = find_lines(self.connection, kind, [noun.id for noun in nouns])
        before = {
            noun_id: (line, None if line.removed else decode(kind, line.payload)) for noun_id, line in found.items()
        }
        lines, entries = [], []
        for i, noun in enumerate(nouns, start=start):
            line, old = before.get(noun.id, (None, None))
            if old == noun:
                continue
            if isinstance(noun, AdGroup) and isinstance(old, AdGroup) and old.campaign != noun.campaign:
                expected = f"{old.campaign!r}: a group stays in its campaign"
                raise InputError(f"ad_groups[{i}].campaign", noun.campaign, expected, "make another group")
            lines.append(line_of(noun, self.version, self._row(noun, line)))
            action: Action = "create" if old is None else "replace"
            before_it = None if old is None else encode(old)
            entries.append(Entry(action, kind, noun.id, before_it, str(lines[-1]["payload"])))
        _upsert(self.connection, TABLE_OF[kind], lines)
        self._note(kind, entries)

    def _row(self, noun: Noun, line: Line | None) -> int:
        """An ad's row for life."""
        if not isinstance(noun, Ad):
            return 0
        if line is not None:
            return line.row
        self._next_row += 1
        return self._next_row - 1

    def set_status(self, status: Status, ids: Mapping[Kind, Sequence[str]]) -> None:
        """Give campaigns, ad groups and ads a status; InputError for one that is not there."""
        for kind, wanted in ids.items():
            old = self._present(kind, wanted)
            lines, entries = [], []
            for line, noun in old:
                new = msgspec.structs.replace(noun, status=status)
                lines.append(line_of(new, self.version, line.row))
                entries.append(Entry("status", kind, noun.id, encode(noun), str(lines[-1]["payload"])))
            _upsert(self.connection, TABLE_OF[kind], lines)
            self._note(kind, entries)

    def remove_ads(self, ids: Sequence[str]) -> None:
        """Leave tombstones; InputError for an ad that is not there."""
        old = self._present("ads", ids)
        for chunk in chunks(ids):
            change = update(tables.ads).where(tables.ads.c.id.in_(chunk))
            self.connection.execute(change.values(removed=True, version=self.version))
        self._note("ads", [Entry("remove", "ads", noun.id, encode(noun), None) for _, noun in old])

    def set_offers(self, offers: Mapping[str, Offer]) -> None:
        """Stock, price and margin of ads by id, nothing else of them; InputError for an ad that is not there."""
        ids = list(offers)
        lines: list[dict[str, object]] = []
        entries: list[Entry] = []
        for chunk in chunks(ids, AT_ONCE):
            for line, noun in self._present("ads", chunk, at="offers"):
                told = offers[noun.id].told()
                old = {name: getattr(noun, name) for name in told}
                if old == told:
                    continue
                new = msgspec.structs.replace(noun, **told)
                lines.append({"at": line.row, "new_version": self.version, "new_payload": encode(new)})
                entries.append(Entry("offer", "ads", noun.id, _json(old), _json(told)))
        if lines:
            ads = tables.ads
            change = update(ads).where(ads.c.row == bindparam("at"))
            change = change.values(version=bindparam("new_version"), payload=bindparam("new_payload"))
            self.connection.execute(change, lines)
        self._note("ads", entries)

    def _present(self, kind: Kind, ids: Sequence[str], at: str = "") -> list[tuple[Line, Any]]:
        found = find_lines(self.connection, kind, ids)
        for i, noun_id in enumerate(ids):
            if noun_id not in found or found[noun_id].removed:
                field = f"{at}[{noun_id!r}]" if at else f"{kind}[{i}]"
                remedy = f"`adcascade catalog list {kind}` shows what there is"
                raise InputError(field, noun_id, "an id of the catalog", remedy)
        return [(found[noun_id], decode(kind, found[noun_id].payload)) for noun_id in ids]

    def _note(self, kind: Kind, entries: Sequence[Entry]) -> None:
        if self.auditing == "each":
            write_entries(self.connection, self.author, self.version, entries)
        elif entries:
            self._counted[kind] = self._counted.get(kind, 0) + len(entries)

    def finish(self) -> None:
        """Write the summary, if one is wanted."""
        if self.auditing == "summary":
            entry = Entry("import", "", "", None, _json(self._counted))
            write_entries(self.connection, self.author, self.version, [entry])


def distinct(ids: Iterable[str]) -> list[str]:
    """The ids in order, each once."""
    return list(dict.fromkeys(ids))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _upsert(connection: Connection, table: Table, lines: Sequence[Mapping[str, object]]) -> None:
    """Insert the lines; where the primary key is taken, replace."""
    if not lines:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert: Any = dialect.insert(table)
    key = list(table.primary_key)
    values = {column.name: insert.excluded[column.name] for column in table.columns if column not in key}
    connection.execute(insert.on_conflict_do_update(index_elements=key, set_=values), list(lines))


def _check_references(connection: Connection, kind: Kind, nouns: Sequence[Noun], start: int) -> None:
    """InputError where one names what is not in the catalog, by now with what stands before it in the call."""
    if kind == "campaigns":
        _check_known(
            connection, "advertisers", [noun.advertiser for noun in nouns if isinstance(noun, Campaign)], kind, start
        )
        _check_currency(connection, [noun for noun in nouns if isinstance(noun, Campaign)], start)
    elif kind in {"ad_groups", "ads"}:
        named = [noun.campaign for noun in nouns if isinstance(noun, AdGroup | Ad)]
        _check_known(connection, "campaigns", named, kind, start)
        _check_groups(connection, [noun for noun in nouns if isinstance(noun, Ad)], start)


def _check_known(connection: Connection, kind: Kind, named: Sequence[str], at: Kind, start: int) -> None:
    table = TABLE_OF[kind]
    known: set[str] = set()
    for chunk in chunks(distinct(named)):
        known.update(connection.execute(select(table.c.id).where(table.c.id.in_(chunk))).scalars())
    one = ONE_OF[kind]
    for i, reference in enumerate(named, start=start):
        if reference not in known:
            raise InputError(f"{at}[{i}].{one}", reference, f"the id of a known {one}", f"put the {one} first")


def _check_groups(connection: Connection, ads: Sequence[Ad], start: int) -> None:
    table = tables.ad_groups
    campaign_of: dict[str, str] = {}
    for chunk in chunks(distinct(ad.ad_group for ad in ads if ad.ad_group)):
        lines = connection.execute(select(table.c.id, table.c.campaign).where(table.c.id.in_(chunk)))
        campaign_of.update({line.id: line.campaign for line in lines})
    for i, ad in enumerate(ads, start=start):
        if ad.ad_group and campaign_of.get(ad.ad_group) != ad.campaign:
            expected = f'the id of an ad group of campaign {ad.campaign!r}, or ""'
            raise InputError(f"ads[{i}].ad_group", ad.ad_group, expected, "put the group first")


def _check_currency(connection: Connection, campaigns: Sequence[Campaign], start: int) -> None:
    query = select(tables.campaigns.c.currency).limit(1)
    expected = connection.execute(query).scalar_one_or_none() or campaigns[0].currency
    for i, campaign in enumerate(campaigns, start=start):
        if campaign.currency != expected:
            remedy = "convert its money, or begin another catalog"
            raise InputError(f"campaigns[{i}].currency", campaign.currency, f"{expected}, the catalog's one", remedy)
