"""What PICASSO's study counts: operators that do not grow with the fields, and hits as Zipf's law has them."""

from pathlib import Path

import numpy as np

from adcascade.studies.picasso_caching import hit_runs
from adcascade.studies.picasso_packing import FUSED, PACKED, UNPACKED, FieldStep, operators
from adcascade.studies.picasso_world import fields_of, harmonic, skewed


def counted(way: str, count: int) -> dict[str, float]:
    """Operators and calls of a step with so many fields."""
    return operators(FieldStep(fields_of(count, 20), way, seed=0), skewed(np.random.default_rng(0), 20, (8, count)))


def test_operators_of_packed_fields_are_few_and_do_not_grow() -> None:
    """Packed: the same number at 26 and at 100 fields, and F/4 times fewer than a table a field, which grows with F."""
    for way in (PACKED, FUSED):
        assert counted(way, 26) == counted(way, 100)
    plain = {count: counted(UNPACKED, count)["operators"] for count in (26, 100)}
    assert plain[100] / counted(FUSED, 100)["operators"] >= 25
    assert plain[100] / plain[26] > 3.5


def test_hit_ratios_follow_zipfs_law(tmp_path: Path) -> None:
    """H(k) / H(V) to 0.03, whichever share is hot; the harmonic number is the sum that it says."""
    assert harmonic(3) == 1 + 2**-1.05 + 3**-1.05
    for share, run in hit_runs(tmp_path, values=2_000, batch=2_000, steps=60, seed=5).items():
        assert run["off"] < 0.03, share
        assert run["law"] == harmonic(round(share * 2_000)) / harmonic(2_000)
