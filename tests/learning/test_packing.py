"""Laws of packing: the plan, and that it changes nothing but the number of operators."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.learning.packing import FieldTables, Pack, TableField, packed, unpacked
from adcascade.nn.cached import CacheConfig, CachedEmbedding
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.nn.plain import PlainEmbedding
from adcascade.nn.table import EmbeddingTable

CONFIGS = tuple(TableConfig(width=width, rate=rate, init_std=0.1) for width in (2, 5) for rate in (0.05, 0.1))


@st.composite
def fields_(draw: st.DrawFn) -> list[TableField]:
    """Some fields of few kinds, some of which share the vocabulary of another."""
    found: list[TableField] = []
    for number in range(draw(st.integers(1, 9))):
        owners = [field for field in found if not field.of]
        ids = draw(st.sampled_from([1.0, 3.0, 20.0]))
        if owners and draw(st.sampled_from([True, False])):
            owner = draw(st.sampled_from(owners))
            found.append(TableField(name=f"f{number}", rows=owner.rows, config=owner.config, ids=ids, of=owner.name))
        else:
            config, rows = draw(st.sampled_from(CONFIGS)), draw(st.integers(1, 6))
            found.append(TableField(name=f"f{number}", rows=rows, config=config, ids=ids))
    return found


def places(pack: Pack, fields: list[TableField]) -> dict[int, range]:
    """The rows of each column."""
    return {
        column: range(offset + 1, offset + 1 + fields[column].rows)
        for column, offset in zip(pack.columns, pack.offsets, strict=True)
    }


@given(fields_(), st.integers(1, 3))
def test_a_plan_gives_each_field_rows_of_its_own_or_of_whom_it_shares_them(
    fields: list[TableField], shards: int
) -> None:
    """Each column once, in a table of its kind, no two vocabularies on one row, no row unused; few packs."""
    plan = packed(fields, shards=shards)
    assert sorted(column for pack in plan for column in pack.columns) == list(range(len(fields)))
    assert len(plan) <= shards * len({field.config for field in fields})
    for pack in plan:
        where = places(pack, fields)
        owner = {column: fields[column].of or fields[column].name for column in where}
        used = {column: rows for column, rows in where.items() if not fields[column].of}
        assert sorted(row for rows in used.values() for row in rows) == list(range(1, pack.rows))
        for column, rows in where.items():
            assert fields[column].config == pack.config
            assert rows == next(used[other] for other in used if fields[other].name == owner[column])


@given(fields_(), st.integers(2, 4))
def test_shards_of_a_kind_carry_about_equal_traffic(fields: list[TableField], shards: int) -> None:
    """No shard carries more than an equal share and the largest vocabulary."""
    plan = packed(fields, shards=shards)
    alone = {pack.columns[0]: pack.traffic for pack in unpacked(fields)}
    for kind in {field.config for field in fields}:
        units = [traffic for column, traffic in alone.items() if fields[column].config == kind]
        heaviest = max(pack.traffic for pack in plan if pack.config == kind)
        assert heaviest <= sum(units) / shards + max(units) + 1e-9


def test_traffic_is_width_times_ids() -> None:
    """And the heavy field stands alone where two shards are allowed."""
    wide, narrow = TableConfig(width=8), TableConfig(width=4)
    fields = [TableField(name=str(n), rows=9, config=wide, ids=ids) for n, ids in enumerate((1, 50, 1, 1))]
    fields.append(TableField(name="other", rows=9, config=narrow))
    assert [(pack.columns, pack.traffic) for pack in packed(fields, shards=2)] == [
        ((1,), 400.0),
        ((0, 2, 3), 24.0),
        ((4,), 4.0),
    ]


def trained(tables: FieldTables, values: list[np.ndarray]) -> torch.Tensor:
    """The output of every step, of a loss that weighs each number of it differently."""
    seen = []
    for ids in values:
        looked = tables.gather(ids)
        flat = tables.joined(looked)
        (flat * torch.linspace(-1, 1, flat.shape[1]) + flat**2).sum().backward()  # type: ignore[no-untyped-call]
        tables.update(looked)
        seen.append(flat.detach())
    return torch.stack(seen)


@settings(deadline=None, max_examples=25)
@given(fields_(), st.integers(1, 3), st.integers(0, 99))
def test_packing_changes_nothing(fields: list[TableField], shards: int, seed: int) -> None:
    """From the same weights 20 steps of the plain twin and of the packs give the same outputs, to 1e-5."""
    random = np.random.default_rng(seed)
    values = [np.column_stack([random.integers(0, f.rows + 1, 6) for f in fields]) for _ in range(20)]
    twin = FieldTables(unpacked(fields), PlainEmbedding, seed=seed)
    ours = FieldTables(packed(fields, shards=shards), PackedEmbedding)
    ours.start_like(twin)
    torch.testing.assert_close(trained(ours, values), trained(twin, values), rtol=1e-5, atol=1e-5)
    known = {column: state["weight"][rows] for state, places in twin.by_column() for column, rows in places}
    for state, places_ in ours.by_column():
        for column, rows in places_:
            np.testing.assert_allclose(state["weight"][rows], known[column], rtol=1e-5, atol=1e-5)


def test_padding_is_zero_in_every_field_and_never_learned() -> None:
    """Value 0 is no field's row."""
    fields = [TableField(name=str(n), rows=3, config=CONFIGS[n % 2]) for n in range(4)]
    tables = FieldTables(packed(fields), PackedEmbedding)
    nothing = [np.zeros((2, 4), np.int64)] * 2
    assert (trained(tables, nothing) == 0).all()


def test_packs_may_lie_in_any_table(tmp_path: Path) -> None:
    """The same plan on cached tables: the same bits."""

    def cached(rows: int, config: TableConfig, *, seed: int) -> EmbeddingTable:
        return CachedEmbedding(rows, config, CacheConfig(hot_rows=3, warm_up=1, flush_every=2), tmp_path, seed=seed)

    fields = [TableField(name=str(n), rows=5, config=CONFIGS[n % 2]) for n in range(4)]
    random = np.random.default_rng(0)
    values = [random.integers(0, 6, (8, 4)) for _ in range(10)]
    found = [trained(FieldTables(packed(fields), make, seed=4), values) for make in (PackedEmbedding, cached)]
    assert torch.equal(*found)


@pytest.mark.parametrize(
    ("of", "rows", "fault"), [("nobody", 3, "expected one of a"), ("a", 4, "asks for another table")]
)
def test_a_vocabulary_that_cannot_be_shared_is_named(of: str, rows: int, fault: str) -> None:
    """Whose it is, and what there is."""
    fields = [
        TableField(name="a", rows=3, config=CONFIGS[0]),
        TableField(name="b", rows=rows, config=CONFIGS[0], of=of),
    ]
    with pytest.raises(ValueError, match=f"'b'.*{fault}"):
        packed(fields)
