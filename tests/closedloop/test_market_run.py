"""A run of the market: repeatable, told as it goes, and worth what its policies know."""

from pathlib import Path

import pytest

from adcascade.closedloop import market_files as files
from adcascade.closedloop.market_figures import Step, result_of
from adcascade.closedloop.market_order import Order, order_of_texts
from adcascade.closedloop.market_run import run_market
from adcascade.errors import CallerError, InputError, StoreError

SIZES = {
    "users": "150", "ads": "120", "campaigns": "30", "advertisers": "10", "scenarios": "4", "views_per_tick": "30",
}  # fmt: skip


def small(**texts: str) -> Order:
    """A run of a second."""
    return order_of_texts(SIZES | {"warm_up": "18", "ticks": "12"} | texts)


def test_the_same_dials_and_seed_find_the_same(tmp_path: Path) -> None:
    """Result and progress to the byte; another seed finds something else."""
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        run_market(tmp_path / name, small(seed=seed))
    for file in (files.RESULT, files.PROGRESS, files.DIALS):
        a, b, c = ((tmp_path / name / file).read_bytes() for name in "abc")
        assert a == b != c


@pytest.mark.parametrize("seed", [101, 202, 303])
def test_the_truth_is_worth_most(tmp_path: Path, seed: int) -> None:
    """Welfare and true CTR of the oracle are above all others', on seeds that nobody chose dials by."""
    found = run_market(tmp_path / "run", small(seed=str(seed), ticks="36", median_daily_budget_usd="300"))
    oracle = found.policies["oracle"]
    for name in ("random", "popularity"):
        assert oracle.welfare > found.policies[name].welfare
        assert (oracle.true_ctr or 0) > (found.policies[name].true_ctr or 1)
    assert oracle.share == 1


def test_the_progress_tells_the_result(tmp_path: Path) -> None:
    """Its steps alone give the result that stands there; a torn last line is left out; a listener heard the same."""
    heard: list[Step] = []
    found = run_market(tmp_path, small(), heard.append)
    assert files.read_result(tmp_path) == found == result_of(files.read_steps(tmp_path))
    assert heard == files.read_steps(tmp_path)
    assert [step.done for step in heard if step.phase == "measure"] == list(range(1, 13))
    with (tmp_path / files.PROGRESS).open("ab") as lines:
        lines.write(b'{"phase":"mea')
    assert files.read_steps(tmp_path) == heard


def test_a_cascade_is_trained_of_the_market_and_meets_the_same_shoppers(tmp_path: Path) -> None:
    """It is measured on every page view beside the others, overspends nobody, and leaves no installation behind."""
    order = small(base_ctr="0.15", ticks="7", views_per_tick="40", users="100", ads="80", cascade="yes")
    found = run_market(tmp_path, order)
    steps = files.read_steps(tmp_path)
    assert tuple(found.policies) == order.policies == ("random", "popularity", "cascade", "oracle")
    assert found.cascade is not None
    assert found.cascade.overspend_micros == 0
    assert "retrieval" in {stage["name"] for stage in found.cascade.stages}
    assert any(step.phase == "train ranking" for step in steps)
    assert found.policies["cascade"].impressions > 0
    assert (found.policies["cascade"].share or 0) > (found.policies["random"].share or 1)
    assert not (tmp_path / files.INSTALLATION).exists()


def test_a_run_that_fails_leaves_its_sentence(tmp_path: Path) -> None:
    """In error.txt, and no result."""
    with pytest.raises(InputError):
        run_market(tmp_path, Order(dials={"ads": 3}))
    assert "at least as many ads as campaigns" in files.read_error(tmp_path)
    assert files.read_result(tmp_path) is None


def test_a_folder_holds_one_run(tmp_path: Path) -> None:
    """Another one, or the same again, is refused; what cannot be read says so."""
    files.prepare(tmp_path, small())
    files.prepare(tmp_path, small())  # whoever starts it may have written it already
    with pytest.raises(CallerError, match="--out"):
        files.prepare(tmp_path, small(seed="9"))
    run_market(tmp_path, small())
    with pytest.raises(CallerError, match="--out"):
        run_market(tmp_path, small())
    (tmp_path / files.DIALS).write_text("{")
    with pytest.raises(StoreError, match=r"dials\.json cannot be read"):
        files.read_order(tmp_path)
