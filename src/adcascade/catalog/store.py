"""CatalogStore: the durable catalog, one code over SQLite and PostgreSQL.

Every write raises the version by one and stamps what it touched; `changes(since)` reads the stamps.
An ad gets the next row when it first comes and keeps it for life: removed, it leaves a tombstone, and
the same id coming back finds its row again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

import msgspec
from sqlalchemy import Connection, Table, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adcascade.catalog import rules, tables
from adcascade.catalog.changes import Changes
from adcascade.catalog.database import migrate, open_engine, reading, writing
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Status
from adcascade.errors import InputError

CHUNK = 500  # ids in one IN list
PAGE = 5_000  # rows read at once by the iterators
Noun = TypeVar("Noun", Advertiser, Campaign, Ad)


class CatalogStore:
    """Advertisers, campaigns and ads in a database: sqlite:///PATH or postgresql+psycopg://...

    Thread-safe. Raises ConfigurationError for a URL that names no database, StoreError when the
    database refuses (then nothing of the call was kept), InputError for what breaks a rule.
    """

    def __init__(self, url: str) -> None:
        """Open the database and bring its tables to this version."""
        self._engine = open_engine(url)
        try:
            migrate(self._engine)
        except BaseException:
            self._engine.dispose()
            raise

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()

    @property
    def version(self) -> int:
        """Of the last write; 0: nothing was ever written."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(tables.state.c.version)).scalar_one())

    def put(
        self,
        advertisers: Sequence[Advertiser] = (),
        campaigns: Sequence[Campaign] = (),
        ads: Sequence[Ad] = (),
    ) -> int:
        """Insert or replace by id, all or nothing; the new version.

        A campaign's advertiser and an ad's campaign must be in the catalog or in this call, and all
        campaigns must have one currency, since their bids meet in one auction.
        """
        _check_all(advertisers, campaigns, ads)
        with writing(self._engine) as connection:
            version, next_row = _take_version(connection)
            _upsert(connection, tables.advertisers, [_advertiser_line(a, version) for a in advertisers])
            _check_known(connection, tables.advertisers, [(c.advertiser, "advertiser") for c in campaigns], "campaigns")
            _check_currency(connection, campaigns)
            _upsert(connection, tables.campaigns, [_campaign_line(c, version) for c in campaigns])
            _check_known(connection, tables.campaigns, [(ad.campaign, "campaign") for ad in ads], "ads")
            self._put_ads(connection, ads, version, next_row)
        return version

    def _put_ads(self, connection: Connection, ads: Sequence[Ad], version: int, next_row: int) -> None:
        row_of = _rows_of(connection, [ad.id for ad in ads])
        first = next_row
        lines = []
        for ad in ads:
            row = row_of.get(ad.id)
            if row is None:
                row, next_row = next_row, next_row + 1
            lines.append(_ad_line(ad, row, version))
        if next_row != first:
            connection.execute(update(tables.state).values(next_row=next_row))
        _upsert(connection, tables.ads, lines)

    def remove_ads(self, ids: Iterable[str]) -> int:
        """Remove these ads, leaving tombstones; the new version. InputError for an ad that is not there."""
        wanted = list(dict.fromkeys(ids))
        with writing(self._engine) as connection:
            version, _ = _take_version(connection)
            present = {ad.id for _, ad in _find(connection, tables.ads, wanted, Ad)}
            _check_present(wanted, present, "ads", "remove only ads that `adcascade catalog list ads` shows")
            for chunk in _chunks(wanted):
                connection.execute(
                    update(tables.ads).where(tables.ads.c.id.in_(chunk)).values(removed=True, version=version)
                )
        return version

    def set_status(self, status: Status, *, campaigns: Iterable[str] = (), ads: Iterable[str] = ()) -> int:
        """Pause, end or resume campaigns and ads by id; the new version. InputError for one that is not there."""
        campaign_ids, ad_ids = list(dict.fromkeys(campaigns)), list(dict.fromkeys(ads))
        with writing(self._engine) as connection:
            version, _ = _take_version(connection)
            old_campaigns = [c for _, c in _find(connection, tables.campaigns, campaign_ids, Campaign)]
            old_ads = _find(connection, tables.ads, ad_ids, Ad)
            remedy = "`adcascade catalog list` shows what there is"
            _check_present(campaign_ids, {c.id for c in old_campaigns}, "campaigns", remedy)
            _check_present(ad_ids, {ad.id for _, ad in old_ads}, "ads", remedy)
            new_campaigns = [msgspec.structs.replace(c, status=status) for c in old_campaigns]
            new_ads = [(row, msgspec.structs.replace(ad, status=status)) for row, ad in old_ads]
            _upsert(connection, tables.campaigns, [_campaign_line(c, version) for c in new_campaigns])
            _upsert(connection, tables.ads, [_ad_line(ad, row, version) for row, ad in new_ads])
        return version

    def advertisers(self) -> Iterator[Advertiser]:
        """All advertisers, by id."""
        return self._all(tables.advertisers, Advertiser)

    def campaigns(self) -> Iterator[Campaign]:
        """All campaigns, by id."""
        return self._all(tables.campaigns, Campaign)

    def ads(self) -> Iterator[tuple[int, Ad]]:
        """All ads with their rows, by row; read page by page, so ads that change meanwhile may be seen or not."""
        after = -1
        table = tables.ads
        while True:
            with reading(self._engine) as connection:
                page = connection.execute(
                    select(table.c.row, table.c.payload)
                    .where(table.c.row > after, table.c.removed.is_(False))
                    .order_by(table.c.row)
                    .limit(PAGE)
                ).all()
            for row, payload in page:
                yield row, msgspec.json.decode(payload, type=Ad)
            if len(page) < PAGE:
                return
            after = page[-1].row

    def _all(self, table: Table, noun: type[Noun]) -> Iterator[Noun]:
        with reading(self._engine) as connection:
            lines = connection.execute(select(table.c.payload).order_by(table.c.id)).scalars().all()
        return (msgspec.json.decode(line, type=noun) for line in lines)

    def find_advertiser(self, advertiser_id: str) -> Advertiser | None:
        """The advertiser of this id."""
        return self._one(tables.advertisers, advertiser_id, Advertiser)

    def find_campaign(self, campaign_id: str) -> Campaign | None:
        """The campaign of this id."""
        return self._one(tables.campaigns, campaign_id, Campaign)

    def find_ad(self, ad_id: str) -> Ad | None:
        """The ad of this id, unless it was removed."""
        return self._one(tables.ads, ad_id, Ad)

    def _one(self, table: Table, noun_id: str, noun: type[Noun]) -> Noun | None:
        with reading(self._engine) as connection:
            return next((found for _, found in _find(connection, table, [noun_id], noun)), None)

    def changes(self, since_version: int = 0) -> Changes:
        """The last state of all that changed after `since_version`, tombstones included, as of one moment."""
        with reading(self._engine) as connection:
            version = int(connection.execute(select(tables.state.c.version)).scalar_one())
            ads = tables.ads
            lines = connection.execute(
                select(ads.c.row, ads.c.removed, ads.c.payload).where(ads.c.version > since_version).order_by(ads.c.row)
            ).all()
            decode = msgspec.json.Decoder(Ad).decode
            return Changes(
                version=version,
                advertisers=_changed(connection, tables.advertisers, since_version, Advertiser),
                campaigns=_changed(connection, tables.campaigns, since_version, Campaign),
                ads=[(row, None if removed else decode(payload)) for row, removed, payload in lines],
            )


