"""Laws of the export: the folder scores as the model does, and refuses what it was not made for."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
import torch

from adcascade.errors import BundleError
from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.learning.export import export
from adcascade.learning.loop import predict
from adcascade.learning.model import ScoringModel, Shape
from adcascade.learning.scorer import Scorer
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.dcn_v2 import DCNv2, DCNv2Config
from adcascade.ranking.lr import LogisticRegression

Sample = Callable[..., pa.Table]
ADS: dict[str, Any] = {"ad": [f"a{i}" for i in range(25)], "price": np.linspace(-2, 2, 25)}
REQUEST: dict[str, Any] = {"user": "u1", "age": 33, "history_ad": ["a1", "a2", "a9"]}


def written(folder: Path, encoder: Encoder, model: ScoringModel) -> tuple[ScoringModel, PackedEmbedding]:
    """The model with random embeddings, exported."""
    packed = PackedEmbedding(encoder.rows, TableConfig(width=model.shape.width, init_std=1.0))
    export(folder, model, packed, encoder.fingerprint)
    return model, packed


def ads_of(encoder: Encoder) -> AdFeatures:
    """A catalog of 25 ads."""
    ads = AdFeatures(encoder)
    ads.update(np.arange(25), ADS)
    return ads


def test_the_scorer_says_what_the_model_says(tmp_path: Path, encoder: Encoder) -> None:
    """One request and any ads: within 1e-5 of PyTorch on the same pairs, for one ad, many, repeated ones, none."""
    torch.manual_seed(0)
    model, packed = written(tmp_path, encoder, DCNv2(Shape.of(encoder, 4), DCNv2Config(hidden=(16, 8))))
    scorer = Scorer(tmp_path, ads_of(encoder))
    for request in (REQUEST, {}, {"history_ad": ["a1"] * 9}):
        state = scorer.user(encoder.encode_one(request))
        for rows in ([3], list(range(25)), [7, 7, 0], list(range(25)) * 40):
            columns = {name: [request.get(name)] * len(rows) for name in REQUEST}
            columns.update({name: [values[row] for row in rows] for name, values in ADS.items()})
            expected = predict(model, packed, encoder.encode(columns, len(rows)))
            np.testing.assert_allclose(scorer.score(state, np.array(rows, np.int32)), expected, atol=1e-5)
        assert scorer.score(state, np.empty(0, np.int32)).shape == (0,)


def test_a_model_without_history_or_numbers_is_exported_too(tmp_path: Path) -> None:
    """Sides of width zero are no obstacle."""
    features = [Feature(name=n, side=s, kind="categorical") for n, s in (("user", "user"), ("ad", "ad"))]  # type: ignore[arg-type]
    encoder = Encoder.fit(features, [pa.table({"user": ["u"], "ad": ["a"]})])
    model, packed = written(tmp_path, encoder, LogisticRegression(Shape.of(encoder, 1)))
    ads = AdFeatures(encoder)
    ads.update(np.arange(2), {"ad": ["a", "b"]})
    scorer = Scorer(tmp_path, ads)
    found = scorer.score(scorer.user(encoder.encode_one({"user": "u"})), np.arange(2, dtype=np.int32))
    expected = predict(model, packed, encoder.encode({"user": ["u", "u"], "ad": ["a", "b"]}, 2))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_export_is_silent(tmp_path: Path, encoder: Encoder, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed and, as everywhere, nothing is warned of."""
    written(tmp_path, encoder, LogisticRegression(Shape.of(encoder, 1)))
    assert capfd.readouterr() == ("", "")


def test_live_changes_of_ads_are_seen_by_the_next_score(tmp_path: Path, encoder: Encoder) -> None:
    """An ad added or changed after loading is scored as it is now."""
    written(tmp_path, encoder, LogisticRegression(Shape.of(encoder, 1)))
    ads = ads_of(encoder)
    scorer = Scorer(tmp_path, ads)
    state = scorer.user(encoder.encode_one(REQUEST))
    ads.update(np.array([30, 4]), {"ad": ["a7", "a7"], "price": [ADS["price"][7]] * 2})
    found = scorer.score(state, np.array([30, 4, 7], np.int32))
    assert found[0] == found[1] == found[2]


def test_a_damaged_folder_is_refused(tmp_path: Path, encoder: Encoder) -> None:
    """Each of the four files, cut in half, raises BundleError, and so does each that is gone."""
    written(tmp_path, encoder, LogisticRegression(Shape.of(encoder, 1)))
    ads = ads_of(encoder)
    for path in sorted(tmp_path.iterdir()):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(BundleError):
            Scorer(tmp_path, ads)
        path.unlink()
        with pytest.raises(BundleError):
            Scorer(tmp_path, ads)
        path.write_bytes(data)
    Scorer(tmp_path, ads)


def test_another_encoder_and_another_format_are_refused(tmp_path: Path, encoder: Encoder, sample: Sample) -> None:
    """A model reads rows of the encoder it was trained with and of no other."""
    written(tmp_path, encoder, LogisticRegression(Shape.of(encoder, 1)))
    with pytest.raises(BundleError, match="encoder"):
        Scorer(tmp_path, AdFeatures(Encoder.fit(encoder.features, [sample(5, 9)])))
    manifest = msgspec.json.decode((tmp_path / "model.json").read_bytes())
    (tmp_path / "model.json").write_bytes(msgspec.json.encode({**manifest, "format": 99}))
    with pytest.raises(BundleError, match="format"):
        Scorer(tmp_path, ads_of(encoder))


def test_scoring_imports_no_torch() -> None:
    """The scorer, the encoder and the ranking stage run in a process that never loads torch."""
    code = (
        "import sys, adcascade.learning.scorer, adcascade.features, adcascade.ranking.stage, adcascade.metrics;"
        "print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_a_request_runs_each_graph_once_and_gathers_into_the_same_memory(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run for the user, one for all ads; what is gathered for the next request lies where that of the last did."""
    written(tmp_path, encoder, DCNv2(Shape.of(encoder, 4), DCNv2Config(hidden=(16, 8))))
    scorer = Scorer(tmp_path, ads_of(encoder))
    runs: list[object] = []

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def run(*given: object) -> object:
            runs.append(given)
            return real(*given)

        return run

    for session in (scorer._user, scorer._score[0]):
        monkeypatch.setattr(session, "run", counted(session.run))
    rows = np.arange(25, dtype=np.int32)
    state = scorer.user(encoder.encode_one(REQUEST))
    scorer.score(state, rows)
    assert len(runs) == 2
    before = {name: part.ctypes.data for name, part in scorer.feed(state, rows).items()}
    again = scorer.feed(scorer.user(encoder.encode_one({})), rows[::-1])
    assert {name: again[name].ctypes.data for name in ("embedded", "dense")}.items() <= before.items()


def test_a_second_export_reads_no_source_again(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exporter's translations are parsed once a process, and the graphs are the same bytes."""
    sources: list[object] = []
    read = inspect.getsource
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    torch.manual_seed(0)
    model, packed = written(tmp_path / "first", encoder, LogisticRegression(Shape.of(encoder, 1)))

    def counted(one: Any) -> str:
        sources.append(one)
        return read(one)

    monkeypatch.setattr(inspect, "getsource", counted)
    export(tmp_path / "second", model, packed, encoder.fingerprint)
    assert len(sources) < 20
    for file in ("user.onnx", "score.onnx"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
