"""PageClicks: runs an exported page model on the slates of one request, without torch.

A folder holds page.onnx, the graph of page_model.py, and page.json, what it was learned from and for which pages.
"""

from pathlib import Path

import msgspec

from adcascade.auction.page_tokens import Layout, PageTokens, Singles
from adcascade.errors import BundleError
from adcascade.learning.scorer import open_session

FORMAT = 1
GRAPH, MANIFEST = "page.onnx", "page.json"
INPUTS = ("numbers", "base", "kind", "item", "place")


class PageManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What page.json says."""

    format: int
    fingerprint: str  # of the encoder whose ads the model reads
    numbers: int  # D
    slots: int  # K
    organic: int  # O
    pattern: tuple[int, ...]  # places of the slots, from 1
    pages: int  # that it learned from
    organic_clicks: int  # among them; 0: nothing is known of what is clicked beside ads
    log_loss: float  # on held-out pages, of a model of the other pages
    log_loss_separable: float  # there, of ctr times the slot's factor

    @property
    def layout(self) -> Layout:
        """The pages that the model knows."""
        return Layout(slots=self.slots, organic=self.organic, pattern=self.pattern)


class PageClicks:
    """Logits of every token of every page; not for two threads at once. BundleError for a folder that is not right."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        try:
            self.manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=PageManifest)
        except (OSError, msgspec.MsgspecError) as error:
            raise BundleError(f"{folder} holds no readable {MANIFEST} ({error}); train again") from error
        if (self.manifest.format, self.manifest.fingerprint) != (FORMAT, fingerprint):
            raise BundleError(
                f"{folder} has format {self.manifest.format} and encoder {self.manifest.fingerprint[:12]}, "
                f"not {FORMAT} and {fingerprint[:12]}; train again"
            )
        self.layout = self.manifest.layout
        self._session, _ = open_session(folder / GRAPH)

    def __call__(self, tokens: PageTokens) -> Singles:
        """Logits float32 [B, T]."""
        items = tokens.items
        given = (items.numbers, items.base, items.kind, tokens.item, tokens.place)
        logits: Singles = self._session.run(None, dict(zip(INPUTS, given, strict=True)))[0]
        return logits
