"""Packing: many fields, few tables (the first of PICASSO's three techniques, arXiv 2204.04903).

Each field of its own table costs a chain of small operators a step: look up, sort out equal ids, sum their gradients,
update. Fields whose tables agree in everything (width, start, learning rule) can share one table; then each pack costs
one chain, however many fields there are:

    row of field f's value v = offset_f + v,    v = 1, 2 ...;    0 is padding in all fields

Fields that share a vocabulary (an item, and the items of a history) share its rows. A pack can be cut into shards of
about equal traffic, width x ids of an instance, so that one large pack does not hold up the others.

`packed` and `unpacked` give the two plans, FieldTables carries either out: on PackedEmbedding, whose look-up and update
are one fused kernel each, or on another EmbeddingTable.

Letters in shapes: B samples, C columns (one a field), W the sum of their widths.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from adcascade.nn.packed import TableConfig
from adcascade.nn.table import EmbeddingTable, Floats, Ids


@dataclass(frozen=True, kw_only=True)
class TableField:
    """A categorical field: how many values it has (padding is none), and what table it wants.

    of: the field whose vocabulary it shares; ids: how many an instance has of it, on average.
    """

    name: str
    rows: int
    config: TableConfig
    ids: float = 1.0
    of: str = ""

    @property
    def traffic(self) -> float:
        """Numbers that a look-up moves, per instance."""
        return self.config.width * self.ids


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Fields in one table: which columns they are, and what is added to the values of each."""

    config: TableConfig
    columns: tuple[int, ...]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]  # how many rows each column has
    rows: int  # of the table, with padding
    traffic: float


class MakeTable(Protocol):
    """A class of tables: PackedEmbedding, PlainEmbedding ..."""

    def __call__(self, rows: int, config: TableConfig, *, seed: int) -> EmbeddingTable:
        """A table of so many rows."""
        ...


def packed(fields: Sequence[TableField], *, shards: int = 1) -> tuple[Pack, ...]:
    """One pack for each kind of table, cut into at most so many shards of about equal traffic."""
    kinds: dict[TableConfig, list[list[int]]] = {}
    for columns in vocabularies(fields):
        kinds.setdefault(fields[columns[0]].config, []).append(columns)
    return tuple(
        _pack(fields, shard) for kind in kinds.values() for shard in balanced(fields, kind, shards=shards) if shard
    )


def unpacked(fields: Sequence[TableField]) -> tuple[Pack, ...]:
    """One table for each vocabulary: the plain twin."""
    return tuple(_pack(fields, [columns]) for columns in vocabularies(fields))


def vocabularies(fields: Sequence[TableField]) -> list[list[int]]:
    """Columns that share their rows, the owner first. ValueError where they want different tables or none is theirs."""
    owners = {field.name: [column] for column, field in enumerate(fields) if not field.of}
    for column, field in enumerate(fields):
        if not field.of:
            continue
        if field.of not in owners:
            raise ValueError(f"field {field.name!r} is of {field.of!r}; expected one of {', '.join(owners)}")
        owner = fields[owners[field.of][0]]
        if (field.config, field.rows) != (owner.config, owner.rows):
            raise ValueError(f"field {field.name!r} shares the rows of {owner.name!r}, but asks for another table")
        owners[field.of].append(column)
    return list(owners.values())


def balanced(fields: Sequence[TableField], units: Iterable[list[int]], *, shards: int) -> list[list[list[int]]]:
    """Spread vocabularies over shards, the one with most traffic first, each to the shard that has least so far.

    No shard then has more than an equal share and one vocabulary.
    """
    found: list[list[list[int]]] = [[] for _ in range(shards)]
    load = [0.0] * shards
    weighed = sorted(((sum(fields[column].traffic for column in unit), unit) for unit in units), key=lambda u: -u[0])
    for traffic, unit in weighed:
        lightest = load.index(min(load))
        load[lightest] += traffic
        found[lightest].append(unit)
    return [sorted(shard) for shard in found]


def _pack(fields: Sequence[TableField], units: Iterable[list[int]]) -> Pack:
    end, placed = 0, []
    for unit in units:
        placed += [(column, end) for column in unit]
        end += fields[unit[0]].rows
    placed.sort()
    columns = tuple(column for column, _ in placed)
    return Pack(
        config=fields[columns[0]].config,
        columns=columns,
        offsets=tuple(offset for _, offset in placed),
        sizes=tuple(fields[column].rows for column in columns),
        rows=end + 1,
        traffic=sum(fields[column].traffic for column in columns),
    )


