"""CatalogStore: the durable catalog, one code over SQLite and PostgreSQL.

Every write raises the version by one and stamps what it changed; `changes(since)` reads the stamps, and a writer that
tells which stamp it saw (`if_version`) is refused where another came before it. An ad gets the next row when it first
comes and keeps it for life: removed, it leaves a tombstone, and the same id coming back finds its row again.

What is written is in `writing.py`, pages in `pages.py`, the audit log in `audit.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Literal, TypeVar

import msgspec
from sqlalchemy import Connection, Table, func, select

from adcascade.catalog import rules, tables
from adcascade.catalog.ad_rows import AdPlace, read_places, read_rows
from adcascade.catalog.audit import Auditing, AuditLine, Author, last_mark, read_last, read_lines
from adcascade.catalog.campaign_list import CampaignPage, Order, Place, Wanted, read_campaigns
from adcascade.catalog.changes import Changes
from adcascade.catalog.database import InDatabase, reading, writing
from adcascade.catalog.kinds import KINDS, Kind
from adcascade.catalog.lines import AdReader, decode, find_lines
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, Offer, Status
from adcascade.catalog.pages import Filters, Page, Sort, Stored, read_page
from adcascade.catalog.writing import Nouns, Versions, Write, distinct

PAGE = 5_000  # rows read at once by the iterators
CLI = Author(who="cli")
ALL = Filters()
ANY: Versions = {}
_ROW = itemgetter(0)
Changed = TypeVar("Changed", Advertiser, Campaign, AdGroup)
Found = TypeVar("Found", Advertiser, Campaign, AdGroup, Ad)


class CatalogStore(InDatabase):
    """Advertisers, campaigns, ad groups and ads in a database: sqlite:///PATH or postgresql+psycopg://...

    Thread-safe. Raises ConfigurationError for a URL that names no database, StoreError when the database refuses
    (then nothing of the call was kept), InputError for what breaks a rule, ConflictError where `if_version` tells
    another version of a noun than the one that is there (0: it must not be there).

    Every write takes its author and answers the catalog's new version. A noun that is put as it is already keeps the
    version that changed it last.
    """

    @property
    def version(self) -> int:
        """Of the last write; 0: nothing was ever written."""
        with reading(self._engine) as connection:
            return _version(connection)

    # ---- writing

    @contextmanager
    def _writing(self, author: Author, if_version: Versions, auditing: Auditing = "each") -> Iterator[Write]:
        with writing(self._engine) as connection:
            write = Write(connection, author, auditing)
            write.expect(if_version)
            yield write
            write.finish()

    def put(
        self,
        advertisers: Sequence[Advertiser] = (),
        campaigns: Sequence[Campaign] = (),
        ads: Sequence[Ad] = (),
        *,
        ad_groups: Sequence[AdGroup] = (),
        if_version: Versions = ANY,
        author: Author = CLI,
        audit: Auditing = "each",
    ) -> int:
        """Insert or replace by id, all or nothing; the new version.

        What a noun names must be in the catalog or in this call, and all campaigns must have one currency, since
        their bids meet in one auction. if_version: {("ads", "a1"): 7}.
        """
        nouns: Nouns = {
            "advertisers": advertisers,
            "campaigns": campaigns,
            "ad_groups": ad_groups,
            "ads": ads,
        }
        return self.put_all(nouns, if_version=if_version, author=author, audit=audit)

    def put_all(
        self, nouns: Nouns, *, if_version: Versions = ANY, author: Author = CLI, audit: Auditing = "each"
    ) -> int:
        """`put` for who holds nouns by kind: {"ads": [...]}."""
        for kind in KINDS:
            rules.check_all(kind, nouns.get(kind, ()))
        with self._writing(author, if_version, audit) as write:
            write.put(nouns)
        return write.version

    def remove_ads(self, ids: Iterable[str], *, if_version: Versions = ANY, author: Author = CLI) -> int:
        """Remove these ads, leaving tombstones; the new version. InputError for an ad that is not there."""
        with self._writing(author, if_version) as write:
            write.remove_ads(distinct(ids))
        return write.version

    def set_status(
        self,
        status: Status,
        *,
        campaigns: Iterable[str] = (),
        ad_groups: Iterable[str] = (),
        ads: Iterable[str] = (),
        if_version: Versions = ANY,
        author: Author = CLI,
    ) -> int:
        """Pause, end or resume by id; the new version. InputError for one that is not there."""
        ids: dict[Kind, Sequence[str]] = {"campaigns": distinct(campaigns), "ad_groups": distinct(ad_groups)}
        with self._writing(author, if_version) as write:
            write.set_status(status, {**ids, "ads": distinct(ads)})
        return write.version

    def set_offers(
        self,
        offers: Mapping[str, Offer],
        *,
        by: Literal["ad", "product"] = "ad",
        author: Author = CLI,
        audit: Auditing = "each",
    ) -> int:
        """The quick way for feeds: stock, price and margin of many ads; the new version.

        by: what the keys are. InputError for an ad that is not there; a product that no ad names is passed over, since
        a shop has more than it advertises.
        """
        rules.check_offers(offers)
        with self._writing(author, ANY, audit) as write:
            write.set_offers(offers if by == "ad" else write.by_ad(offers))
        return write.version

    def set_stock(
        self,
        stock: Mapping[str, int | None],
        *,
        by: Literal["ad", "product"] = "ad",
        author: Author = CLI,
        audit: Auditing = "each",
    ) -> int:
        """`set_offers` for the stock alone; None: not counted, 0: not advertised."""
        offers = {key: Offer(stock=left) for key, left in stock.items()}
        return self.set_offers(offers, by=by, author=author, audit=audit)

    # ---- reading

    def find(self, kind: Kind, noun_id: str) -> Stored | None:
        """The noun of this id with the version that changed it last; None where there is none."""
        with reading(self._engine) as connection:
            line = find_lines(connection, kind, [noun_id]).get(noun_id)
        return None if line is None or line.removed else Stored(decode(kind, line.payload), line.version)

    def find_many(self, kind: Kind, ids: Sequence[str]) -> dict[str, Stored]:
        """As `find`, those of the ids that are there."""
        with reading(self._engine) as connection:
            lines = find_lines(connection, kind, ids)
        return {i: Stored(decode(kind, line.payload), line.version) for i, line in lines.items() if not line.removed}

    def find_advertiser(self, advertiser_id: str) -> Advertiser | None:
        """The advertiser of this id."""
        return self._one("advertisers", advertiser_id, Advertiser)

    def find_campaign(self, campaign_id: str) -> Campaign | None:
        """The campaign of this id."""
        return self._one("campaigns", campaign_id, Campaign)

    def find_ad_group(self, group_id: str) -> AdGroup | None:
        """The ad group of this id."""
        return self._one("ad_groups", group_id, AdGroup)

    def owner_of(self, row: int) -> str | None:
        """The advertiser whose ad lies in this row of the catalog, removed or not; None where none ever lay there."""
        ads, campaigns = tables.ads, tables.campaigns
        query = select(campaigns.c.advertiser).join(ads, ads.c.campaign == campaigns.c.id).where(ads.c.row == row)
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one_or_none()

    def find_ad(self, ad_id: str) -> Ad | None:
        """The ad of this id, unless it was removed."""
        return self._one("ads", ad_id, Ad)

    def _one(self, kind: Kind, noun_id: str, noun: type[Found]) -> Found | None:
        found = self.find(kind, noun_id)
        return found.noun if found is not None and isinstance(found.noun, noun) else None

    def page(
        self,
        kind: Kind,
        *,
        filters: Filters = ALL,
        sort: Sort = "id",
        after: str = "",
        limit: int = 100,
        count: bool = False,
    ) -> Page:
        """Some nouns of a kind in an order; `after` is the `next` of the page before. count: tell the total too."""
        with reading(self._engine) as connection:
            return read_page(connection, kind, filters, sort, after, limit, count=count)

    def list_campaigns(
        self, wanted: Wanted, order: Order = "name", *, down: bool = False, after: Place | None = None, limit: int = 50
    ) -> CampaignPage:
        """Campaigns beside their advertisers; `after` is that of the page before. down: the greatest first."""
        with reading(self._engine) as connection:
            return read_campaigns(connection, wanted, order, after, limit, down=down)

    def history(self, kind: Kind, noun_id: str, *, after: int = 0, limit: int = 100) -> list[AuditLine]:
        """What was done to one noun, oldest first; `after` is the last number that was read."""
        with reading(self._engine) as connection:
            return read_lines(connection, after, limit, kind=kind, noun_id=noun_id)

    def last_changes(self, kind: Kind, noun_id: str, *, before: int | None = None, limit: int = 50) -> list[AuditLine]:
        """What was done to one noun, newest first; `before` is the last number that was read."""
        with reading(self._engine) as connection:
            return read_last(connection, before, limit, kind, noun_id)

    def audit(self, *, after: int = 0, limit: int = 100) -> list[AuditLine]:
        """What was done, oldest first."""
        with reading(self._engine) as connection:
            return read_lines(connection, after, limit)

    def advertisers(self) -> Iterator[Advertiser]:
        """All advertisers, by id."""
        return self._all(tables.advertisers, Advertiser)

    def campaigns(self) -> Iterator[Campaign]:
        """All campaigns, by id."""
        return self._all(tables.campaigns, Campaign)

    def ad_groups(self) -> Iterator[AdGroup]:
        """All ad groups, by id."""
        return self._all(tables.ad_groups, AdGroup)

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

    def _all(self, table: Table, noun: type[Changed]) -> Iterator[Changed]:
        with reading(self._engine) as connection:
            lines = connection.execute(select(table.c.payload).order_by(table.c.id)).scalars().all()
        return (msgspec.json.decode(line, type=noun) for line in lines)

    def ad_places(self, rows: Sequence[int]) -> dict[int, AdPlace]:
        """Campaign and category of the ads in these rows, removed ones too."""
        with reading(self._engine) as connection:
            return read_places(connection, rows)

    def ad_rows(self, ids: Sequence[str]) -> dict[str, int]:
        """The rows of these ads, as the log names them."""
        with reading(self._engine) as connection:
            return read_rows(connection, ids)

    def count_ads(self) -> int:
        """How many rows ads have, tombstones included."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(tables.state.c.next_row)).scalar_one())

    def count_changed_ads(self, since_version: int) -> int:
        """How many ads changed after a version, those removed included."""
        with reading(self._engine) as connection:
            query = select(func.count()).select_from(tables.ads).where(tables.ads.c.version > since_version)
            return int(connection.execute(query).scalar_one())

    def mark(self, version: int) -> str:
        """A text that is another for any other catalog, and for this one if it had another history up to the version.

        "" where the store has not come so far: it was put back.
        """
        with reading(self._engine) as connection:
            return "" if _version(connection) < version else last_mark(connection, version)

    def changes(self, since_version: int = 0) -> Changes:
        """The last state of all that changed after `since_version`, tombstones included, as of one moment."""
        with reading(self._engine) as connection:
            ads = tables.ads
            query = select(ads.c.row, ads.c.removed, ads.c.payload).where(ads.c.version > since_version)
            ad_of = AdReader()
            lines = [(row, None if removed else ad_of(payload)) for row, removed, payload in connection.execute(query)]
            lines.sort(key=_ROW)  # here, lest the database read the whole table in order of the rows
            return Changes(
                version=_version(connection),
                advertisers=_changed(connection, tables.advertisers, since_version, Advertiser),
                campaigns=_changed(connection, tables.campaigns, since_version, Campaign),
                ad_groups=_changed(connection, tables.ad_groups, since_version, AdGroup),
                ads=lines,
            )


def _version(connection: Connection) -> int:
    return int(connection.execute(select(tables.state.c.version)).scalar_one())


def _changed(connection: Connection, table: Table, since: int, noun: type[Changed]) -> list[Changed]:
    query = select(table.c.payload).where(table.c.version > since).order_by(table.c.version, table.c.id)
    noun_of = msgspec.json.Decoder(noun).decode
    return [noun_of(payload) for payload in connection.execute(query).scalars()]
