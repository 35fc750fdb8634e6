"""Shares: every ad has one shard, for life, and shards keep enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.sharding.share import Share, even_share, shard_widths
from adcascade.catalog.changes import Changes
from adcascade.errors import ConfigurationError


@given(st.integers(1, 7), st.integers(0, 60), st.integers(0, 60))
def test_shares_divide_the_rows_and_growth_moves_none(count: int, rows: int, more: int) -> None:
    """Each row is in exactly one share, at dense rows within it, and `rows` finds the way back; growth moves nobody."""

    def owners(n: int) -> dict[int, tuple[int, int]]:
        found = {}
        for number in range(1, count + 1):
            share = Share(number, count)
            own = share.of(Changes(version=1, ads=[(row, None) for row in range(n)])).ads
            within = np.array([row for row, _ in own], np.int32)
            assert within.tolist() == list(range(len(own)))
            for inside, row in zip(within.tolist(), share.rows(within).tolist(), strict=True):
                assert row not in found
                found[row] = (number, inside)
        return found

    before, after = owners(rows), owners(rows + more)
    assert sorted(before) == list(range(rows))
    assert {row: after[row] for row in before} == before


@pytest.mark.parametrize("text", ["", "3", "0/3", "4/3", "1/0", "a/b", "1/3/5", "-1/3", "1/99999"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    """With what was given and what is expected."""
    with pytest.raises(ConfigurationError, match="such as 1/3") as caught:
        Share.parse(text)
    assert repr(text) in str(caught.value)


def test_a_share_reads_as_it_is_written() -> None:
    """And spaces around it do no harm."""
    assert Share.parse(" 2/3 ") == Share(2, 3) == Share.parse(str(Share(2, 3)))


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 50), st.floats(0, 100))
def test_widths_are_a_part_of_the_whole_and_enough_together(
    retrieve: int, prerank: int, count: int, slack: float
) -> None:
    """No shard is wider than the whole, all together are at least as wide, and one shard alone is the whole."""
    retrieve, prerank = max(retrieve, prerank), min(retrieve, prerank)
    wide, narrow = shard_widths(retrieve, prerank, count, slack)
    assert narrow <= wide <= retrieve
    assert wide * count >= retrieve
    assert narrow * count >= prerank
    assert shard_widths(retrieve, prerank, 1, slack) == (retrieve, prerank)


def test_an_even_share_loses_hardly_any_of_the_best() -> None:
    """With the default slack, the best 300 ads by chance over 3 shards are lost less than once in a hundred."""
    random = np.random.default_rng(0)
    crowded = np.array([np.bincount(random.integers(0, 3, 300), minlength=3).max() for _ in range(2000)])
    assert (crowded > even_share(300, 3, 3.0)).mean() < 0.01
    assert (crowded > even_share(300, 3, 0.0)).mean() > 0.9
