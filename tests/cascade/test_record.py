"""The record keeps what plain numpy would have written, byte by byte."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.cascade.engine import Outcome, Step
from adcascade.cascade.record import ranked_of
from adcascade.cascade.score_at import score_at
from adcascade.contracts import Candidates

rows = st.lists(st.integers(0, 2**31 - 1) | st.integers(0, 30), max_size=60)


def scored(ad: list[int], seed: int) -> Candidates:
    """Candidates in these rows with scores drawn by chance, some NaN."""
    score = np.random.default_rng(seed).normal(size=len(ad)).astype(np.float32)
    score[::5] = np.nan
    return Candidates.of(np.array(ad, np.int32), score)


def looked_up(candidates: Candidates, ads: NDArray[np.int32]) -> NDArray[np.float32]:
    """The twin of score_at: the first candidate of each row, by a dictionary."""
    first: dict[int, float] = {}
    for row, score in zip(candidates.ad.tolist(), candidates.score.tolist(), strict=True):
        first.setdefault(row, score)
    return np.array([first.get(row, np.nan) for row in ads.tolist()], np.float32)


@given(ad=rows, wanted=rows, seed=st.integers(0, 99))
def test_a_score_is_that_of_the_first_candidate_of_the_row(ad: list[int], wanted: list[int], seed: int) -> None:
    """Of any rows, found or not, once or several times, in candidates and in what is asked."""
    candidates, ads = scored(ad, seed), np.array(wanted + ad[::2], np.int32)
    assert score_at(candidates, ads).tobytes() == looked_up(candidates, ads).tobytes()


@given(ad=st.lists(st.integers(0, 999), unique=True, max_size=40), limit=st.integers(1, 50), failed=st.booleans())
def test_the_ranked_are_written_as_plain_arrays(ad: list[int], limit: int, *, failed: bool) -> None:
    """The first `limit` of the auction, little-endian, with NaN for a stage that failed or was not there."""
    retrieved, rng = scored([*ad, 1000, 1001], 1), np.random.default_rng(2)
    bid, ecpm = rng.integers(0, 2**40, (2, len(ad)))
    ctr = rng.random(len(ad)).astype(np.float32)
    ranked = Candidates.of(np.array(ad[::-1], np.int32)).with_(ctr=ctr, bid=bid, ecpm=ecpm)
    nothing = Candidates.of(np.empty(0, np.int32))
    steps = (
        Step(name="retrieval", entered=nothing, left=retrieved, elapsed_ns=1),
        Step(name="preranking", entered=retrieved, left=ranked, elapsed_ns=1, cut="failed: OSError" if failed else ""),
    )
    found = ranked_of(Outcome(policy="cascade", winners=ranked, ranked=ranked, steps=steps), limit)
    if not ad:
        assert found is None
        return
    assert found is not None
    ads, unknown = ranked.ad[:limit], np.full(min(limit, len(ad)), np.nan, np.float32).tobytes()
    assert found.ad == ads.astype("<i4").tobytes()
    assert found.retrieval == looked_up(retrieved, ads).astype("<f4").tobytes()
    assert np.isnan(np.frombuffer(found.preranking, "<f4")).all()
    assert found.preranking == unknown or not failed
    assert (found.ctr, found.cvr) == (ctr[:limit].tobytes(), unknown)
    assert (found.bid, found.ecpm) == (bid[:limit].astype("<i8").tobytes(), ecpm[:limit].astype("<i8").tobytes())
