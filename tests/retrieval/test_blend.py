"""Laws of the blend: it finds the weights that made the clicks, and trusts nothing without evidence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adcascade.retrieval.blend import Chunk, fit_blend


def chunk_of(clicks: int, weights: tuple[float, float], seed: int) -> Chunk:
    """Clicks on one of 50 ads, drawn by the softmax of the weighted prior and scores."""
    random = np.random.default_rng(seed)
    scores, log_prior = random.standard_normal((clicks, 50)), random.standard_normal(50)
    z = weights[0] * log_prior + weights[1] * scores
    own = np.array([int(np.argmax(line)) for line in z + random.gumbel(size=z.shape)], np.int64)
    return Chunk(scores, log_prior, own, np.arange(50))


@pytest.mark.parametrize("truth", [(1.0, 0.0), (0.5, 0.8), (1.2, 1.5), (0.0, 1.0)])
def test_the_weights_that_made_the_clicks_are_found(truth: tuple[float, float]) -> None:
    """With 4000 clicks within 0.15, whatever they were."""
    found = fit_blend([chunk_of(1000, truth, seed) for seed in range(4)])
    np.testing.assert_allclose(found, truth, atol=0.15)


def test_nothing_held_out_means_past_clicks_alone() -> None:
    """No chunk, or one without clicks: (1, 0)."""
    empty = Chunk(np.empty((0, 3)), np.zeros(3), np.empty(0, np.int64), np.arange(3))
    assert fit_blend([]) == fit_blend([empty]) == (1.0, 0.0)


def test_scores_that_mislead_are_not_turned_around() -> None:
    """Where clicks avoid high scores the weight is 0, not negative: ranking by the opposite is no knowledge."""
    assert fit_blend([chunk_of(500, (1.0, -1.0), 0)])[1] == 0.0


@settings(deadline=None)
@given(seed=st.integers(0, 99), shift=st.floats(-5, 5))
def test_a_constant_of_the_request_does_not_matter(seed: int, shift: float) -> None:
    """Scores of one request may be known up to a constant only."""
    chunk = chunk_of(20, (1.0, 1.0), seed)
    shifts = shift * np.random.default_rng(seed).standard_normal((20, 1))
    np.testing.assert_allclose(fit_blend([chunk]), fit_blend([chunk._replace(scores=chunk.scores + shifts)]), atol=1e-5)


def test_other_columns_of_the_clicked_ad_do_not_count() -> None:
    """Showing the clicked ad twice is showing it once."""
    chunk = chunk_of(1, (1.0, 1.0), 0)
    own = int(chunk.own[0])
    twice = Chunk(
        np.append(chunk.scores, chunk.scores[:, [own]], axis=1),
        np.append(chunk.log_prior, chunk.log_prior[own]),
        chunk.own,
        np.append(chunk.ads, own),
    )
    np.testing.assert_allclose(fit_blend([twice]), fit_blend([chunk]), atol=1e-8)
