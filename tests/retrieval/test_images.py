"""Laws of images: what is opened from one and changed since finds what was built and changed in memory."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from tests.retrieval.test_index import LiveLists
from tests.retrieval.test_neural_search import WALK, Bumps, N, vectors_of
from tests.retrieval.test_rules import WORDS, some_ads
from tests.retrieval.test_stage import ask, change, exported, stage

from adcascade.catalog import Ad
from adcascade.catalog.changes import Changes
from adcascade.catalog.packed.image import Array, Image, open_image, write_image
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import Candidates
from adcascade.features import AdFeatures, Encoder
from adcascade.retrieval.index import AdIndex
from adcascade.retrieval.neural_search import NeuralSearch
from adcascade.retrieval.postings import Postings
from adcascade.retrieval.rules import terms_of
from adcascade.retrieval.searcher import NoSearch
from adcascade.retrieval.stage import RetrievalConfig, RetrievalStage

__all__ = ["exported", "stage"]  # fixtures


def imaged(arrays: dict[str, Array]) -> Image:
    """By way of a file, which may be deleted while it is mapped."""
    with tempfile.TemporaryDirectory() as folder:
        write_image(Path(folder) / "x", "test", {}, arrays)
        return open_image(Path(folder) / "x", "test")


class MappedIndex(LiveLists):
    """The live index of test_index.py, opened from an image before anything happens to it."""

    @initialize(seed=st.integers(0, 99), n=st.integers(8, 40))
    def build(self, seed: int, n: int) -> None:
        """Start with rows 0 to n, in a file."""
        super().build(seed, n)
        image = imaged(self.index.pack())
        self.index = AdIndex(self.index.width, self.config)
        self.index.unpack(image)


MappedIndex.TestCase.settings = settings(deadline=None, max_examples=30, stateful_step_count=10)
TestMapped = MappedIndex.TestCase


@given(before=some_ads, after=some_ads)
@settings(deadline=None, max_examples=60)
def test_postings_of_an_image_follow_the_ads(before: list[Ad | None], after: list[Ad | None]) -> None:
    """Packed anywhere in a history, they hold at its end what lived through it."""
    lived, opened = Postings(), Postings()
    for row, ad in enumerate(before):
        lived.put(row, terms_of(ad) if ad else ())
    opened.unpack(imaged(lived.pack()).arrays)
    for row, ad in enumerate(after):
        for postings in (lived, opened):
            postings.put(row, terms_of(ad) if ad else ())
    assert len(opened) == len(lived)
    for word in WORDS:
        assert opened.rows(word).tolist() == lived.rows(word).tolist()


def test_a_stage_of_an_image_answers_as_one_that_was_built(
    stage: RetrievalStage, exported: Path, encoder: Encoder, features: AdFeatures, snapshot: Snapshot
) -> None:
    """Over the same catalog, and after a change that came since; its features come from the same image."""
    images = imaged({**{f"s/{name}": one for name, one in stage.pack().items()}, **packed_features(features)})
    changes = Changes(version=2, ads=[(3, None), (4, Ad(id="a4", campaign="C", category="t1", title="lamp 4"))])
    moved = change(stage, snapshot, features, changes)
    mapped = AdFeatures.unpack(encoder, images.part("f").arrays)
    image = images.part("s")
    opened = RetrievalStage.load(exported, snapshot, mapped, RetrievalConfig(keep=10), image=image)
    mapped.update(moved, snapshot.columns(moved.tolist()))
    opened.ads_changed(moved)
    for name in ("ids", "dense", "keys"):
        np.testing.assert_array_equal(getattr(mapped, name), getattr(features, name))
    nobody = Candidates.of(np.empty(0, np.int32))
    for asked in ({}, {"query": "lamp"}, {"query": "thing 7"}, {"category": "t2"}):
        one, other = (each(ask(encoder, **asked), nobody) for each in (opened, stage))
        assert one.ad.tolist() == other.ad.tolist()
        np.testing.assert_array_equal(one.score, other.score)


def packed_features(features: AdFeatures) -> dict[str, Array]:
    """Below "f"."""
    return {f"f/{name}": one for name, one in features.pack().items()}


def test_a_walk_of_an_image_is_the_walk() -> None:
    """The same graph and vectors: the same ads, also after one of them is gone."""
    vectors = vectors_of(N)
    built, opened = (NeuralSearch(Bumps(vectors), WALK) for _ in range(2))  # type: ignore[arg-type]  # a fake network
    built.build(np.arange(N, dtype=np.int32))
    opened.unpack(imaged(built.pack()))
    query = np.random.default_rng(5).standard_normal((3, 8)).astype(np.float32)
    bits, bonus = np.full(N // 8, 255, np.uint8), np.zeros(N, np.float32)
    for gone in ([], [7, 8]):
        found = []
        for search in (built, opened):
            search.remove(np.array(gone, np.int32))
            found.append(search.search(query, 50, bits, bonus)[0].tolist())  # type: ignore[arg-type]
        assert found[0] == found[1]


@pytest.mark.parametrize("rows", [[], [0, 9, 17]])
def test_who_can_be_found_without_a_model(rows: list[int]) -> None:
    """NoSearch counts the same rows."""
    built, opened = NoSearch(), NoSearch()
    built.build(np.array(rows, np.int32))
    opened.unpack(imaged(built.pack()))
    for search in (built, opened):
        search.put(np.array([40, 41], np.int32))
        search.remove(np.array([9, 41, 99], np.int32))
        assert len(search) == len(set(rows) | {40, 41}) - len({9, 41} & (set(rows) | {40, 41}))
