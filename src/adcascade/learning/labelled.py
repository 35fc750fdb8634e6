"""Labelled: encoded samples with their labels, made block by block from sample tables."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.errors import ConfigurationError
from adcascade.events.samples import Samples
from adcascade.features import Encoder
from adcascade.features.fitting import columns_of
from adcascade.learning.producer import Producer


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """B samples with labels in [0, 1] (a teacher's probability is one too) and weights."""

    batch: Batch
    label: NDArray[np.float32]  # [B]
    weight: NDArray[np.float32]  # [B]
    extra: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)  # further columns, [B] each

    def __len__(self) -> int:
        """B."""
        return len(self.label)

    def take(self, index: NDArray[np.integer] | slice) -> "Labelled":
        """The samples at these places."""
        return Labelled(
            batch=self.batch.take(index),
            label=self.label[index],
            weight=self.weight[index],
            extra={name: values[index] for name, values in self.extra.items()},
        )


class LabelledBlocks:
    """Iterable, again for each epoch: the tables of `tables()`, encoded; rows without a label are left out.

    `extra` names further numeric columns to carry along (null becomes NaN). `ahead`: a thread reads so many tables
    before they are asked for, which is worth it where they come from disk: one is decoded while another is encoded.
    """

    def __init__(
        self,
        encoder: Encoder,
        tables: Callable[[], Iterable[pa.Table]],
        *,
        label: str = "click",
        extra: Sequence[str] = (),
        ahead: int = 0,
    ) -> None:
        self.encoder, self._tables, self._ahead = encoder, tables, ahead
        self._label, self._extra = label, tuple(extra)

    @classmethod
    def of(cls, encoder: Encoder, samples: Samples, *, label: str = "click", extra: Sequence[str] = ()) -> Self:
        """The blocks of a sample set: of its columns those that matter, texts as dictionaries, a table ahead."""
        wanted = {label, "weight", *extra, *columns_of(encoder.features)}
        columns = [name for name in samples.schema.names if name in wanted]
        return cls(encoder, lambda: samples.tables(columns, dictionaries=True), label=label, extra=extra, ahead=1)

    def __iter__(self) -> Generator[Labelled]:
        """One block a table."""
        if not self._ahead:
            yield from self._blocks(self._tables())
            return
        with Producer(iter(self._tables()), ahead=self._ahead, name="reader") as tables:
            yield from self._blocks(tables)

    def _blocks(self, tables: Iterable[pa.Table]) -> Iterator[Labelled]:
        for table in tables:
            yield labelled(self.encoder, table, label=self._label, extra=self._extra)


def labelled(encoder: Encoder, table: pa.Table, *, label: str = "click", extra: Sequence[str] = ()) -> Labelled:
    """Encode one table; rows whose label is null are left out. ConfigurationError where the label is no column."""
    table = known(table, label)
    return Labelled(
        batch=encoder.encode({name: table[name] for name in table.column_names}, len(table)),
        label=_floats(table, label),
        weight=weights(table),
        extra={name: _floats(table, name) for name in extra},
    )


def known(table: pa.Table, label: str) -> pa.Table:
    """The rows whose label is known. ConfigurationError where the label is no column."""
    if label not in table.column_names:
        raise ConfigurationError(f"the samples have no column {label!r} to learn; they have {table.column_names}")
    return table.filter(table[label].is_valid()) if table[label].null_count else table


def weights(table: pa.Table) -> NDArray[np.float32]:
    """[B] what each row counts for: 1 where nothing is said."""
    if "weight" not in table.column_names:
        return np.ones(len(table), np.float32)
    return np.nan_to_num(_floats(table, "weight"), nan=1.0)


def _floats(table: pa.Table, name: str) -> NDArray[np.float32]:
    found: NDArray[np.float32] = table[name].cast(pa.float32()).to_numpy()
    return found if found.flags.writeable else found.copy()  # torch warns of arrays it may not write to
