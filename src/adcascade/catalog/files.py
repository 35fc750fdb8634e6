"""Files of the four kinds into the catalog and out of it; `rows.py` says what they look like."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow as pa

from adcascade.catalog.audit import Auditing, Author
from adcascade.catalog.kinds import KINDS, NOUN_OF, Kind, Noun
from adcascade.catalog.nouns import Ad, AdGroup, Advertiser, Campaign, Targeting
from adcascade.catalog.rows import Row, read_rows, write_rows
from adcascade.catalog.rules import CHECK_OF
from adcascade.catalog.store import CatalogStore
from adcascade.errors import InputError, RowError

OnError = Literal["stop", "skip"]
IMPORT = Author(who="import")

_TEXTS = pa.list_(pa.string())
_INTEGERS = re.compile(r".*_(micros|us|bp)|stock")
_LISTS = ("keywords", "deals", "iab")
_DOCUMENTS = ("creatives", "attributes", "caps")  # JSON in CSV and Parquet
_WHERE = re.compile(r"(?P<says>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>\w+)`")


@dataclass(slots=True)
class ImportReport:
    """What an import took in, and what it skipped and why."""

    version: int = 0
    taken: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    skipped: Counter[str] = field(default_factory=Counter)  # reason -> rows


def kind_of(path: Path) -> Kind:
    """The kind that the file's name tells; InputError where it tells none."""
    for kind in KINDS:
        if path.name.lower().startswith(kind[:-1]):
            return kind
    raise InputError(
        "file", path.name, "a name that begins with advertiser, campaign, ad_group or ad", "or give --kind"
    )


def import_files(
    store: CatalogStore,
    files: Sequence[tuple[Kind, Path]],
    *,
    on_error: OnError = "stop",
    author: Author = IMPORT,
    audit: Auditing = "each",
) -> ImportReport:
    """Put the files' rows into the catalog, all in one version.

    "stop" raises RowError for the first row that cannot be used, and nothing is put; "skip" counts such rows.
    A row that names an advertiser, a campaign or a group found neither in the catalog nor in the files cannot be used.
    """
    report = ImportReport()
    reader = _Reader(store, on_error, report)
    for kind in KINDS:
        for _, path in (named for named in files if named[0] == kind):
            reader.read(kind, path)
    nouns = reader.nouns
    report.taken = {kind: len(nouns[kind]) for kind in KINDS}
    report.version = store.put_all(nouns, author=author, audit=audit)
    return report


class _Reader:
    """Rows that may be put, kind after kind, so that references to those before are known."""

    def __init__(self, store: CatalogStore, on_error: OnError, report: ImportReport) -> None:
        campaigns = list(store.campaigns())
        self.nouns: dict[Kind, list[Noun]] = {kind: [] for kind in KINDS}
        self._seen: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
        self._advertisers = {advertiser.id for advertiser in store.advertisers()}
        self._campaigns = {campaign.id for campaign in campaigns}
        self._campaign_of = {group.id: group.campaign for group in store.ad_groups()}
        self._currency = campaigns[0].currency if campaigns else ""
        self._on_error, self._report = on_error, report

    def read(self, kind: Kind, path: Path) -> None:
        for number, row in read_rows(path):
            try:
                if isinstance(row, RowError):
                    raise row
                noun = noun_of(kind, path, number, row)
                self._check(kind, path, number, noun)
            except RowError as error:
                if self._on_error == "stop":
                    raise
                self._report.skipped[f"{path.name}, column {error.column!r}: not {error.expected}"] += 1
            else:
                self._take(kind, noun)

    def _check(self, kind: Kind, path: Path, number: int, noun: Noun) -> None:
        """What a row cannot know of itself: that it comes once, and that what it names is there."""
        if noun.id in self._seen[kind]:
            raise RowError(path.name, number, "id", noun.id, "an id that no row before has")
        match noun:
            case Campaign():
                if noun.advertiser not in self._advertisers:
                    raise RowError(path.name, number, "advertiser", noun.advertiser, "the id of a known advertiser")
                if self._currency and noun.currency != self._currency:
                    expected = f"{self._currency}, the catalog's one currency"
                    raise RowError(path.name, number, "currency", noun.currency, expected)
            case AdGroup() | Ad():
                if noun.campaign not in self._campaigns:
                    raise RowError(path.name, number, "campaign", noun.campaign, "the id of a known campaign")
                self._check_group(path, number, noun)

    def _check_group(self, path: Path, number: int, noun: AdGroup | Ad) -> None:
        if isinstance(noun, AdGroup):
            stays = self._campaign_of.get(noun.id, noun.campaign)
            if stays != noun.campaign:
                raise RowError(path.name, number, "campaign", noun.campaign, f"{stays}, in which the group stays")
        elif noun.ad_group and self._campaign_of.get(noun.ad_group) != noun.campaign:
            expected = "the id of a known ad group of the same campaign"
            raise RowError(path.name, number, "ad_group", noun.ad_group, expected)

    def _take(self, kind: Kind, noun: Noun) -> None:
        self.nouns[kind].append(noun)
        self._seen[kind].add(noun.id)
        match noun:
            case Advertiser():
                self._advertisers.add(noun.id)
            case Campaign():
                self._campaigns.add(noun.id)
                self._currency = noun.currency
            case AdGroup():
                self._campaign_of[noun.id] = noun.campaign


