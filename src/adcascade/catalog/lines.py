"""Lines of the tables: a noun as its columns and its JSON, and back."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import structs
from sqlalchemy import Connection, Select, Table, literal, select

from adcascade.catalog.kinds import NOUN_OF, Kind, Noun, name_of
from adcascade.catalog.nouns import Ad, AdGroup, Campaign
from adcascade.catalog.tables import TABLE_OF

CHUNK = 500  # ids in one IN list
SORTED_BY = 100  # characters of a name
Item = TypeVar("Item")

_DECODERS: dict[Kind, msgspec.json.Decoder[Noun]] = {kind: msgspec.json.Decoder(noun) for kind, noun in NOUN_OF.items()}


class Line(NamedTuple):
    """A noun as it lies in its table. row: 0 for what has none."""

    row: int
    version: int
    removed: bool
    payload: str


def decode(kind: Kind, payload: str | memoryview) -> Noun:
    """The noun of a payload."""
    return _DECODERS[kind].decode(payload)


class AdReader:
    """Decodes ads by the million: texts that many of them have in common are held once."""

    def __init__(self) -> None:
        """Nothing held."""
        self._decode = msgspec.json.Decoder(Ad).decode
        self._held: dict[Any, Any] = {}
        self._nothing: dict[str, str | float] = {}

    def __call__(self, payload: str) -> Ad:
        """The ad of a payload."""
        ad, hold = self._decode(payload), self._held.setdefault
        for name in ("campaign", "ad_group", "category", "brand", "iab"):
            value = getattr(ad, name)
            structs.force_setattr(ad, name, hold(value, value))
        if not ad.attributes:
            structs.force_setattr(ad, "attributes", self._nothing)
        return ad


def encode(noun: Noun) -> str:
    """The payload of a noun: JSON without what is as by default, so that a new field changes no old payload."""
    return msgspec.json.encode(_told(noun)).decode()


def _told(noun: msgspec.Struct) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, default in zip(noun.__struct_fields__, _defaults(type(noun)), strict=True):
        value = getattr(noun, name)
        if value != default:
            told[name] = _plain(value)
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _told(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


_KNOWN: dict[type[msgspec.Struct], tuple[Any, ...]] = {}


def _defaults(noun: type[msgspec.Struct]) -> tuple[Any, ...]:
    """The default of each field; msgspec.NODEFAULT equals no value."""
    if noun not in _KNOWN:
        _KNOWN[noun] = tuple(
            field.default_factory() if callable(field.default_factory) else field.default
            for field in structs.fields(noun)
        )
    return _KNOWN[noun]


def line_of(noun: Noun, version: int, row: int = 0) -> dict[str, object]:
    """The columns of a noun; `row` is an ad's."""
    name = name_of(noun)
    line: dict[str, object] = {
        "id": noun.id,
        "version": version,
        "name": name.casefold()[:SORTED_BY],
        "label": f"{noun.id} {name}".casefold(),
        "payload": encode(noun),
    }
    match noun:
        case Campaign():
            line |= {"advertiser": noun.advertiser, "currency": noun.currency, "status": noun.status}
        case AdGroup():
            line |= {"campaign": noun.campaign, "status": noun.status}
        case Ad():
            line |= {"campaign": noun.campaign, "ad_group": noun.ad_group, "product": noun.product}
            line |= {"row": row, "status": noun.status, "removed": False}
    return line


def find_lines(connection: Connection, kind: Kind, ids: Sequence[str]) -> dict[str, Line]:
    """Those of the ids that the catalog holds, or ever held: removed ads too."""
    table = TABLE_OF[kind]
    query = _lines(table)
    found: dict[str, Line] = {}
    for chunk in chunks(ids):
        lines = connection.execute(query.where(table.c.id.in_(chunk))).all()
        found.update({line[0]: Line(*line[1:]) for line in lines})
    return found


def _lines(table: Table) -> Select[Any]:
    row, removed = (table.c.row, table.c.removed) if "row" in table.c else (literal(0), literal(value=False))
    return select(table.c.id, row, table.c.version, removed, table.c.payload)


def chunks(items: Sequence[Item], size: int = CHUNK) -> Iterator[Sequence[Item]]:
    """The items, so many at once."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
