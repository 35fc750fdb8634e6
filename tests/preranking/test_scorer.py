"""Laws of the pre-ranker in serving: sides kept by ad say what the model says, live and from an image."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from adcascade.catalog.packed.image import open_image, write_image
from adcascade.contracts import Batch
from adcascade.errors import BundleError
from adcascade.features import AdFeatures, Encoder, Feature
from adcascade.learning.export import example_ads, example_user
from adcascade.learning.model import Shape
from adcascade.learning.scorer import Scorer
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.preranking.export import export_student, network_of
from adcascade.preranking.mlp import PrerankingConfig, PrerankingMLP
from adcascade.preranking.network import FILE
from adcascade.preranking.scorer import SidedScorer, opened

FEATURES = (
    Feature(name="user", side="user", kind="categorical"),
    Feature(name="history_ad", side="user", kind="sequence", of="ad", length=4),
    Feature(name="query", side="context", kind="categorical"),
    Feature(name="ad", side="ad", kind="categorical"),
    Feature(name="title", side="ad", kind="categorical"),
    Feature(name="price", side="ad", kind="numeric"),
    Feature(name="said", kind="match", side="pair", left="query", right="title", words=True, length=4),
)
ADS = 300
WORDS = ("red", "blue", "shoe", "lamp")


def columns_of(rows: NDArray[np.integer], shift: int = 0) -> dict[str, list[object]]:
    """The ad side of these rows."""
    return {
        "ad": [f"a{row % 50 + shift}" for row in rows.tolist()],
        "title": [f"{WORDS[row % 4]} {WORDS[(row + shift) % 3]}" for row in rows.tolist()],
        "price": [float(row % 7 + shift) for row in rows.tolist()],
    }


class Site:
    """A catalog, and a pre-ranker as it is initialised, exported."""

    def __init__(self, folder: Path) -> None:
        """A folder that does not exist yet."""
        folder.mkdir()
        self.folder = folder
        log = columns_of(np.arange(ADS)) | {
            "user": [f"u{row % 9}" for row in range(ADS)],
            "history_ad": [[f"a{row % 50}"] for row in range(ADS)],
            "query": [WORDS[row % 4] for row in range(ADS)],
        }
        self.encoder = Encoder.fit(FEATURES, [pa.table(log)])
        self.ads = AdFeatures(self.encoder)
        self.ads.update(np.arange(ADS), columns_of(np.arange(ADS)))
        torch.manual_seed(1)
        model = PrerankingMLP(Shape.of(self.encoder, 8), PrerankingConfig(hidden=(16, 8)))
        table = PackedEmbedding(self.encoder.rows, TableConfig(width=8, init_std=0.5), seed=1)
        export_student(folder, model, table, self.encoder.fingerprint)
        self.sided, self.graphs = SidedScorer(folder, self.ads), Scorer(folder, self.ads)

    def request(self, user: str | None, history: list[str], query: str | None) -> Batch:
        """One request's side."""
        return self.encoder.encode_one({"user": user, "history_ad": history or None, "query": query}, "request")


def same(site: Site, one: SidedScorer, request: Batch, rows: NDArray[np.int32]) -> None:
    """The scorer says what the graphs say in ONNX Runtime."""
    graphs = site.graphs
    wanted = graphs.score(graphs.user(request), rows)
    np.testing.assert_allclose(one.score(one.user(request), rows), wanted, atol=1e-5, rtol=1e-5)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two hidden layers, as the default has."""
    return Site(tmp_path_factory.mktemp("site") / "preranking")


@given(
    user=st.sampled_from(["u1", "u7", "stranger", None]),
    history=st.lists(st.sampled_from(["a1", "a2", "a40", "unseen"]), max_size=6),
    query=st.sampled_from(["red", "red shoe lamp", "nothing", "", None]),
    n=st.sampled_from([0, 1, 9, 255, 256, 257, 900]),
)
def test_sides_say_what_the_graphs_say(
    site: Site, user: str | None, history: list[str], query: str | None, n: int
) -> None:
    """For any request and any ads, repeated or not, in chunks or not: within 1e-5."""
    rows = np.random.default_rng(n).integers(0, ADS, n).astype(np.int32)
    same(site, site.sided, site.request(user, history, query), rows)


@pytest.mark.parametrize("hidden", [(8,), (16, 8, 4)])
def test_towers_of_any_depth(site: Site, hidden: tuple[int, ...]) -> None:
    """The network says what the model says with one hidden layer and with three, too."""
    model = PrerankingMLP(Shape.of(site.encoder, 8), PrerankingConfig(hidden=hidden))
    user, ads = example_user(model.shape), example_ads(model.shape, 5)
    with torch.no_grad():
        wanted = model(user, ads).numpy()
    network = network_of(model)
    mean = user.history[user.mask].mean(dim=0)
    u = torch.cat([part.flatten() for part in (user.embedded, user.dense, mean)]).numpy()
    a = torch.cat((ads.embedded.flatten(1), ads.dense), dim=1).numpy()
    own, matches = a[:, : network.ad_width], a[:, network.ad_width :]
    found = network.logits(network.base(u), network.sides(own), np.arange(5, dtype=np.int32), matches)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_changed_and_new_ads_are_known_at_once(tmp_path: Path) -> None:
    """After ads_changed of a few rows, some of them new, scores are those of the catalog as it is."""
    here = Site(tmp_path / "preranking")
    live = here.sided
    changed = np.array([3, 250, ADS, ADS + 40], np.int32)
    here.ads.update(changed, columns_of(changed, shift=2))
    live.ads_changed(changed)
    known = np.array([0, 3, 250, ADS, ADS + 40, 77], np.int32)
    same(here, live, here.request("u3", ["a1", "a2"], "blue shoe"), known)


def test_an_image_holds_the_sides(site: Site, tmp_path: Path) -> None:
    """What was packed is read back without a product, and an image of before there were sides is no trouble."""
    made = site.sided
    for name, arrays in (("new", made.pack()), ("old", {"log_ctr": np.zeros(3)})):
        write_image(tmp_path / name, "bundle", {}, arrays)
        found = opened(site.folder, site.ads, open_image(tmp_path / name, "bundle"))
        assert isinstance(found, SidedScorer)
        np.testing.assert_array_equal(found.pack()["sides"], made.pack()["sides"])


def test_a_model_of_its_own_is_served_by_its_graphs(site: Site, tmp_path: Path) -> None:
    """Without network.npz a folder is what any exported model is."""
    own = shutil.copytree(site.folder, tmp_path / "own")
    (own / FILE).unlink()
    assert isinstance(opened(own, site.ads), Scorer)
    assert isinstance(opened(site.folder, site.ads), SidedScorer)


def test_a_damaged_network_is_named(site: Site, tmp_path: Path) -> None:
    """Bytes that are no arrays, an array that is missing, and weights of another model: BundleError."""
    bad = shutil.copytree(site.folder, tmp_path / "bad")
    good = dict(np.load(bad / FILE))
    narrow = good | {"first.ad_weight": good["first.ad_weight"][:, 1:]}
    missing = {name: array for name, array in good.items() if name != "first.bias"}
    for arrays in (narrow, missing):
        np.savez(bad / FILE, allow_pickle=False, **arrays)
        with pytest.raises(BundleError, match=r"network\.npz"):
            SidedScorer(bad, site.ads)
    (bad / FILE).write_bytes(b"no arrays")
    with pytest.raises(BundleError, match=r"network\.npz"):
        SidedScorer(bad, site.ads)
