"""Merge: the order of the whole cascade, whoever answered first."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.cascade.sharding.merge import NOTHING, Sifted, merged
from adcascade.catalog.bitmaps import pack

LEVELS = st.integers(0, 3)  # few, so that there are ties
ADS = st.lists(st.tuples(LEVELS, LEVELS, LEVELS, st.booleans()), max_size=24)


def sifted(rows: NDArray[np.int32], ads: list[tuple[int, int, int, bool]]) -> Sifted:
    """These of the ads, each (retrieval, preranking, ranking, ...) by row."""
    told = np.array([ads[row][:3] for row in rows.tolist()], np.float32).reshape(-1, 3)
    return Sifted(
        ad=rows,
        retrieval=told[:, 0],
        preranking=told[:, 1],
        score=told[:, 2],
        ctr=told[:, 2] / np.float32(10),
        cvr=told[:, 0] / np.float32(10),
    )


@given(ADS, st.integers(1, 30), st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_merge_is_the_order_of_one_cascade(
    ads: list[tuple[int, int, int, bool]], keep: int, count: int, random: object
) -> None:
    """A twin in plain Python: sort by (retrieval, row), then stably by pre-ranking and cut, then stably by ranking."""
    rows = np.arange(len(ads), dtype=np.int32)
    parts = [sifted(rows[number::count], ads) for number in range(count)]
    random.shuffle(parts)  # type: ignore[attr-defined]
    allowed = np.array([ad[3] for ad in ads], np.bool_)
    shards, short, ranked = merged(Sifted.join(parts), keep, pack(allowed), waited_ns=5, cut="late: 1/3")

    union = sorted((row for row in rows.tolist() if ads[row][3]), key=lambda row: (-ads[row][0], row))
    chosen = sorted(union, key=lambda row: -ads[row][1])[:keep]
    last = sorted(chosen, key=lambda row: -ads[row][2])
    assert shards.left.ad.tolist() == union
    assert short.left.ad.tolist() == chosen
    assert ranked.left.ad.tolist() == last
    assert ranked.left.score.tolist() == [ads[row][2] for row in last]
    assert np.allclose(ranked.left.ctr, [ads[row][2] / 10 for row in last])
    assert (shards.elapsed_ns, shards.cut) == (5, "late: 1/3")


def test_rows_that_this_catalog_does_not_have_are_left_out() -> None:
    """A shard may have heard of an ad before the front has."""
    rows = np.array([0, 7, 8, 1000, -1], np.int32)
    one = np.ones(5, np.float32)
    told = Sifted(ad=rows, retrieval=one, preranking=one, score=one, ctr=one, cvr=one)
    left = merged(told, 10, np.array([255], np.uint8), waited_ns=0, cut="")[-1].left
    assert left.ad.tolist() == [0, 7]


def test_an_ad_that_pre_ranking_did_not_see_is_behind_those_that_it_did() -> None:
    """So one shard whose pre-ranking was cut does not push the others' ads out."""
    unknown, known = np.array([np.nan], np.float32), np.array([-5.0], np.float32)
    a = Sifted(ad=np.array([0], np.int32), retrieval=-known, preranking=unknown, score=-known, ctr=known, cvr=known)
    b = Sifted(ad=np.array([1], np.int32), retrieval=known, preranking=known, score=known, ctr=known, cvr=known)
    assert merged(Sifted.join([a, b]), 1, np.array([255], np.uint8), waited_ns=0, cut="")[-1].left.ad.tolist() == [1]


def test_nobody_answered() -> None:
    """Then there is nothing, and the trace says so."""
    steps = merged(Sifted.join([]), 10, np.array([255], np.uint8), waited_ns=0, cut="away: 1/1")
    assert [len(step.left) for step in steps] == [0, 0, 0]
    assert len(Sifted.of(NOTHING).ad) == 0
