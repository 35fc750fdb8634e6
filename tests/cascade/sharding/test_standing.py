"""Standing: after any history of pacing and money, a shard knows what the front knows."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adcascade.cascade.sharding.messages import Terms, decode, encode
from adcascade.cascade.sharding.standing import Standing, Told, held_back
from adcascade.catalog.bitmaps import unpack
from adcascade.catalog.snapshot import Snapshot

NAMES = ["k0", "k1", "k2", "k3", "unknown here"]
STATES = st.tuples(st.dictionaries(st.sampled_from(NAMES), st.floats(0.1, 0.99)), st.sets(st.sampled_from(NAMES)))


def catalog() -> Any:
    """Four campaigns, of which row r is of campaign r mod 4; 10 rows."""
    return SimpleNamespace(
        version=1, n=10, campaigns=[SimpleNamespace(id=name) for name in NAMES[:4]],
        campaign_index_of={name: number for number, name in enumerate(NAMES[:4])},
        campaign=np.arange(10, dtype=np.int32) % 4,
    )  # fmt: skip


@given(st.lists(STATES, max_size=6))
def test_a_shard_knows_what_its_front_knows(states: list[tuple[dict[str, float], set[str]]]) -> None:
    """By differences alone; what did not change is not said again."""
    told, standing = Told(), Standing(cast("Snapshot", catalog()))
    for alphas, closed in states:
        terms = told.news(alphas, closed)
        if terms is not None:
            heard = decode(encode(terms))
            assert isinstance(heard, Terms)
            standing.hear(heard)
        assert told.news(dict(alphas), set(closed)) is None
        assert standing.alpha.tolist() == [alphas.get(name, 1.0) for name in NAMES[:4]]
        is_open = np.ones(10, np.bool_) if standing.open is None else unpack(standing.open, 10)
        assert is_open.tolist() == [NAMES[row % 4] not in closed for row in range(10)]


def test_a_growing_catalog_is_followed() -> None:
    """A campaign that the shard hears of later has what was told of it before."""
    snapshot = catalog()
    standing = Standing(snapshot)
    standing.hear(Terms({"unknown here": 0.5}, ("unknown here",), ()))
    assert standing.alpha.tolist() == [1.0] * 4
    assert standing.open is None
    snapshot.campaigns.append(SimpleNamespace(id="unknown here"))
    snapshot.campaign_index_of["unknown here"] = 4
    snapshot.campaign, snapshot.n = np.append(snapshot.campaign, np.int32(4)), 11
    assert standing.alpha.tolist() == [1.0] * 4 + [0.5]
    assert standing.open is not None
    assert unpack(standing.open, 11).tolist() == [True] * 10 + [False]


def test_only_who_is_held_back_is_told() -> None:
    """Factors of 1 need no word."""
    assert held_back(np.array([1.0, 0.25, 1.0]), cast("Snapshot", catalog())) == {"k1": 0.25}
