"""Storage of an encoder: encoder.json (declaration, bins, scales) and vocabulary.parquet (feature, value)."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from adcascade.errors import BundleError
from adcascade.features.categories import Buckets, Categories, Numbered, Vocabulary
from adcascade.features.feature import Feature
from adcascade.features.fitting import Fitted
from adcascade.features.numbers import Bins, Scale


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """What encoder.json holds."""

    features: tuple[Feature, ...]
    bins: dict[str, Bins]
    scales: dict[str, Scale]


def fingerprint(features: Sequence[Feature], fitted: Fitted) -> str:
    """SHA-256 in hexadecimal over the declaration and everything that fitting learned."""
    digest = hashlib.sha256(_json(features, fitted))
    for name, categories in sorted(fitted.categories.items()):
        if isinstance(categories, Vocabulary):
            digest.update(msgspec.msgpack.encode((name, categories.values)))
    return digest.hexdigest()


def _json(features: Sequence[Feature], fitted: Fitted) -> bytes:
    return msgspec.json.encode(
        Declaration(features=tuple(features), bins=fitted.bins, scales=fitted.scales), order="deterministic"
    )


def save(folder: Path, features: Sequence[Feature], fitted: Fitted) -> None:
    """Write both files."""
    (folder / "encoder.json").write_bytes(msgspec.json.format(_json(features, fitted), indent=1))
    named = [
        (name, value)
        for name, categories in sorted(fitted.categories.items())
        if isinstance(categories, Vocabulary)
        for value in categories.values
    ]
    table = pa.table(
        {
            "feature": pa.array([name for name, _ in named], pa.string()).dictionary_encode(),
            "value": pa.array([value for _, value in named], pa.string()),
        }
    )
    pq.write_table(table, folder / "vocabulary.parquet", compression="zstd")


def load(folder: Path) -> tuple[tuple[Feature, ...], Fitted]:
    """Read both files; BundleError where one is absent or damaged."""
    try:
        declaration = msgspec.json.decode((folder / "encoder.json").read_bytes(), type=Declaration)
        with pq.ParquetFile(folder / "vocabulary.parquet") as file:  # read_table would import pandas
            table = file.read()
        names, values = table["feature"].to_pylist(), table["value"].to_pylist()
    except (OSError, msgspec.MsgspecError, pa.ArrowException, KeyError) as error:
        raise BundleError(
            f"{folder} holds no readable encoder ({error}); restore the bundle or export it again"
        ) from error
    words: dict[str, list[str]] = {}
    for name, value in zip(names, values, strict=True):
        words.setdefault(name, []).append(value)
    categories: dict[str, Categories] = {
        f.name: _categories(f, words) for f in declaration.features if f.kind in ("categorical", "index")
    }
    return declaration.features, Fitted(categories=categories, bins=declaration.bins, scales=declaration.scales)


def _categories(feature: Feature, words: dict[str, list[str]]) -> Categories:
    if feature.kind == "index":
        return Numbered(feature.buckets)
    return Buckets(feature.buckets) if feature.buckets else Vocabulary(words.get(feature.name, []))
