"""Laws of the page model: what neighbours may do to a token, learning, and that serving says what training said."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from adcascade.auction.page_clicks import FORMAT, PageClicks, PageManifest
from adcascade.auction.page_learn import PageModelLearner, PageTraining, example_page, export_page, fit_pages, log_loss
from adcascade.auction.page_learn import page_logits as logits_of
from adcascade.auction.page_model import PageConfig, PageModel
from adcascade.auction.page_tokens import Items, Kind, Layout, PageTokens, items_of, slate_places
from adcascade.errors import BundleError
from adcascade.market.pages import PageConfig as WorldConfig
from adcascade.market.pages import draw_pages
from adcascade.studies.vcg_blending_models import PATTERN, logged

MANIFEST = PageManifest(
    format=FORMAT, fingerprint="f" * 20, numbers=6, slots=3, organic=4, pattern=PATTERN, pages=9, organic_clicks=1,
    log_loss=0.1, log_loss_separable=0.2,
)  # fmt: skip
LAYOUT = Layout(slots=3, organic=4, pattern=PATTERN)


def random_model(*, neighbours: bool = True, seed: int = 0) -> PageModel:
    """A model whose every weight is random, also those that begin at zero."""
    torch.manual_seed(seed)
    model = PageModel(PageConfig(numbers=6, places=7, neighbours=neighbours)).eval()
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.2)
    return model


def asked(model: PageModel, inputs: tuple[Tensor, ...]) -> Tensor:
    """Logits without gradients."""
    with torch.no_grad():
        return model(*inputs)  # type: ignore[no-any-return]


def test_torch_equals_onnx(tmp_path: Path) -> None:
    """Within 1e-5, for other numbers of items and pages than the graph was traced with."""
    model = random_model()
    export_page(tmp_path, model, MANIFEST)
    served = PageClicks(tmp_path, MANIFEST.fingerprint)
    for items, pages in ((2, 1), (11, 157)):
        inputs = example_page(MANIFEST, items=items, pages=pages, seed=pages)
        numbers, base, kind, item, place = (one.numpy() for one in inputs)
        told = served(PageTokens(items=Items(numbers=numbers, base=base, kind=kind), item=item, place=place))
        assert_close(torch.from_numpy(told), asked(model, inputs), rtol=1e-5, atol=1e-5)


def test_a_damaged_or_foreign_folder_is_refused(tmp_path: Path) -> None:
    """Without a manifest, and of another encoder."""
    with pytest.raises(BundleError, match=r"page\.json"):
        PageClicks(tmp_path, "f")
    export_page(tmp_path, random_model(), MANIFEST)
    with pytest.raises(BundleError, match="train again"):
        PageClicks(tmp_path, "g" * 20)


def test_a_model_that_has_learned_nothing_says_what_it_was_told() -> None:
    """The correction begins at zero: the logit is the base."""
    inputs = example_page(MANIFEST)
    model = PageModel(PageConfig(numbers=6, places=7)).eval()
    assert_close(asked(model, inputs), inputs[1][inputs[3]])


def test_tokens_have_no_order_but_their_places() -> None:
    """Permuting the tokens of a page permutes the logits."""
    model, (numbers, base, kind, item, place) = random_model(), example_page(MANIFEST)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(1))
    there = asked(model, (numbers, base, kind, item, place))
    moved = asked(model, (numbers, base, kind, item[:, order], place[:, order]))
    assert_close(moved, there[:, order], rtol=1e-5, atol=1e-5)


def test_what_is_not_there_moves_nobody() -> None:
    """Whatever numbers `nothing` has, the others' logits stay; a real neighbour does move them."""
    model, (numbers, base, kind, item, place) = random_model(), example_page(MANIFEST)
    kind = torch.tensor([Kind.AD, Kind.ORGANIC, Kind.AD, Kind.UNKNOWN, Kind.NOTHING])
    other = numbers.clone()
    other[4] += 5.0
    real = item != 4
    before = asked(model, (numbers, base, kind, item, place))
    assert_close(asked(model, (other, base, kind, item, place))[real], before[real])
    swapped = torch.where(item == 4, 0, item)
    assert not torch.allclose(asked(model, (numbers, base, kind, swapped, place))[real], before[real])


