"""A small world of clicks with known truth, and its encoder."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from adcascade.features import Encoder, Feature

FEATURES = (
    Feature(name="user", side="user", kind="categorical"),
    Feature(name="age", side="user", kind="numeric"),
    Feature(name="history_ad", side="user", kind="sequence", of="ad", length=4),
    Feature(name="ad", side="ad", kind="categorical"),
    Feature(name="price", side="ad", kind="numeric"),
)
Sample = Callable[..., pa.Table]


def sample(rows: int, seed: int, signal: float = 1.0) -> pa.Table:
    """Impressions whose log odds are `signal` times an effect of the ad; zero is pure noise."""
    random = np.random.default_rng(seed)
    ad = random.integers(0, 20, rows)
    p = 1 / (1 + np.exp(-signal * (ad - 10) / 3))
    return pa.table(
        {
            "user": [f"u{i}" for i in random.integers(0, 30, rows)],
            "age": random.normal(40, 10, rows),
            "history_ad": [[f"a{i}" for i in random.integers(0, 20, n)] for n in random.integers(0, 6, rows)],
            "ad": [f"a{i}" for i in ad],
            "price": random.normal(size=rows),
            "click": (random.random(rows) < p).astype(np.float32),
        }
    )


@pytest.fixture(name="sample")
def sample_() -> Sample:
    """The function above."""
    return sample


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """Fitted on some of it."""
    return Encoder.fit(FEATURES, [sample(2000, 0)])
