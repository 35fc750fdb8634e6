"""A small world of tastes: each of 40 ads has a category, each user likes one; a dial says how much."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from adcascade.catalog import Ad, Advertiser, Campaign
from adcascade.catalog.changes import Changes
from adcascade.catalog.snapshot import Snapshot
from adcascade.features import AdFeatures, Encoder, Feature

ADS, TASTES, USERS = 40, 4, 24
FEATURES = (
    Feature(name="user", side="user", kind="categorical"),
    Feature(name="history_category", side="user", kind="sequence", of="ad_category", length=3),
    Feature(name="ad", side="ad", kind="categorical"),
    Feature(name="ad_category", side="ad", kind="categorical"),
    Feature(name="price", side="ad", kind="numeric"),
)
Sample = Callable[..., pa.Table]


def world() -> Snapshot:
    """Ads a0 to a39 of category t0 to t3 in turn; even rows bid by the click, odd by the impression."""
    snapshot = Snapshot()
    snapshot.apply(
        Changes(
            version=1,
            advertisers=[Advertiser(id="V")],
            campaigns=[
                Campaign(id="C", advertiser="V", bid_micros=1_000_000),
                Campaign(id="D", advertiser="V", bid_micros=100_000, billing="impression"),
            ],
            ads=[
                (row, Ad(id=f"a{row}", campaign="CD"[row % 2], category=f"t{row % TASTES}", title=f"thing {row}"))
                for row in range(ADS)
            ],
        )
    )
    return snapshot


def sample(rows: int, seed: int, *, taste: float = 3.0, popular: float = 0.0) -> pa.Table:
    """Impressions; `taste` raises the log odds where user and ad agree, `popular` how unevenly ads are shown."""
    random = np.random.default_rng(seed)
    shown = np.exp(-popular * np.arange(ADS) / ADS)
    ad = random.choice(ADS, rows, p=shown / shown.sum())
    user = random.integers(0, USERS, rows)
    p = 1 / (1 + np.exp(2.5 - taste * (ad % TASTES == user % TASTES)))
    return pa.table(
        {
            "user": [f"u{i}" for i in user],
            "history_category": [[f"t{i % TASTES}"] * 2 for i in user],
            "ad": [f"a{i}" for i in ad],
            "ad_category": [f"t{i % TASTES}" for i in ad],
            "price": np.zeros(rows),
            "click": (random.random(rows) < p).astype(np.float32),
        }
    )


@pytest.fixture
def snapshot() -> Snapshot:
    """The catalog of the world."""
    return world()


@pytest.fixture(name="sample")
def sample_() -> Sample:
    """The function above."""
    return sample


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """Fitted on some impressions."""
    return Encoder.fit(FEATURES, [sample(4000, 0)])


@pytest.fixture
def features(encoder: Encoder, snapshot: Snapshot) -> AdFeatures:
    """The encoded catalog."""
    ads = AdFeatures(encoder)
    ads.update(np.arange(snapshot.n), snapshot.columns(range(snapshot.n)))
    return ads