def test_without_neighbours_a_token_stands_alone() -> None:
    """The ablation's logit of the first token does not change with the others."""
    model, (numbers, base, kind, item, place) = random_model(neighbours=False), example_page(MANIFEST)
    other = item.clone()
    other[:, 1:] = (other[:, 1:] + 1) % 5
    before, after = (asked(model, (numbers, base, kind, one, place))[:, 0] for one in (item, other))
    assert_close(before, after)


def test_it_learns_what_neighbours_do_and_nothing_else_can() -> None:
    """In a world where likeness costs clicks, only the model that sees neighbours comes near the truth's log loss."""
    strong = WorldConfig(ad_on_ad=3.0, ad_on_organic=3.0, organic_on_ad=2.0)
    seen = logged(draw_pages(8_000, 5, strong), np.random.default_rng(0), chance=True)
    early, late = np.arange(6_000), np.arange(6_000, 8_000)
    loss = {}
    for neighbours in (True, False):
        config = PageConfig(numbers=6, places=7, neighbours=neighbours)
        model = fit_pages(config, seen, early, PageTraining(epochs=6, batch=128))
        loss[neighbours] = log_loss(logits_of(model, seen.tokens), seen, late)
    assert loss[True] < loss[False] - 0.003
    assert loss[False] < log_loss(seen.separable, seen, late)


def test_the_learner_exports_only_what_is_better_than_nothing(tmp_path: Path) -> None:
    """Too few pages, or a separable guess that cannot be beaten: no model, and exporting one is an error."""
    seen = logged(draw_pages(600, 7), np.random.default_rng(0), chance=True)
    few = PageModelLearner(layout=LAYOUT, least_pages=601)
    few.fit(seen)
    assert few.model is None
    assert few.metrics == {"page_rows": 600.0}
    with pytest.raises(ValueError, match="no page model"):
        few.export(tmp_path, "f")
    sure = np.where(seen.click > 0, 20.0, -20.0).astype(np.float32)
    knowing = PageModelLearner(layout=LAYOUT, training=PageTraining(epochs=1))
    knowing.fit(type(seen)(tokens=seen.tokens, click=seen.click, weight=seen.weight, separable=sure))
    assert knowing.model is None
    assert knowing.metrics["page_log_loss"] > knowing.metrics["page_log_loss_separable"]
    better = PageModelLearner(layout=LAYOUT, training=PageTraining(epochs=1))
    better.fit(type(seen)(tokens=seen.tokens, click=seen.click, weight=seen.weight, separable=0 * sure))
    better.export(tmp_path, "f")
    assert PageClicks(tmp_path, "f").manifest.organic_clicks > 0


def test_slates_become_pages() -> None:
    """Ads stand at the pattern's places, organic items fill the rest; where a slot is empty they move up."""
    items = items_of(np.ones((4, 6), np.float32), np.zeros(2, np.float32), np.array([True, False]))
    assert items.kind.tolist() == [Kind.AD, Kind.AD, Kind.ORGANIC, Kind.UNKNOWN, Kind.NOTHING]
    slates = np.array([[1, 0], [1, -1], [-1, -1]])
    item, place = slate_places(slates, 2, 2, Layout(slots=3, organic=2, pattern=(1, 3)))
    assert item.tolist() == [[1, 0, 4, 2, 3], [1, 4, 4, 2, 3], [4, 4, 4, 2, 3]]
    assert place.tolist() == [[0, 2, 0, 1, 3], [0, 0, 0, 1, 2], [0, 0, 0, 0, 1]]
