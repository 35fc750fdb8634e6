"""Learning the page model from pages that chance filled, and writing what serving loads (imports torch).

Only randomised slates teach what neighbours do: a deterministic auction shows the same ads beside each other for
reasons that also make them clicked. The last pages, in order of time, judge: is the log loss of the corrected
probabilities below that of ctr times the slot's factor? If not, no page model is written, and slates are sold by the
latter.
"""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adcascade.auction.page_clicks import FORMAT, GRAPH, INPUTS, MANIFEST, PageManifest
from adcascade.auction.page_model import PageConfig, PageModel, page_loss
from adcascade.auction.page_tokens import Kind, Layout, PageTokens, Singles
from adcascade.learning.graph import write_graph

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPages:
    """B logged pages in order of time, and what was clicked on them."""

    tokens: PageTokens
    click: Singles  # [B, T]
    weight: Singles  # [B, T] 1 where the click is known, else 0
    separable: Singles  # [B, T] log-odds by ctr times the slot's factor

    def __len__(self) -> int:
        """The number of pages, B."""
        return len(self.tokens)


@dataclass(frozen=True, kw_only=True)
class PageTraining:
    """How to train: Adam, its rate falling linearly to zero."""

    epochs: int = 4
    batch: int = 256  # pages
    rate: float = 3e-3
    decay: float = 1e-2
    seed: int = 0


def fit_pages(config: PageConfig, pages: SeenPages, rows: Rows, training: PageTraining) -> PageModel:
    """A model that has learned from the pages at `rows`."""
    torch.manual_seed(training.seed)
    random = np.random.default_rng(training.seed)
    model, tokens = PageModel(config), pages.tokens
    items = item_tensors(tokens)
    model.standardise(items[0][(items[2] == Kind.AD) | (items[2] == Kind.ORGANIC)])
    click, weight = torch.from_numpy(pages.click), torch.from_numpy(pages.weight)
    steps = training.epochs * -(-len(rows) // training.batch)
    optimiser = torch.optim.AdamW(model.parameters(), lr=training.rate, weight_decay=training.decay, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: max(1.0 - step / steps, 0.0))
    for _ in range(training.epochs):
        order = random.permutation(rows)
        for start in range(0, len(order), training.batch):
            some = order[start : start + training.batch]
            optimiser.zero_grad(set_to_none=True)
            loss = page_loss(model(*shown(items, tokens, some)), click[some], weight[some])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return model.eval()


@torch.no_grad()
def page_logits(model: PageModel, tokens: PageTokens, *, size: int = 4096) -> Singles:
    """Logits [B, T], in parts of `size` pages."""
    items, parts = item_tensors(tokens), []
    for start in range(0, len(tokens), size):
        rows = np.arange(start, min(start + size, len(tokens)))
        parts.append(model(*shown(items, tokens, rows)).numpy())
    return np.concatenate(parts) if parts else np.empty(tokens.item.shape, np.float32)


def log_loss(logit: Singles, pages: SeenPages, rows: Rows) -> float:
    """Mean log loss of logits [B, T] on the known clicks of the pages at `rows`."""
    return float(page_loss(*(torch.from_numpy(one[rows]) for one in (logit, pages.click, pages.weight))))


def item_tensors(tokens: PageTokens) -> tuple[Tensor, Tensor, Tensor]:
    """numbers [I, D], base [I], kind [I] of all items."""
    items = tokens.items
    return torch.from_numpy(items.numbers), torch.from_numpy(items.base), torch.from_numpy(items.kind)


def shown(items: tuple[Tensor, Tensor, Tensor], tokens: PageTokens, rows: Rows) -> tuple[Tensor, ...]:
    """The model's inputs for the pages at `rows`, with only the items that they show."""
    seen, item = np.unique(tokens.item[rows], return_inverse=True)
    parts = (part[seen] for part in items)
    return (*parts, torch.from_numpy(item.reshape(len(rows), -1)), torch.from_numpy(tokens.place[rows]))


@dataclass(kw_only=True)
class PageModelLearner:
    """Learns from the pages of `layout` where there are enough, judges and exports.

    least_pages, least_clicks: below which nothing is learned; holdout: the share of the pages that judges.
    """

    layout: Layout
    least_pages: int = 500
    least_clicks: int = 100
    holdout: float = 0.2
    training: PageTraining = field(default_factory=PageTraining)
    model: PageModel | None = field(default=None, init=False)
    metrics: dict[str, float] = field(default_factory=dict, init=False)
    organic_clicks: int = field(default=0, init=False)

    def fit(self, pages: SeenPages) -> None:
        """`model` stays None where there are too few pages, or where it would be no better than without."""
        count = len(pages)
        clicks = pages.click * pages.weight
        self.metrics = {"page_rows": float(count)}
        self.organic_clicks = int(clicks[:, self.layout.slots :].sum())
        if count < self.least_pages or clicks.sum() < self.least_clicks:
            return
        cut = round(count * (1.0 - self.holdout))
        early, late = np.arange(cut), np.arange(cut, count)
        config = PageConfig(numbers=pages.tokens.items.numbers.shape[1], places=self.layout.tokens)
        judged = fit_pages(config, pages, early, self.training)
        self.metrics["page_log_loss"] = log_loss(page_logits(judged, pages.tokens), pages, late)
        self.metrics["page_log_loss_separable"] = log_loss(pages.separable, pages, late)
        if self.metrics["page_log_loss"] < self.metrics["page_log_loss_separable"]:
            self.model = fit_pages(config, pages, np.arange(count), self.training)

    def export(self, folder: Path, fingerprint: str) -> None:
        """Write page.onnx and page.json into an existing folder; `fingerprint` is of the encoder of the items."""
        if self.model is None:
            raise ValueError("no page model was learned; look at `model` before exporting")
        export_page(folder, self.model, self.manifest(self.model, fingerprint))

    def manifest(self, model: PageModel, fingerprint: str) -> PageManifest:
        """What page.json says."""
        return PageManifest(
            format=FORMAT,
            fingerprint=fingerprint,
            numbers=model.config.numbers,
            slots=self.layout.slots,
            organic=self.layout.organic,
            pattern=self.layout.pattern,
            pages=int(self.metrics["page_rows"]),
            organic_clicks=self.organic_clicks,
            log_loss=self.metrics["page_log_loss"],
            log_loss_separable=self.metrics["page_log_loss_separable"],
        )


def export_page(folder: Path, model: PageModel, manifest: PageManifest) -> None:
    """Write the graph, for any number of items and pages, and the manifest."""
    example = example_page(manifest)
    write_graph(folder / GRAPH, model, dict(zip(INPUTS, example, strict=True)), ["logit"], dynamic=INPUTS)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))


def example_page(manifest: PageManifest, *, items: int = 5, pages: int = 3, seed: int = 0) -> tuple[Tensor, ...]:
    """The model's inputs in random numbers, to trace with and to compare on."""
    random, tokens = torch.Generator().manual_seed(seed), manifest.slots + manifest.organic
    return (
        torch.randn((items, manifest.numbers), generator=random),
        torch.randn(items, generator=random) - 3.0,
        torch.randint(len(Kind), (items,), generator=random),
        torch.randint(items, (pages, tokens), generator=random),
        torch.randint(tokens, (pages, tokens), generator=random),
    )
