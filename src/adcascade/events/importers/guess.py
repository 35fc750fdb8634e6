"""Guess a mapping from a file's columns, and say what was guessed."""

from collections.abc import Sequence
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from adcascade.errors import InputError
from adcascade.events.importers.fields import EPOCHS
from adcascade.events.importers.mapping import FeatureColumn, Format, Mapping

KNOWN = {
    "click": ("click", "clicked", "clicks", "clk", "is_click", "is_clicked", "label", "target", "y"),
    "time_us": ("time_us", "time", "timestamp", "datetime", "date", "ts", "time_stamp", "created_at", "event_time"),
    "user": ("user", "user_id", "userid", "uid", "visitor", "visitor_id", "customer_id"),
    "request_id": ("request_id", "request", "impression_id", "bid_id", "id"),
    "scenario": ("scenario", "scene", "domain", "channel", "page_type"),
    "position": ("position", "slot", "rank"),
    "propensity": ("propensity", "propensity_score"),
    "weight": ("weight", "sample_weight"),
    "conversion": ("conversion", "converted", "purchase", "is_conversion", "is_attributed"),
    "click_time_us": ("click_time_us",),
    "conversion_time_us": ("conversion_time_us",),
    "conversion_value_micros": ("conversion_value_micros",),
}
SIDES = {
    "user": ("user", "visitor", "customer", "age", "gender", "profile", "device"),
    "ad": ("ad", "item", "product", "campaign", "creative", "brand", "category", "advertiser", "price", "title"),
}
FEW = 20  # a number with at most so many values in the first rows is a category


def guess(first: pa.Table) -> tuple[Mapping, list[str]]:
    """A mapping and a sentence a guess, from the first rows of the file (columns of text, numbers or lists).

    Raises InputError where no column looks like a click.
    """
    columns = reserved_of(first.column_names)
    if "click" not in columns:
        raise InputError(
            "columns",
            ", ".join(first.column_names),
            f"one of {', '.join(KNOWN['click'])}",
            "name it with --mapping FILE",
        )
    time = _time_format(_one(first, columns["time_us"])) if "time_us" in columns else "iso"
    rest = [name for name in first.column_names if name not in columns.values()]
    guessed = {name: _feature(name, _one(first, name)) for name in rest}
    features = tuple(one for one in guessed.values() if one is not None)
    notes = [
        f"{name} is column {source!r}" + (f" ({time})" if name == "time_us" else "") for name, source in columns.items()
    ]
    notes += [f"feature {one.name}: {one.kind}, side {one.side}" for one in features]
    notes += [f"column {name!r} is left out: a list needs a mapping" for name, one in guessed.items() if one is None]
    return Mapping(columns=columns, features=features, format=Format(time=time)), notes


def _one(table: pa.Table, name: str) -> pa.Array:
    """A column as one array."""
    return table[name].combine_chunks()


def reserved_of(names: Sequence[str]) -> dict[str, str]:
    """Which reserved column each well-known name is; a column serves once."""
    lower = {name.lower(): name for name in names}
    found = {reserved: [lower[one] for one in known if one in lower] for reserved, known in KNOWN.items()}
    return {reserved: there[0] for reserved, there in found.items() if there}


def _feature(name: str, values: pa.Array) -> FeatureColumn | None:
    """What a column probably is; None for lists that are no vectors."""
    words = name.lower().replace("-", "_").split("_")
    fitting = [side for side, known in SIDES.items() if any(word in known for word in words)]
    side: Literal["user", "ad", "context"] = "context"
    if fitting == ["ad"]:
        side = "ad"
    elif fitting == ["user"]:
        side = "user"
    kind, length = ("categorical", 0) if name.lower().endswith("id") else _kind(values)
    return None if kind is None else FeatureColumn(name=name, side=side, kind=kind, length=length)


def _kind(values: pa.Array) -> tuple[Literal["categorical", "numeric", "vector"] | None, int]:
    """Kind and width: many different numbers are numeric, lists of equally many numbers a vector, other lists None."""
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type) or pa.types.is_fixed_size_list(values.type):
        lengths = pc.unique(pc.drop_null(pc.list_value_length(values))).to_pylist()
        same = len(lengths) == 1 and lengths[0] > 0 and _numbers(values.flatten()) is not None
        return ("vector", int(lengths[0])) if same else (None, 0)
    numbers = _numbers(values)
    many = numbers is not None and pc.count_distinct(numbers).as_py() > FEW
    return ("numeric" if many else "categorical"), 0


def _numbers(values: pa.Array) -> pa.Array | None:
    """The values as float64; None where some are no numbers."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    try:
        text = pa.types.is_binary(values.type)
        return (values.cast(pa.string()) if text else values).cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _time_format(values: pa.Array) -> str:
    """ "iso" for text or a time; for numbers the unit in which they lie between 1990 and 2100."""
    numbers = None if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type) else _numbers(values)
    if numbers is None or numbers.null_count == len(numbers):
        return "iso"
    middle = float(pc.max(numbers).as_py())
    fitting = [unit for unit, scale in EPOCHS.items() if 631e6 < middle * scale / 1e6 < 4.1e9]
    return fitting[0] if fitting else "us"