def _check_all(advertisers: Sequence[Advertiser], campaigns: Sequence[Campaign], ads: Sequence[Ad]) -> None:
    for i, advertiser in enumerate(advertisers):
        rules.check_advertiser(advertiser, f"advertisers[{i}]")
    for i, campaign in enumerate(campaigns):
        rules.check_campaign(campaign, f"campaigns[{i}]")
    for i, ad in enumerate(ads):
        rules.check_ad(ad, f"ads[{i}]")
    _check_distinct([advertiser.id for advertiser in advertisers], "advertisers")
    _check_distinct([campaign.id for campaign in campaigns], "campaigns")
    _check_distinct([ad.id for ad in ads], "ads")


def _check_distinct(ids: Sequence[str], at: str) -> None:
    first: dict[str, int] = {}
    for i, noun_id in enumerate(ids):
        if first.setdefault(noun_id, i) != i:
            raise InputError(f"{at}[{i}].id", noun_id, f"another id than {at}[{first[noun_id]}] has")


def _take_version(connection: Connection) -> tuple[int, int]:
    """The version of this write and the next free row; locks out the other writers until the end."""
    state = tables.state
    connection.execute(update(state).values(version=state.c.version + 1))
    version, next_row = connection.execute(select(state.c.version, state.c.next_row)).one()
    return int(version), int(next_row)


