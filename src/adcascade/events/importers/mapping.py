"""Mapping: which columns of a file mean what, as a TOML or JSON file says it; see docs/import.md for an example.

[columns]                  # reserved column = column of the file
time_us = "when"
click = "clicked"

[format]
time = "s"                 # "iso" (default), "s", "ms", "us", or a strptime pattern
delimiter = ";"            # of text, default a comma, or a tab where the file ends in .tsv
separator = " "            # between the items of a sequence or vector in text, default "|"
null = ["", "NULL"]        # texts that mean missing
sort = true                # by time, where the file is not in order

[[features]]               # as features.feature.Feature, and `source` where the file calls it otherwise
name = "brand"
side = "ad"
kind = "categorical"
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from adcascade.errors import ConfigurationError
from adcascade.events.importers.base import Declaration
from adcascade.events.importers.fields import Field, Kind
from adcascade.events.sample_types import TYPES


class FeatureColumn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The keys of features.feature.Feature, and the name of the column in the file."""

    name: str
    side: Literal["user", "context", "scenario", "ad"]
    kind: Literal["categorical", "numeric", "sequence", "vector"]
    buckets: int = 0
    min_count: int = 1
    bins: int = 0
    log: bool = False
    of: str = ""
    length: int = 0
    source: str = ""


class Format(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the file writes things."""

    time: str = "iso"
    delimiter: str = ""
    separator: str = "|"
    null: tuple[str, ...] = ("",)
    sort: bool = False


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column of the file is which reserved column, and which are features."""

    columns: dict[str, str]
    features: tuple[FeatureColumn, ...] = ()
    format: Format = Format()

    def fields(self) -> tuple[Field, ...]:
        """The columns to read."""
        reserved = [self._reserved(name, source) for name, source in self.columns.items()]
        named = {one.name: self._feature(one) for one in self.features}  # a number may be declared twice
        return (*reserved, *named.values())

    def declarations(self) -> list[Declaration]:
        """The features as the sample set declares them."""
        plain: list[dict[str, Any]] = [msgspec.to_builtins(one) for one in self.features]
        return [{key: value for key, value in one.items() if key != "source"} for one in plain]

    def _reserved(self, name: str, source: str) -> Field:
        """How a reserved column is read."""
        kinds: dict[str, Kind] = {"click": "flag", "conversion": "flag", "position": "integer"}
        kinds |= {"propensity": "number", "weight": "number", "conversion_value_micros": "integer"}
        kind: Kind = "time" if name.endswith("time_us") else kinds.get(name, "text")
        bounds = {"propensity": (0.0, 1.0), "weight": (0.0, None), "position": (0.0, None)}
        low, high = bounds.get(name, (None, None))
        needed = name in ("click", "time_us")
        return Field(
            name=name, source=(source,), kind=kind, format=self.format.time, required=needed, low=low, high=high
        )

    def _feature(self, one: FeatureColumn) -> Field:
        """How a feature's column is read."""
        kinds: dict[str, Kind] = {"numeric": "number", "sequence": "list", "vector": "vector"}
        kind, width = kinds.get(one.kind, "text"), one.length if one.kind == "vector" else 0
        source = (one.source or one.name,)
        return Field(name=one.name, source=source, kind=kind, separator=self.format.separator, length=width)


def read_mapping(path: Path) -> Mapping:
    """Raises ConfigurationError: it is not there, is no TOML or JSON, or names what does not exist."""
    try:
        data = path.read_bytes()
        plain = msgspec.json.decode(data) if path.suffix == ".json" else tomllib.loads(data.decode())
        mapping = msgspec.convert(plain, Mapping)
    except OSError as error:
        raise ConfigurationError(f"the mapping {path} cannot be read: {error}") from error
    except (msgspec.DecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"the mapping {path} is wrong: {error}; see docs/import.md for an example") from error
    _check(path, mapping)
    return mapping


def _check(path: Path, mapping: Mapping) -> None:
    """Raise ConfigurationError where names contradict the sample table."""
    if "click" not in mapping.columns:
        raise ConfigurationError(f'the mapping {path} has no click: write `click = "COLUMN"` under [columns]')
    unknown = [name for name in mapping.columns if name not in TYPES]
    if unknown:
        raise ConfigurationError(f"the mapping {path} names {unknown[0]!r} under [columns]; known: {', '.join(TYPES)}")
    _no_reserved(path, mapping.features)


def _no_reserved(path: Path, features: Sequence[FeatureColumn]) -> None:
    """Raise ConfigurationError where a feature has a reserved name or a vector no width."""
    for one in features:
        if one.name in TYPES:
            raise ConfigurationError(
                f"the mapping {path} calls a feature {one.name!r}, which is a reserved column; give it another name "
                f"and `source = {one.source or one.name!r}`"
            )
        if one.kind == "vector" and one.length < 1:
            raise ConfigurationError(f"the mapping {path} has a vector {one.name!r} without a length; give its width")
