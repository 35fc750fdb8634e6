"""What a stage of the cascade is, online (Stage) and offline (Learner)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from adcascade.contracts.batch import Batch
from adcascade.contracts.candidates import Candidates
from adcascade.contracts.request import AdRequest

Cap = tuple[Literal["advertiser", "campaign", "ad_group", "ad", "creative"], str]  # a level, and an id of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity:
    """One request on its way through the cascade, with what all stages share.

    seen: the raw request-side feature values as they were when the request came (they are logged, so
    that training sees what serving saw); features: the same encoded, a Batch with B = 1 of the
    request's side; random: seeded by the request's id, so that an answer can be replayed; capped: what
    the user has seen as often as a frequency cap allows; uncapped: packed rows of the catalog that
    promise no cap, where there is no user to keep a promise to and some do.
    """

    request: AdRequest
    seen: Mapping[str, object]
    features: Batch
    random: np.random.Generator
    capped: frozenset[Cap] = frozenset()
    uncapped: NDArray[np.uint8] | None = None


@runtime_checkable
class Stage(Protocol):
    """One narrowing of the cascade. It may raise: the engine then falls back and counts it."""

    @property
    def name(self) -> str:
        """Short name: "retrieval", "preranking", "ranking" ..."""
        ...

    def __call__(self, opportunity: Opportunity, candidates: Candidates) -> Candidates:
        """A shorter or better-informed `candidates`, best first."""
        ...


@runtime_checkable
class CatalogListener(Protocol):
    """A stage that keeps something per ad learns of live changes through this."""

    def ads_changed(self, rows: "np.ndarray[tuple[int], np.dtype[np.int32]]") -> None:
        """These rows of the snapshot are new, changed or gone."""
        ...


class Learner(Protocol):
    """What trains a stage from samples and writes the folder that the Stage of the same name loads."""

    def export(self, folder: Path) -> None:
        """Write everything the stage needs into `folder`, which is empty."""
        ...
