"""Files of advertisers, campaigns and ads into the catalog and out of it; `rows.py` says what they look like."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow as pa

from adcascade.catalog import rules
from adcascade.catalog.nouns import Ad, Advertiser, Campaign, Targeting
from adcascade.catalog.rows import Row, read_rows, write_rows
from adcascade.catalog.store import CatalogStore
from adcascade.errors import InputError, RowError

Kind = Literal["advertisers", "campaigns", "ads"]
OnError = Literal["stop", "skip"]
Noun = Advertiser | Campaign | Ad
KINDS: tuple[Kind, ...] = ("advertisers", "campaigns", "ads")

_NOUNS: dict[Kind, type[Noun]] = {"advertisers": Advertiser, "campaigns": Campaign, "ads": Ad}
_CHECKS: dict[Kind, Callable[[Any, str], None]] = {
    "advertisers": rules.check_advertiser,
    "campaigns": rules.check_campaign,
    "ads": rules.check_ad,
}
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
    raise InputError("file", path.name, "a name that begins with advertiser, campaign or ad", "or give --kind")


def import_files(
    store: CatalogStore, files: Sequence[tuple[Kind, Path]], *, on_error: OnError = "stop"
) -> ImportReport:
    """Put the files' rows into the catalog, all in one version.

    "stop" raises RowError for the first row that cannot be used, and nothing is put; "skip" counts such rows.
    A row that names an advertiser or a campaign found neither in the catalog nor in the files cannot be used.
    """
    report = ImportReport()
    reader = _Reader(store, on_error, report)
    for kind in KINDS:
        for _, path in (named for named in files if named[0] == kind):
            reader.read(kind, path)
    nouns = reader.nouns
    report.taken = {kind: len(nouns[kind]) for kind in KINDS}
    report.version = store.put(nouns["advertisers"], nouns["campaigns"], nouns["ads"])  # type: ignore[arg-type]
    return report


class _Reader:
    """Rows that may be put, kind after kind, so that references to those before are known."""

    def __init__(self, store: CatalogStore, on_error: OnError, report: ImportReport) -> None:
        campaigns = list(store.campaigns())
        self.nouns: dict[Kind, list[Noun]] = {kind: [] for kind in KINDS}
        self._seen: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
        self._advertisers = {advertiser.id for advertiser in store.advertisers()}
        self._campaigns = {campaign.id for campaign in campaigns}
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
            case Ad():
                if noun.campaign not in self._campaigns:
                    raise RowError(path.name, number, "campaign", noun.campaign, "the id of a known campaign")

    def _take(self, kind: Kind, noun: Noun) -> None:
        self.nouns[kind].append(noun)
        self._seen[kind].add(noun.id)
        match noun:
            case Advertiser():
                self._advertisers.add(noun.id)
            case Campaign():
                self._campaigns.add(noun.id)
                self._currency = noun.currency


def noun_of(kind: Kind, path: Path, number: int, row: Row) -> Noun:
    """The noun of a flat or nested row; RowError where a field is unknown, missing or wrong."""
    nested = _nested(kind, path, number, row)
    try:
        noun: Noun = msgspec.convert(nested, _NOUNS[kind], strict=path.suffix.lower() in {".jsonl", ".ndjson"})
    except msgspec.ValidationError as error:
        raise _row_error(path, number, nested, str(error)) from error
    try:
        _CHECKS[kind](noun, "")
    except InputError as error:
        raise RowError(path.name, number, error.field.lstrip("."), error.value, error.expected) from error
    return noun


def _nested(kind: Kind, path: Path, number: int, row: Row) -> dict[str, Any]:
    """Fields as the noun has them: dotted names gathered, text of CSV taken apart."""
    nested: dict[str, Any] = {}
    for name, given in row.items():
        outer, _, inner = name.partition(".")
        if outer not in _NOUNS[kind].__struct_fields__ or (inner and not _may_hold(outer, inner)):
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
    """All advertisers, campaigns or ads."""
    match kind:
        case "advertisers":
            yield from store.advertisers()
        case "campaigns":
            yield from store.campaigns()
        case "ads":
            yield from (ad for _, ad in store.ads())


def _flat(noun: Noun) -> Row:
    row: Row = msgspec.to_builtins(noun)
    row.update({f"targeting.{name}": value for name, value in row.pop("targeting", {}).items()})
    return row


def columns_of(kind: Kind) -> dict[str, pa.DataType]:
    """The columns of a kind's files with their Arrow types."""
    names = [name for name in _NOUNS[kind].__struct_fields__ if name != "targeting"]
    types = {name: _type_of(name) for name in names}
    if kind == "campaigns":
        types.update({f"targeting.{name}": _TEXTS for name in Targeting.__struct_fields__})
    return types


def _type_of(name: str) -> pa.DataType:
    if _INTEGERS.fullmatch(name):
        return pa.int64()
    if name in _LISTS:
        return _TEXTS
    other = {"picture": pa.list_(pa.float64()), "prepaid": pa.bool_(), "margin_share": pa.float64()}
    return other.get(name, pa.string())
