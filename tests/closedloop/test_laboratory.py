"""The closed loop: the numbers of a demo, and what must hold of them whatever the market."""

import json

from adcascade.cascade.bundle import Bundles
from adcascade.closedloop.world import load_world
from adcascade.settings import load_settings

from .conftest import SMALL, Lab

STAGES = ["retrieval", "preranking", "ranking", "conversion", "calibration", "live_calibration", "bidding", "auction"]


def test_the_report_holds_what_it_promises(lab: Lab) -> None:
    """Every number of `adcascade demo --json`, before and after retraining, and it is JSON."""
    numbers = lab.numbers
    json.dumps(numbers, allow_nan=False)
    for phase in (numbers, numbers["retrained"]):
        for name in ("rpm", "welfare"):
            assert set(phase[name]) == {"cascade", "random", "popularity", "oracle"}
        assert {"overspend_micros", "ctr_pcoc", "ctr_auc", "stages"} <= set(phase)
        assert [stage["name"] for stage in phase["stages"]][: len(STAGES)] == STAGES
        for stage in phase["stages"]:
            assert {"ads_in", "ads_out", "recall", "ms_p50", "ms_p99"} <= set(stage)
    assert numbers["seed"] == SMALL.seed


def test_nobody_is_overspent_and_the_books_balance(lab: Lab) -> None:
    """In every phase, to the micro."""
    for phase in (lab.numbers, lab.numbers["retrained"]):
        assert phase["overspend_micros"] == 0
        assert phase["ledger_balanced"]


def test_the_cascade_narrows_and_keeps_what_wins(lab: Lab) -> None:
    """Ads only leave on the way down, and most winners of a run without narrowing survive every stage."""
    stages = lab.numbers["retrained"]["stages"]
    for stage in stages[1:]:
        assert stage["ads_out"] <= stage["ads_in"]
    assert min(stage["recall"] for stage in stages[:3]) > 0.6


def test_knowing_something_beats_knowing_nothing_and_the_truth_beats_both(lab: Lab) -> None:
    """Welfare: random < cascade < oracle, even on a market this small."""
    welfare = lab.numbers["retrained"]["welfare"]
    assert welfare["random"] < welfare["cascade"] < welfare["oracle"]


def test_all_stages_were_trained_and_bundles_name_their_parents(lab: Lab) -> None:
    """Two bundles; the second was made while the first served."""
    assert {"ranking", "conversion", "retrieval", "preranking", "creative"} <= set(lab.heard)
    bundles = Bundles(load_settings(lab.directory).bundles_path)
    first, second = bundles.versions()
    assert bundles.verify(second).parents == (first,)
    assert bundles.current() == second


def test_the_world_goes_on_where_the_demo_stopped(lab: Lab) -> None:
    """market.json names the first tick that nobody has seen."""
    assert load_world(lab.directory).tick == SMALL.second.stop
    assert not list(lab.directory.glob(".trial*"))
