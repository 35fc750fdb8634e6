"""Laws of who learns from which sample."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.learning.distributed.sampling import Position, Rows, part, visits
from adcascade.learning.loop import shuffled

Blocks = Callable[[int], Iterator[Rows]]
LENGTHS = st.lists(st.integers(0, 40), max_size=5)
SIZES = st.integers(1, 9)


class Numbered:
    """A stand-in for labelled samples: their numbers."""

    def __init__(self, numbers: Rows) -> None:
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, index: Rows) -> "Numbered":
        """Those at these places."""
        return Numbered(self.numbers[index])


def blocks_of(lengths: Sequence[int]) -> Blocks:
    """Samples numbered through all blocks."""
    starts = np.cumsum([0, *lengths])
    return lambda first: (np.arange(starts[at], starts[at + 1]) for at in range(first, len(lengths)))


def learned(
    blocks: Blocks, epochs: int, size: int, start: Position, batches: int | None = None
) -> tuple[list[list[Rows]], Position]:
    """What each of `size` processes takes of every batch from a position on, and the position after them."""
    found: list[list[Rows]] = []
    at = start
    for visit in visits(blocks, epochs=epochs, seed=1, start=start):
        for after, rows in visit.batches(7):
            if len(found) == batches:
                return found, at
            found.append([visit.block[rows[part(len(rows), rank, size)]] for rank in range(size)])
            at = after
    return found, at


@given(LENGTHS, st.integers(1, 3), SIZES, SIZES, st.data())
def test_no_sample_is_lost_or_repeated_whoever_goes_on(
    lengths: list[int], epochs: int, before: int, after: int, data: st.DataObject
) -> None:
    """N processes stop after any batch and M go on: together they learn the batches of one process, in its order."""
    blocks = blocks_of(lengths)
    whole, _ = learned(blocks, epochs, 1, Position())
    stop = data.draw(st.integers(0, len(whole)))
    first, at = learned(blocks, epochs, before, Position(), stop)
    second, _ = learned(blocks, epochs, after, at)
    assert len(first) == stop
    for parts, (batch,) in zip(first + second, whole, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), batch)
    everything = np.concatenate([np.empty(0, np.int64), *(batch for (batch,) in whole)])
    assert sorted(everything.tolist()) == sorted(list(range(sum(lengths))) * epochs)


@given(LENGTHS, st.integers(1, 3))
def test_the_order_is_that_of_the_loop_of_one_process(lengths: list[int], epochs: int) -> None:
    """Batch by batch the numbers that `shuffled` gives, epoch after epoch."""
    random = np.random.default_rng(1)
    blocks = [Numbered(block) for block in blocks_of(lengths)(0)]
    expected = [batch.numbers for _ in range(epochs) for batch in shuffled(blocks, 7, random)]  # type: ignore[arg-type,attr-defined]
    found, _ = learned(blocks_of(lengths), epochs, 1, Position())
    assert [batch.tolist() for (batch,) in found] == [batch.tolist() for batch in expected]


@given(st.integers(0, 1000), SIZES)
def test_parts_are_even(rows: int, size: int) -> None:
    """They cover all rows in order, and differ by one row at most."""
    parts = [list(range(rows))[part(rows, rank, size)] for rank in range(size)]
    assert [row for one in parts for row in one] == list(range(rows))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
