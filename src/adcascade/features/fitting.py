"""Fitting: one pass over sample tables -> what the encoder must remember of each feature."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from adcascade.errors import ConfigurationError
from adcascade.features.categories import Buckets, Categories, Numbered, Vocabulary
from adcascade.features.feature import Feature
from adcascade.features.keys import key_of
from adcascade.features.numbers import Bins, Scale, numbers_of
from adcascade.features.summary import NumberSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What fitting learned, by the feature's name."""

    categories: dict[str, Categories] = field(default_factory=dict)
    bins: dict[str, Bins] = field(default_factory=dict)
    scales: dict[str, Scale] = field(default_factory=dict)


def fit(features: Sequence[Feature], tables: Iterable[pa.Table]) -> Fitted:
    """Count values and summarise numbers, table by table; the order of the tables does not matter up to 100,000 rows.

    Raises ConfigurationError where a declared column is in none of the tables, InputError where a
    column's type does not fit its declaration.
    """
    counts = {f.name: Counter[str]() for f in features if f.kind == "categorical" and not f.buckets}
    summaries = {
        (f.name, f.bins): NumberSummary(log=f.log, seed=place)
        for place, f in enumerate(features)
        if f.kind == "numeric"
    }
    found: set[str] = set()
    for table in tables:
        found.update(table.column_names)
        for feature in features:
            if feature.name in table.column_names:
                _add(feature, table[feature.name], counts, summaries)
    absent = sorted(set(columns_of(features)) - found)
    if absent:
        raise ConfigurationError(
            f"no sample has the columns {', '.join(absent)}, which the features declare; "
            f"the samples have {', '.join(sorted(found)) or 'no column'}: mend the declaration or the import"
        )
    return _finish(features, counts, summaries)


def columns_of(features: Sequence[Feature]) -> list[str]:
    """The columns that these features read, each once."""
    names = [name for f in features for name in ((f.left, f.right) if f.kind == "match" else (f.name,))]
    return list(dict.fromkeys(names))


def _add(
    feature: Feature,
    column: pa.ChunkedArray,
    counts: dict[str, Counter[str]],
    summaries: dict[tuple[str, int], NumberSummary],
) -> None:
    for chunk in column.chunks:
        if feature.kind == "numeric":
            summaries[feature.name, feature.bins].add(numbers_of(chunk, feature.name))
        elif feature.kind == "sequence" and feature.of in counts and not pa.types.is_null(chunk.type):
            _count(counts[feature.of], chunk.flatten(), feature.name)
        elif feature.name in counts:
            _count(counts[feature.name], chunk, feature.name)


def _count(counter: Counter[str], values: pa.Array, name: str) -> None:
    if pa.types.is_null(values.type):
        return
    counted = pc.value_counts(values)
    for value, count in zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True):
        key = key_of(value, name)
        if key is not None:
            counter[key] += count


def _finish(
    features: Sequence[Feature],
    counts: dict[str, Counter[str]],
    summaries: dict[tuple[str, int], NumberSummary],
) -> Fitted:
    fitted = Fitted()
    for f in features:
        if f.kind == "numeric" and f.bins:
            fitted.bins[f.name] = summaries[f.name, f.bins].bins(f.bins)
        elif f.kind == "numeric":
            fitted.scales[f.name] = summaries[f.name, 0].scale()
        elif f.kind == "index":
            fitted.categories[f.name] = Numbered(f.buckets)
        elif f.kind == "categorical" and f.buckets:
            fitted.categories[f.name] = Buckets(f.buckets)
        elif f.kind == "categorical":
            kept = [key for key, count in counts[f.name].items() if count >= f.min_count]
            fitted.categories[f.name] = Vocabulary(sorted(kept, key=lambda key: (-counts[f.name][key], key)))
    return fitted


def check(features: Sequence[Feature]) -> None:
    """Raise ConfigurationError, naming the feature, where declarations contradict each other."""
    names = [(f.name, f.kind, bool(f.bins)) for f in features]
    for f, name in zip(features, names, strict=True):
        if names.count(name) > 1 or len({kind for n, kind, _ in names if n == f.name}) > 1:
            raise ConfigurationError(
                f"feature {f.name!r} is declared twice; declare a column once (a number may also be declared with bins)"
            )
        if f.kind == "sequence":
            _check_sequence(f, features)
        if (f.kind == "match") != (f.side == "pair") or (f.kind == "match" and not (f.left and f.right)):
            raise ConfigurationError(
                f"feature {f.name!r} is a {f.kind} of side {f.side}; a match is of side 'pair' and names left and right"
            )
        if f.kind == "index" and f.buckets < 1:
            raise ConfigurationError(f"index {f.name!r} has {f.buckets} buckets; give what all its values are below")
        if f.kind == "vector" and f.length < 1:
            raise ConfigurationError(f"vector {f.name!r} has length {f.length}; give its width")
        if min(f.buckets, f.bins, f.length) < 0 or f.min_count < 1:
            raise ConfigurationError(f"feature {f.name!r} has a negative size; give positive ones")


def _check_sequence(f: Feature, features: Sequence[Feature]) -> None:
    shared = [g for g in features if g.name == f.of and g.kind == "categorical"]
    if not shared or shared[0].side != "ad":
        raise ConfigurationError(f"sequence {f.name!r} is of {f.of!r}; name a categorical feature of the ad's side")
    if f.side == "ad":
        raise ConfigurationError(
            f"sequence {f.name!r} is on the ad's side; a history belongs to the user or the context"
        )
    lengths = {g.length for g in features if g.kind == "sequence"}
    if len(lengths) > 1 or f.length < 1:
        raise ConfigurationError(
            f"the sequences have lengths {sorted(lengths)}; they run in parallel: give all the same positive length"
        )


def scenario_of(features: Sequence[Feature]) -> str:
    """The name of the feature that Batch.scenario counts: the first categorical one of side "scenario", or ""."""
    return next((f.name for f in features if f.side == "scenario" and f.kind == "categorical"), "")
