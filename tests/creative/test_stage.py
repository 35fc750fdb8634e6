"""Laws of the creative stage and of its learner."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcascade.catalog.nouns import Ad, Creative
from adcascade.contracts import AdRequest, Batch, Candidates, Opportunity, Slot, Stage
from adcascade.creative import CreativeStage, VariantCounts, read_counts, smoothed_rate
from adcascade.creative.counts import FILE
from adcascade.creative.learn import CreativeLearner
from adcascade.errors import BundleError

ADS = (
    Ad(id="plain", campaign="c"),
    Ad(
        id="dressed",
        campaign="c",
        creatives=(
            Creative(id="wide", format="banner", width=728, height=90),
            Creative(id="square", format="banner", width=300, height=250),
            Creative(id="other square", format="banner", width=300, height=250),
            Creative(id="text", format="native"),
        ),
    ),
    None,
)
SHELF = SimpleNamespace(ads=ADS)
SLOTS = (
    Slot(id="0", format="banner", width=300, height=250),
    Slot(id="1", format="native"),
    Slot(id="2", format="product"),
)


def opportunity(seed: int = 0) -> Opportunity:
    """A page with a banner, a native and a product place."""
    batch = Batch(
        ids=np.zeros((1, 0), np.int64),
        dense=np.zeros((1, 0), np.float32),
        history=np.zeros((1, 0, 1), np.int64),
        history_length=np.zeros(1, np.int64),
        scenario=np.zeros(1, np.int64),
    )
    request = AdRequest(id="r", time_us=0, slots=SLOTS)
    return Opportunity(request=request, seen={}, features=batch, random=np.random.default_rng(seed))


def winners(rows: list[int], slots: list[int]) -> Candidates:
    """These ads in these slots."""
    return Candidates.of(np.array(rows, np.int32)).with_(slot=np.array(slots, np.int32))


def test_nothing_known_the_first_that_fits_is_shown() -> None:
    """Of the right format and size; an ad without a fitting creative, or none at all, keeps -1."""
    stage = CreativeStage(VariantCounts(), SHELF)
    assert isinstance(stage, Stage)
    shown = stage(opportunity(), winners([1, 1, 1, 0, 2], [0, 1, 2, 2, 0]))
    assert shown.creative.tolist() == [1, 3, -1, -1, -1]
    assert np.isnan(shown.propensity).all()


def test_the_best_smoothed_rate_is_shown() -> None:
    """Better by enough clicks wins; better by one lucky impression does not."""
    known = {"square": (1000.0, 30.0), "other square": (1000.0, 60.0)}
    lucky = {"square": (1000.0, 60.0), "other square": (1.0, 1.0), "wide": (2000.0, 40.0)}
    for variants, best in ((known, 2), (lucky, 1)):
        counts = VariantCounts(mean=0.04, ad_strength=50.0, variant_strength=200.0, ads={"dressed": variants})
        assert CreativeStage(counts, SHELF)(opportunity(), winners([1], [0])).creative.tolist() == [best]


def test_exploring_shows_each_look_as_often_as_it_says() -> None:
    """Over many requests the mean of 1 / propensity per look is 1: inverse weighting is unbiased."""
    counts = VariantCounts(
        mean=0.1,
        ad_strength=50.0,
        variant_strength=20.0,
        ads={"dressed": {"square": (60.0, 6.0), "other square": (60.0, 8.0)}},
    )
    stage = CreativeStage(counts, SHELF, explore=True)
    weights = np.zeros(4)
    for seed in range(1500):
        shown = stage(opportunity(seed), winners([1], [0]))
        weights[shown.creative[0]] += 1 / shown.propensity[0]
    np.testing.assert_allclose(weights / 1500, [0, 1, 1, 0], atol=0.12)


def test_exploring_multiplies_the_chance_of_the_ad() -> None:
    """An ad drawn with probability 1/10 shows its look with a tenth of the look's share; one look alone is certain."""
    stage = CreativeStage(VariantCounts(mean=0.1, variant_strength=20.0), SHELF, explore=True)
    drawn = winners([1, 1], [0, 1]).with_(propensity=np.full(2, 0.1, np.float32))
    shown = stage(opportunity(), drawn)
    assert 0 < shown.propensity[0] < 0.1
    assert shown.propensity[1] == pytest.approx(0.1)
    assert drawn.propensity.tolist() == pytest.approx([0.1, 0.1])


