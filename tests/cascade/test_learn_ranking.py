"""Learning the ranker by the settings: how it is trained never changes what is learned."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from adcascade.cascade.learn_ranking import learn_and_judge, learn_ranking
from adcascade.events.samples import Samples, SampleWriter
from adcascade.features import Feature
from adcascade.nn.cached import CachedEmbedding
from adcascade.sections import TrainSettings

FEATURES = (
    Feature(name="user", side="user", kind="categorical"),
    Feature(name="ad", side="ad", kind="categorical"),
)


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    """A small log on disk."""
    random = np.random.default_rng(0)
    users, ads = (random.integers(0, n, 1500) for n in (300, 40))
    clicks, scenarios = (ads % 3 == 0).astype(np.float32), np.array(["home", "search", ""])[users % 3]
    table = pa.table({"user": users.astype(str), "ad": ads.astype(str), "scenario": scenarios, "click": clicks})
    with SampleWriter(tmp_path / "log", source="test", features=FEATURES) as writer:
        writer.write(table)
    return Samples(tmp_path / "log")


def test_memory_and_batches_ahead_leave_the_model_what_it_is(
    samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that exceeds train.memory_mb, and train.interleave: the exported files are the same bytes."""
    monkeypatch.chdir(tmp_path)
    plain = learn_ranking(FEATURES, samples, TrainSettings(), seed=3)
    settings = TrainSettings(memory_mb=0.02, interleave=2)
    bounded = learn_ranking(FEATURES, samples, settings, seed=3)
    assert isinstance(bounded.table, CachedEmbedding)
    assert bounded.table.resident_bytes <= 20_000 < bounded.table.rows * 128
    for name, trained in (("plain", plain), ("bounded", bounded)):
        (tmp_path / name).mkdir()
        trained.export(tmp_path / name)
    for file in ("table.npy", "user.onnx", "score.onnx"):
        assert (tmp_path / "plain" / file).read_bytes() == (tmp_path / "bounded" / file).read_bytes(), file


def test_held_out_metrics_by_scenario_are_those_of_its_rows(samples: Samples) -> None:
    """Each named scenario is judged, the largest first; rows without a name are in the whole alone."""
    settings = TrainSettings(ranking="lr", holdout=0.5)
    whole, scenarios = learn_and_judge(FEATURES, samples, settings)[2]
    assert set(scenarios) == {"home", "search"}
    rows = [scenario["rows"] for scenario in scenarios.values()]
    assert rows == sorted(rows, reverse=True)
    assert 0 < whole["rows"] - sum(rows) < whole["rows"]
    for scenario in scenarios.values():
        assert {"rows", "rate", "ctr_auc", "ctr_log_loss", "ctr_pcoc", "ctr_ece"} == set(scenario)
        assert abs(scenario["ctr_auc"] - whole["ctr_auc"]) < 0.1  # clicks hang on the ad alone
