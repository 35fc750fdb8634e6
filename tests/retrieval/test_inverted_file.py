"""Laws of the inverted file: live changes lose nothing, scores are as vectors say, memory is used again."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.catalog.bitmaps import pack
from adcascade.retrieval.index import AdIndex
from adcascade.retrieval.inverted_file import IndexConfig, InvertedFile, centres_of, nearest
from adcascade.retrieval.inverted_scan import Floats
from adcascade.retrieval.lanes import LANES

N, WIDTH = 600, 6  # a width that is no multiple of 4


def vectors_of(n: int, seed: int, width: int = WIDTH) -> Floats:
    """Random vectors [n, width] of length 1."""
    vectors = np.random.default_rng(seed).standard_normal((n, width)).astype(np.float32)
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def file_of(n: int, lists: int = 5) -> tuple[InvertedFile, Floats]:
    """A file of rows 0 to n, and their vectors."""
    vectors = vectors_of(n, 0)
    return InvertedFile.made(np.arange(n, dtype=np.int32), vectors, IndexConfig(lists=lists)), vectors


def chains(file: InvertedFile) -> dict[int, list[int]]:
    """The rows of each list, read from its blocks; only the head of a chain may have free lanes."""
    b = file._blocks
    found: dict[int, list[int]] = {}
    for number, head in enumerate(b.head.tolist()):
        block, found[number] = head, []
        while block >= 0:
            fill = int(b.fill[block])
            assert b.owner[block] == number
            assert 0 < fill <= LANES
            assert fill == LANES or block == head
            for lane, row in enumerate(b.rows[block, :fill].tolist()):
                assert b.place[row] == block * LANES + lane
                found[number].append(row)
            block = int(b.after[block])
    return found


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 299), st.integers(1, 150)), max_size=8))
def test_chains_hold_what_was_put_into_them(changes: list[tuple[bool, int, int]]) -> None:
    """After any insertions and deletions each row stands once, in the list of its nearest centre."""
    file, vectors = file_of(200)
    held = set(range(200))
    for enters, start, count in changes:
        asked = set(range(start, start + count))
        rows = asked - held if enters else asked & held
        several = np.array(sorted(rows), np.int32)
        if enters and rows:
            vectors = np.concatenate((vectors, vectors_of(max(450 - len(vectors), 0), 1)))
            file.insert(several, vectors[several])
            held |= rows
        elif rows:
            file.delete(several)
            held -= rows
    found = chains(file)
    assert sorted(row for rows in found.values() for row in rows) == sorted(held)
    for number, inside in found.items():
        assert (nearest(vectors[np.array(inside, np.int64)], file.centres) == number).all()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), kept=st.floats(0, 1), with_bonus=st.booleans(), count=st.integers(1, 60))
def test_near_is_what_vectors_say(seed: int, kept: float, with_bonus: bool, count: int) -> None:
    """With every list read, what is found is the best of what the filter keeps, within what a byte can tell."""
    file, vectors = file_of(N)
    random = np.random.default_rng(seed)
    mask = random.random(N) < kept
    bonus = random.standard_normal(N).astype(np.float32) if with_bonus else None
    query = vectors_of(1, seed + 1)[0]
    scores = vectors @ query + (0 if bonus is None else bonus)
    bits = np.concatenate((pack(mask), np.zeros(100, np.uint8)))
    found = file.near(query, count, 5, bits, bonus)
    assert len(set(found.tolist())) == len(found) == min(count, mask.sum())
    assert mask[found].all()
    if len(found) and mask.sum() > len(found):
        left = np.setdiff1d(np.flatnonzero(mask), found)
        assert scores[found].min() >= scores[left].max() - 0.02


def test_blocks_are_used_again() -> None:
    """Replacing ads for ever takes no more memory than replacing them once."""
    file, vectors = file_of(N)
    rows = np.arange(0, N, 3, dtype=np.int32)

    def replace(turn: int) -> int:
        file.delete(rows)
        file.insert(rows, vectors[(rows + turn) % N])
        return len(file._blocks.fill)

    first = [replace(turn) for turn in range(5)][-1]
    assert [replace(turn) for turn in range(100)][-1] == first


def test_a_short_bonus_is_none_where_it_ends() -> None:
    """Rows beyond the end of the bonus have no bonus, and nothing beyond its memory is read."""
    file, vectors = file_of(N)
    bits = np.full(N // 8 + 20, 255, np.uint8)
    found = file.near(vectors[0], 10, 5, bits, np.full(10, 9.0, np.float32))
    assert sorted(found.tolist()) == list(range(10))


@pytest.mark.parametrize("recall", [0.7, 0.97])
def test_probes_are_as_many_as_recall_needs(recall: float) -> None:
    """The lists that are chosen find the share of the best that is asked for; without clusters that takes many."""
    vectors = vectors_of(8000, 0, 16)
    index = AdIndex(16, IndexConfig(exact_up_to=0, gather_up_to=0, recall=recall))
    index.build(np.arange(8000, dtype=np.int32), vectors)
    everything = np.full(1000, 255, np.uint8)
    shares = []
    for query in vectors_of(60, 9, 16):
        exact = np.argsort(-(vectors @ query))[:100]
        shares.append(np.isin(exact, index.search(query, 100, everything)[0]).mean())
    assert np.mean(shares) >= recall - 0.03
    assert 1 < index.probes < index.lists


def test_centres_are_as_many_as_asked_and_nobody_is_empty_handed() -> None:
    """Of vectors in a few spots, more centres than spots: unit length all, and each spot has one of its own."""
    spots = vectors_of(4, 0)
    centres = centres_of(np.repeat(spots, 50, axis=0), 10, 0)
    assert centres.shape == (10, WIDTH)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose((spots @ centres.T).max(axis=1), 1, atol=1e-5)


def test_a_search_allocates_for_its_answer_not_for_the_catalog() -> None:
    """Peak memory of a search among 40,000 ads stays below a byte an ad: buffers are the index's own."""
    n = 40_000
    vectors = vectors_of(n, 0, 8)
    index = AdIndex(8, IndexConfig(exact_up_to=0, probes=4))
    index.build(np.arange(n, dtype=np.int32), vectors)
    everything, bonus = np.full(n // 8, 255, np.uint8), np.zeros(n, np.float32)
    index.search(vectors[0], 50, everything, bonus)
    tracemalloc.start()
    try:
        index.search(vectors[1], 50, everything, bonus)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < n