def noun_of(kind: Kind, path: Path, number: int, row: Row) -> Noun:
    """The noun of a flat or nested row; RowError where a field is unknown, missing or wrong."""
    nested = _nested(kind, path, number, row)
    try:
        noun: Noun = msgspec.convert(nested, NOUN_OF[kind], strict=path.suffix.lower() in {".jsonl", ".ndjson"})
    except msgspec.ValidationError as error:
        raise _row_error(path, number, nested, str(error)) from error
    try:
        CHECK_OF[kind](noun, "")
    except InputError as error:
        raise RowError(path.name, number, error.field.lstrip("."), error.value, error.expected) from error
    return noun


def _nested(kind: Kind, path: Path, number: int, row: Row) -> dict[str, Any]:
    """Fields as the noun has them: dotted names gathered, text of CSV taken apart."""
    nested: dict[str, Any] = {}
    for name, given in row.items():
        outer, _, inner = name.partition(".")
        if outer not in NOUN_OF[kind].__struct_fields__ or (inner and not _may_hold(outer, inner)):
            known = ", ".join(columns_of(kind))
            raise RowError(path.name, number, name, given, f"a column of {kind}: {known}")
        value = _taken_apart(path, number, name, given)
        if inner:
            nested.setdefault(outer, {})[inner] = value
        else:
            nested[outer] = value
    for inner in set(nested.get("targeting", ())) - set(Targeting.__struct_fields__):
        known = ", ".join(Targeting.__struct_fields__)
        raise RowError(path.name, number, f"targeting.{inner}", nested["targeting"][inner], f"one of {known}")
    return nested


def _may_hold(outer: str, inner: str) -> bool:
    return outer == "attributes" or (outer == "targeting" and inner in Targeting.__struct_fields__)


def _taken_apart(path: Path, number: int, name: str, value: object) -> object:
    """A text that stands for a list or a document, as that; anything else as it is."""
    listed = name in {*_LISTS, "picture"} or name.startswith("targeting.")
    if not isinstance(value, str) or not (listed or name in {*_DOCUMENTS, "targeting"}):
        return value
    if listed and value[:1] != "[":
        return value.split("|")
    try:
        return msgspec.json.decode(value)
    except msgspec.MsgspecError as error:
        raise RowError(path.name, number, name, value, "JSON, or a list like a|b" if listed else "JSON") from error


def _row_error(path: Path, number: int, row: Mapping[str, Any], message: str) -> RowError:
    """msgspec's complaint in our words."""
    found = _WHERE.fullmatch(message)
    says, where = (found["says"], found["path"] or "") if found else (message, "")
    if missing := _MISSING.match(says):
        column = f"{where}.{missing['name']}".lstrip(".")
        return RowError(path.name, number, column, None, "given: every row needs it")
    value = row.get(re.split(r"[.\[]", where)[0])
    return RowError(path.name, number, where or "the whole row", value, f"right ({says})")


def export_file(store: CatalogStore, kind: Kind, path: Path) -> int:
    """Write all of a kind to a file; how many."""
    return write_nouns(path, kind, nouns_of(store, kind))


def write_nouns(path: Path, kind: Kind, nouns: Iterable[Noun]) -> int:
    """Write these to a file; how many."""
    written = Counter[Kind]()

    def rows() -> Iterator[Row]:
        for noun in nouns:
            written[kind] += 1
            yield _flat(noun)

    write_rows(path, rows(), columns_of(kind))
    return written[kind]


def nouns_of(store: CatalogStore, kind: Kind) -> Iterator[Noun]:
    """All of a kind."""
    match kind:
        case "advertisers":
            yield from store.advertisers()
        case "campaigns":
            yield from store.campaigns()
        case "ad_groups":
            yield from store.ad_groups()
        case "ads":
            yield from (ad for _, ad in store.ads())


def _flat(noun: Noun) -> Row:
    row: Row = msgspec.to_builtins(noun)
    row.update({f"targeting.{name}": value for name, value in row.pop("targeting", {}).items()})
    return row


def columns_of(kind: Kind) -> dict[str, pa.DataType]:
    """The columns of a kind's files with their Arrow types."""
    names = [name for name in NOUN_OF[kind].__struct_fields__ if name != "targeting"]
    types = {name: _type_of(name) for name in names}
    if "targeting" in NOUN_OF[kind].__struct_fields__:
        types.update({f"targeting.{name}": _TEXTS for name in Targeting.__struct_fields__})
    return types


def _type_of(name: str) -> pa.DataType:
    if _INTEGERS.fullmatch(name):
        return pa.int64()
    if name in _LISTS:
        return _TEXTS
    other = {"picture": pa.list_(pa.float64()), "prepaid": pa.bool_(), "margin_share": pa.float64()}
    return other.get(name, pa.string())