def _advertiser_line(advertiser: Advertiser, version: int) -> dict[str, object]:
    return {"id": advertiser.id, "version": version, "payload": _json(advertiser)}


def _campaign_line(campaign: Campaign, version: int) -> dict[str, object]:
    return {
        "id": campaign.id,
        "advertiser": campaign.advertiser,
        "currency": campaign.currency,
        "version": version,
        "payload": _json(campaign),
    }


def _ad_line(ad: Ad, row: int, version: int) -> dict[str, object]:
    return {
        "row": row,
        "id": ad.id,
        "campaign": ad.campaign,
        "removed": False,
        "version": version,
        "payload": _json(ad),
    }


def _json(noun: Advertiser | Campaign | Ad) -> str:
    return msgspec.json.encode(noun).decode()


def _upsert(connection: Connection, table: Table, lines: Sequence[Mapping[str, object]]) -> None:
    """Insert the lines; where the primary key is taken, replace."""
    if not lines:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert: Any = dialect.insert(table)
    key = list(table.primary_key)
    values = {column.name: insert.excluded[column.name] for column in table.columns if column not in key}
    connection.execute(insert.on_conflict_do_update(index_elements=key, set_=values), list(lines))


def _check_known(connection: Connection, table: Table, references: Sequence[tuple[str, str]], at: str) -> None:
    known: set[str] = set()
    for chunk in _chunks(list({reference for reference, _ in references})):
        known.update(connection.execute(select(table.c.id).where(table.c.id.in_(chunk))).scalars())
    for i, (reference, field) in enumerate(references):
        if reference not in known:
            raise InputError(f"{at}[{i}].{field}", reference, f"the id of a known {field}", f"put the {field} first")


def _check_currency(connection: Connection, campaigns: Sequence[Campaign]) -> None:
    if not campaigns:
        return
    query = select(tables.campaigns.c.currency).limit(1)
    expected = connection.execute(query).scalar_one_or_none() or campaigns[0].currency
    for i, campaign in enumerate(campaigns):
        if campaign.currency != expected:
            remedy = "convert its money, or begin another catalog"
            raise InputError(f"campaigns[{i}].currency", campaign.currency, f"{expected}, the catalog's one", remedy)


def _rows_of(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """Row by id of the ads that the catalog ever held."""
    table = tables.ads
    found: dict[str, int] = {}
    for chunk in _chunks(ids):
        lines = connection.execute(select(table.c.id, table.c.row).where(table.c.id.in_(chunk)))
        found.update({line.id: line.row for line in lines})
    return found


def _find(connection: Connection, table: Table, ids: Sequence[str], noun: type[Noun]) -> list[tuple[int, Noun]]:
    """(row, noun) of those of the ids that are there; row is 0 where the table has none."""
    found = []
    for chunk in _chunks(ids):
        row = table.c.row if "row" in table.c else func.abs(0)
        query = select(row, table.c.payload).where(table.c.id.in_(chunk))
        if "removed" in table.c:
            query = query.where(table.c.removed.is_(False))
        found += [(int(r), msgspec.json.decode(payload, type=noun)) for r, payload in connection.execute(query)]
    return found


def _check_present(wanted: Sequence[str], present: set[str], at: str, remedy: str) -> None:
    for i, noun_id in enumerate(wanted):
        if noun_id not in present:
            raise InputError(f"{at}[{i}]", noun_id, "an id of the catalog", remedy)


def _changed(connection: Connection, table: Table, since: int, noun: type[Noun]) -> list[Noun]:
    query = select(table.c.payload).where(table.c.version > since).order_by(table.c.version, table.c.id)
    decode = msgspec.json.Decoder(noun).decode
    return [decode(payload) for payload in connection.execute(query).scalars()]


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
