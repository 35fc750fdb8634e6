"""What a learner of retrieval is asked, whatever its method."""

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from adcascade.features import AdFeatures
from adcascade.learning.loop import Progress
from adcascade.retrieval.held_out import Tables


class RetrievalLearner(Protocol):
    """Made as `Learner(encoder)`; METHODS names them."""

    def fit(self, tables: Tables, progress: Progress | None = None) -> list[float]:
        """Train on the tables, which are read some times anew; mean losses by epoch."""
        ...

    def export(self, folder: Path) -> None:
        """Write what RetrievalStage loads into an existing folder."""
        ...


@runtime_checkable
class AdIndexer(Protocol):
    """A learner that exports something per ad is shown the catalog through this, after `fit`."""

    def index(self, ads: AdFeatures, rows: NDArray[np.int32]) -> None:
        """These rows of the encoded catalog hold an ad."""
        ...
