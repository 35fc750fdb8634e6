"""Laws of the recipes."""

from hypothesis import given
from hypothesis import strategies as st

from adcascade.ranking import METHODS
from adcascade.ranking.recipes import RECIPES


def test_every_method_has_a_recipe() -> None:
    """A short name that can be trained says how."""
    assert RECIPES.keys() == METHODS.keys()


@given(st.sampled_from(sorted(RECIPES)), st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_larger_log_never_has_smaller_batches(name: str, one: int, other: int) -> None:
    """The batch grows with the log, from the recipe's own size up to 4096; rows and seed are handed on."""
    small, large = (RECIPES[name].of(rows=rows, seed=7).training for rows in sorted((one, other)))
    assert RECIPES[name].training.batch_size <= small.batch_size <= large.batch_size <= 4096
    assert (large.rows, large.seed) == (max(one, other), 7)


@given(st.sampled_from(sorted(RECIPES)), st.integers(1, 10**6))
def test_rates_fall_from_whole_to_nothing(name: str, rows: int) -> None:
    """The share of the rates is 1 before the first sample and 0 after the last of the last epoch."""
    training = RECIPES[name].of(rows=rows, seed=0).training
    shares = [training.share(rows * training.epochs * step // 4) for step in range(5)]
    assert shares[0] == 1
    assert shares[-1] == 0
    assert shares == sorted(shares, reverse=True)