def test_what_is_learned_is_what_was_logged(tmp_path: Path) -> None:
    """Counts add up over blocks by creative id, without what the catalog does not hold; what is written comes back."""
    learner = CreativeLearner(ADS)
    learner.add(np.array([1, 1, 1, 0, 2, 9]), np.array([1, 1, 3, -1, 0, 0]), np.array([1.0, 0, 1, 1, 1, 1]))
    table = pa.table(
        {"logged_ad": [1, 1, None], "logged_creative": [1, 2, 1], "click": [0.0, 1.0, 1.0], "x": [0, 0, 0]}
    )
    learner.add_tables([table])
    assert learner.counts == {"dressed": {"square": (3.0, 1.0), "text": (1.0, 1.0), "other square": (1.0, 1.0)}}
    learner.export(tmp_path)
    assert read_counts(tmp_path) == learner.fitted()
    assert read_counts(tmp_path).of("dressed", "text") == (1.0, 1.0)


def test_an_empty_log_knows_nothing(tmp_path: Path) -> None:
    """Then the first creative that fits is shown."""
    learner = CreativeLearner(ADS)
    learner.add(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))
    learner.export(tmp_path)
    assert read_counts(tmp_path) == VariantCounts()


def test_a_better_look_is_found_from_a_log() -> None:
    """200 ads whose second look is clicked half as much again, 400 impressions a look: nearly all show the second."""
    ads = [
        Ad(id=f"a{i}", campaign="c", creatives=(Creative(id="x", format="native"), Creative(id="y", format="native")))
        for i in range(200)
    ]
    random = np.random.default_rng(1)
    row, creative = np.repeat(np.arange(200), 800), np.tile(np.repeat([0, 1], 400), 200)
    rate = np.repeat(random.uniform(0.05, 0.15, 200), 800) * np.where(creative == 1, 1.5, 1.0)
    learner = CreativeLearner(ads)
    learner.add(row, creative, (random.random(len(row)) < rate).astype(float))
    stage = CreativeStage(learner.fitted(), SimpleNamespace(ads=ads))
    shown = stage(opportunity(), winners(list(range(200)), [1] * 200))
    assert (shown.creative == 1).mean() > 0.9


@pytest.mark.parametrize("content", [None, b"{", b'{"ads": 3}'])
def test_damaged_counts_are_named(content: bytes | None, tmp_path: Path) -> None:
    """The error names the file and says what to do."""
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(BundleError, match="build the bundle again"):
        read_counts(tmp_path)


@given(seen=st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1)), min_size=2, max_size=2), known=st.booleans())
def test_the_creative_has_the_best_smoothed_rate(seen: list[tuple[int, float]], *, known: bool) -> None:
    """Of any counts the argmax of `smoothed_rate`, the first of equal ones, as of an ad that nobody has seen."""
    names, shows = ("square", "other square"), np.array([float(n) for n, _ in seen])
    clicks = np.floor(shows * [share for _, share in seen])
    told = dict(zip(names, zip(shows.tolist(), clicks.tolist(), strict=True), strict=True))
    counts = VariantCounts(mean=0.02, ad_strength=30.0, variant_strength=9.0, ads={"dressed": told} if known else {})
    mean = smoothed_rate(clicks.sum(), shows.sum(), 0.02, 30.0)
    best = int(np.argmax(smoothed_rate(clicks, shows, mean, 9.0))) if known else 0
    chosen = CreativeStage(counts, SHELF)(opportunity(), winners([1], [0])).creative
    assert chosen.tolist() == [1 + best]
