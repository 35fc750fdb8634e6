"""Encoder: columns -> Batch, by the same rules for a Parquet file, for a request and for the catalog.

Each categorical feature, and each number declared with bins, is a *field*: a stretch of rows of one
packed embedding table. Row 0 of the table is padding; then field after field, request side first, and
within a field first "missing", then "unseen", then its values. Standardised numbers and vectors go to
`dense`. A sequence shares the rows of the ad feature that it names.

Letters in shapes: B samples, F fields, D numbers, L steps, S sequences.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.errors import ConfigurationError
from adcascade.features import fitting, storage
from adcascade.features.categories import FIRST
from adcascade.features.columns import Column, Field, History, Number, Vector
from adcascade.features.feature import Feature
from adcascade.features.matches import Matches

Part = Literal["both", "request", "ad"]
Columns: TypeAlias = Mapping[str, Column]
ORDER = {"ad": 1, "pair": 2}  # after the request's side
PARTS: tuple[Part, ...] = ("both", "request", "ad")


class Encoder:
    """Made by `fit` or `load`; immutable afterwards, so threads may share one."""

    def __init__(self, features: Sequence[Feature], fitted: fitting.Fitted) -> None:
        fitting.check(features)
        ordered = sorted(features, key=lambda f: ORDER.get(f.side, 0))
        self.features = tuple(ordered)
        self.fitted = fitted
        self._fields = self._lay_out()
        self._numbers = [_number(f, fitted) for f in self.features if f.kind == "vector" or _is_scaled(f)]
        self._fields_of = {part: [field for field in self._fields if _on(field.side, part)] for part in PARTS}
        self._numbers_of = {part: [number for number in self._numbers if _on(number.side, part)] for part in PARTS}
        field_of = {field.name: field for field in self._fields if field.kind == "categorical"}
        self.matches = Matches(self.features)
        self._histories = [History(f.name, f.length, field_of[f.of]) for f in self.features if f.kind == "sequence"]
        scenario = fitting.scenario_of(self.features)
        self._scenario = [f.name for f in self._fields].index(scenario) if scenario else -1
        self.rows = 1 + sum(field.size for field in self._fields)
        self.fingerprint = storage.fingerprint(self.features, fitted)

    def _lay_out(self) -> list[Field]:
        fields: list[Field] = []
        offset = 1  # row 0 is padding
        for f in self.features:
            if f.kind in ("categorical", "index"):
                fields.append(Field(f.name, f.side, f.kind, self.fitted.categories[f.name], offset))
            elif f.kind == "numeric" and f.bins:
                fields.append(Field(f.name, f.side, f.kind, self.fitted.bins[f.name], offset))
            else:
                continue
            offset += fields[-1].size
        return fields

    @classmethod
    def fit(cls, features: Sequence[Feature], tables: Iterable[pa.Table]) -> Self:
        """Learn vocabularies, bins and scales in one pass over the sample tables."""
        fitting.check(features)
        return cls(features, fitting.fit(features, tables))

    @property
    def request_fields(self) -> int:
        """F of the request's side."""
        return len(self._fields_of["request"])

    @property
    def ad_fields(self) -> int:
        """F of the ad's side."""
        return len(self._fields_of["ad"])

    @property
    def request_numbers(self) -> int:
        """D of the request's side."""
        return sum(number.width for number in self._numbers_of["request"])

    @property
    def ad_numbers(self) -> int:
        """D of the ad's side."""
        return sum(number.width for number in self._numbers_of["ad"])

    @property
    def sequences(self) -> int:
        """S, how many parallel sequences."""
        return len(self._histories)

    @property
    def length(self) -> int:
        """L, how many steps a sequence keeps."""
        return self._histories[0].length if self._histories else 0

    @property
    def targets(self) -> tuple[int, ...]:
        """For each sequence, which of the ad's fields (0 <= place < ad_fields) its items are of; [S]."""
        return tuple(self._fields_of["ad"].index(history.field) for history in self._histories)

    @property
    def scenarios(self) -> int:
        """How many numbers Batch.scenario may hold: 2 and the known scenarios; 1 where no feature is the scenario."""
        return self._fields[self._scenario].size if self._scenario >= 0 else 1

    @property
    def scenario_field(self) -> int | None:
        """The place of the scenario among the request's fields; None where no feature is the scenario."""
        return self._scenario if self._scenario >= 0 else None

    @property
    def scenario_rows(self) -> range:
        """The rows of the packed table of the known scenarios, those counted from 2; empty where there are none."""
        if self._scenario < 0:
            return range(0)
        field = self._fields[self._scenario]
        return range(field.offset + FIRST, field.offset + field.size)

    def place(self, name: str) -> tuple[Part, int]:
        """The side, "request" or "ad", and the column of its ids where the field `name` stands."""
        for side in PARTS[1:]:
            names = [field.name for field in self._fields_of[side]]
            if name in names:
                return side, names.index(name)
        known = ", ".join(field.name for field in self._fields)
        raise ConfigurationError(f"{name!r} is no categorical or binned feature; expected one of {known}")

    def field_rows(self, name: str) -> range:
        """The rows of the packed table that the categorical or binned feature `name` uses."""
        field = next(field for field in self._fields if field.name == name)
        return range(field.offset, field.offset + field.size)

    def encode(self, columns: Columns, rows: int, side: Part = "both") -> Batch:
        """Columns of `rows` values each, Arrow arrays or Python sequences -> Batch with B = rows.

        A column that is absent is missing everywhere. Raises InputError, naming the column, where a
        value cannot be what the feature declares.
        """
        fields, numbers = self._fields_of[side], self._numbers_of[side]
        by_field = np.empty((len(fields), rows), np.int64)  # each field's ids end to end
        for field, out in zip(fields, by_field, strict=True):
            field.encode(columns.get(field.name), out)
        parts = [number.encode(columns.get(number.name), rows) for number in numbers]
        dense = np.concatenate(parts, axis=1, dtype=np.float32) if parts else np.zeros((rows, 0), np.float32)
        history, length = self._encode_histories(columns, rows, side)
        ids = by_field.T
        plain = Batch(
            ids=ids, dense=dense, history=history, history_length=length, scenario=self._scenario_of(ids, side)
        )
        return self._matched(plain, columns, rows, side)

    def _matched(self, batch: Batch, columns: Columns, rows: int, side: Part) -> Batch:
        """The batch with the keys of its side, or, for pairs, with their matches."""
        if side == "request":
            return replace(batch, keys=self.matches.left(columns, rows))
        right = self.matches.right(columns, rows)
        if side == "ad":
            return replace(batch, keys=right)
        return replace(batch, match=self.matches(self.matches.left(columns, rows), right))

    def _encode_histories(self, columns: Columns, rows: int, side: Part) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if side == "ad" or not self._histories:
            return np.zeros((rows, 0, 0), np.int64), np.zeros(rows, np.int64)
        pairs = [history.encode(columns.get(history.name), rows) for history in self._histories]
        return (
            np.stack([steps for steps, _ in pairs], axis=2),  # [B, L, S]
            np.max(np.stack([length for _, length in pairs]), axis=0),
        )

    def _scenario_of(self, ids: NDArray[np.int64], side: Part) -> NDArray[np.int64]:
        if side == "ad" or self._scenario < 0:
            return np.zeros(len(ids), np.int64)
        return ids[:, self._scenario] - self._fields[self._scenario].offset

    def encode_one(self, values: Mapping[str, object], side: Part = "request") -> Batch:
        """One sample's plain values (text, numbers, lists of text) -> Batch with B = 1: what `encode` says, quicker."""
        fields = self._fields_of[side]
        get = values.get
        ids = np.array([[field.one(get(field.name)) for field in fields]], np.int64).reshape(1, len(fields))
        dense = [z for number in self._numbers_of[side] for z in number.one(get(number.name))]
        history = np.zeros((1, 0, 0), np.int64)
        longest = 0
        if side != "ad" and self._histories:
            items = [h.one(get(h.name)) for h in self._histories]
            longest = max(map(len, items))
            history = np.zeros((1, self.length, len(items)), np.int64)
            for place, rows in enumerate(items):
                history[0, : len(rows), place] = rows
        plain = Batch(
            ids=ids,
            dense=np.array([dense], np.float32),
            history=history,
            history_length=np.array([longest], np.int64),
            scenario=self._scenario_of(ids, side),
        )
        if side == "request":
            return replace(plain, keys=self.matches.left_one(values))
        return self._matched(plain, {name: [value] for name, value in values.items()}, 1, side)

    def save(self, folder: Path) -> None:
        """Write encoder.json and vocabulary.parquet into an existing folder."""
        storage.save(folder, self.features, self.fitted)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; BundleError where it is damaged."""
        return cls(*storage.load(folder))


def _on(side: str, part: Part) -> bool:
    return part == "both" or (side == "ad") == (part == "ad")


def _is_scaled(feature: Feature) -> bool:
    return feature.kind == "numeric" and not feature.bins


def _number(feature: Feature, fitted: fitting.Fitted) -> Number | Vector:
    if feature.kind == "vector":
        return Vector(feature.name, feature.side, feature.length)
    return Number(feature.name, feature.side, fitted.scales[feature.name])
