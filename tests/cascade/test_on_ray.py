"""Laws of Ray: what its workers come to is what one process comes to. On a real local cluster of two CPUs."""

import logging
import os
import secrets
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.learning.conftest import FEATURES
from tests.learning.distributed.small_world import log

from adcascade.cascade.evaluate import evaluate_bundle
from adcascade.cascade.learn_ranking import learn_ranking
from adcascade.cascade.score_on_ray import evaluate_on_ray
from adcascade.cascade.together import Together, by_ray
from adcascade.cascade.training import Order, train_from_samples
from adcascade.errors import ConfigurationError, InputError
from adcascade.events.samples import Samples, SampleWriter
from adcascade.learning.distributed.cluster import ENVIRONMENT
from adcascade.learning.distributed.launch import Team
from adcascade.sections import TrainSettings

# Ray's own code, and the sockets and processes that it leaves to the collector
pytestmark = [
    pytest.mark.needs("ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SETTINGS = TrainSettings(width=4, epochs=1, batch=64, refit=False)


@pytest.fixture(scope="module", autouse=True)
def ray_cluster() -> Iterator[None]:
    """One that lives as long as these tests, and whose token no file keeps."""
    if find_spec("ray") is None:
        absent = "Ray is absent: install adcascade[ray]"
        if os.environ.get("ADCASCADE_REQUIRE_SERVICES"):
            pytest.fail(absent)
        pytest.skip(absent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        import ray

        ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        yield
        ray.shutdown()


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Some 460 rows."""
    folder = tmp_path_factory.mktemp("samples") / "set"
    with SampleWriter(folder, source="test", features=FEATURES) as writer:
        for table in log():
            writer.write(table.filter(table["click"].is_valid()))
    return Samples(folder)


def test_ray_train_comes_to_what_one_process_comes_to(samples: Samples, tmp_path: Path) -> None:
    """Two workers of Ray Train run the same worker function to the same model."""
    together = Together(directory=tmp_path, launch=by_ray(Team(workers=2)), checkpoint_every=3)
    (found,) = together.learner(samples, FEATURES, SETTINGS, seed=4)(None)
    alone = learn_ranking(FEATURES, samples.slice(0, round(len(samples) * 0.9)), SETTINGS, seed=4)
    np.testing.assert_allclose(
        found.table.state_dict()["weight"], alone.table.state_dict()["weight"], rtol=0, atol=1e-5
    )
    for name, one in found.model.state_dict().items():
        np.testing.assert_allclose(one, alone.model.state_dict()[name], rtol=0, atol=1e-5)


def test_a_cluster_that_is_too_small_is_named(samples: Samples, tmp_path: Path) -> None:
    """Rather than waiting for machines for ever."""
    together = Together(directory=tmp_path, launch=by_ray(Team(workers=3)))
    with pytest.raises(ConfigurationError, match="has 2 CPUs"):
        together.learner(samples, FEATURES, SETTINGS, seed=4)(None)


def test_ray_data_evaluates_as_one_process_does(samples: Samples, tmp_path: Path) -> None:
    """The same metrics from blocks that were scored apart, and every row's probability once."""
    (tmp_path / "adcascade.toml").write_text("[train]\nwidth = 4\nepochs = 1\nrefit = false\n")
    manifest = train_from_samples(samples.folder, Order(directory=tmp_path, now_us=1, until_us=1))
    root = tmp_path / "bundles" / manifest.version
    told: list[int] = []
    found = evaluate_on_ray(root, samples, told.append, scores=tmp_path / "scores", block_rows=100)
    expected = evaluate_bundle(root, samples)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-6), name  # a row's last bit may hang on its batch
    assert sum(told) == len(samples)
    rows = pq.read_table(tmp_path / "scores")["row"].to_numpy()
    assert sorted(rows) == list(range(len(samples)))
    with pytest.raises(InputError, match="--scores"):
        evaluate_on_ray(root, samples, scores=tmp_path / "scores")