class Looked(NamedTuple):
    """Of each pack: the rows that were looked up [B, its columns], and the leaf [B, its columns, K]."""

    rows: list[Ids]
    leaves: list[Tensor]


class FieldTables:
    """The tables of a plan."""

    def __init__(self, packs: Sequence[Pack], make: MakeTable, *, seed: int = 0) -> None:
        self.packs = tuple(packs)
        self.tables = [make(pack.rows, pack.config, seed=seed + place) for place, pack in enumerate(packs)]
        self._index = [
            (np.array(pack.columns), np.array(pack.offsets, np.int64), _is_stretch(pack.columns)) for pack in packs
        ]
        self._order = _column_order(self.packs)

    def start_like(self, other: "FieldTables") -> None:
        """Take over the state of every field from another plan's tables of the same fields."""
        known = {
            column: {name: values[rows] for name, values in state.items()}
            for state, places in other.by_column()
            for column, rows in places
        }
        for table, (state, places) in zip(self.tables, self.by_column(), strict=True):
            for column, rows in places:
                for name, values in state.items():
                    values[rows] = known[column][name]
            table.load_state_dict(state)

    def by_column(self) -> Iterator[tuple[dict[str, Floats], list[tuple[int, slice]]]]:
        """Of each pack: a copy of its table's state, and which rows of it belong to which column."""
        for pack, table in zip(self.packs, self.tables, strict=True):
            yield (
                table.state_dict(),
                [
                    (column, slice(offset + 1, offset + 1 + size))
                    for column, offset, size in zip(pack.columns, pack.offsets, pack.sizes, strict=True)
                ],
            )

    def rows(self, ids: Ids) -> list[Ids]:
        """Values [B, C], 0 where padded -> rows of each pack's table."""
        found = []
        for columns, offsets, stretch in self._index:
            own = ids[:, stretch] if stretch is not None else ids[:, columns]
            found.append(np.where(own > 0, own + offsets, 0))
        return found

    def gather(self, ids: Ids) -> Looked:
        """Look values [B, C] up, 0 where padded."""
        rows = self.rows(ids)
        return Looked(rows, [table.gather(own) for table, own in zip(self.tables, rows, strict=True)])

    def joined(self, looked: Looked) -> Tensor:
        """What was looked up, column after column: [B, W]."""
        flat = [leaf.flatten(1) for leaf in looked.leaves]
        found = flat[0] if len(flat) == 1 else torch.cat(flat, dim=1)
        return found if self._order is None else _Reordered.apply(found, *self._order)  # type: ignore[no-untyped-call]

    def update(self, looked: Looked, *, share: float = 1.0) -> None:
        """One step of every table, from the gradients of what was looked up."""
        for table, rows, leaf in zip(self.tables, looked.rows, looked.leaves, strict=True):
            table.update(rows, leaf.grad, share=share)


def _is_stretch(columns: Sequence[int]) -> slice | None:
    """The columns as a slice, where they follow each other."""
    first, last = columns[0], columns[-1]
    return slice(first, last + 1) if last - first + 1 == len(columns) else None


class _Reordered(torch.autograd.Function):
    """Numbers [B, W] in another order, and their gradient back: a look-up both ways, where indexing would add up."""

    @staticmethod
    def forward(ctx: Any, found: Tensor, order: Tensor, back: Tensor) -> Tensor:
        """[B, W] -> [B, W], the number `order[w]` at place w; `back` is the inverse order."""
        ctx.save_for_backward(back)
        return found.index_select(1, order)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """The same the other way."""
        (back,) = ctx.saved_tensors
        return gradient.index_select(1, back), None, None


def _column_order(packs: Sequence[Pack]) -> tuple[Tensor, Tensor] | None:
    """Where each number of [B, W], column after column, stands pack after pack, and back; None where all stay."""
    column = np.concatenate([np.repeat(pack.columns, pack.config.width) for pack in packs])
    order = np.argsort(column, kind="stable")
    if (order == np.arange(len(order))).all():
        return None
    return torch.from_numpy(order), torch.from_numpy(np.argsort(order))
