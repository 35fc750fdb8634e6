"""Other bundle: what another bundle would have said of the candidates of one logged request.

To open a bundle for serving, the whole catalog is encoded anew. To score the candidates that the log keeps, only these
are: ranking, conversion and calibration of the bundle over at most some hundred ads, with the request's features as
they were seen, and no torch. Retrieval and pre-ranking are not asked, so the candidates are those of the bundle that
answered. Asked of that very bundle, with the live factor of the log, the scores are those of the log again.

At most one is open, for RELEASED_S after it was last asked: the table of a model is mapped, its graphs are in memory.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adcascade.calibration.slots import read_slot_factors
from adcascade.calibration.stage import CalibrationStage
from adcascade.cascade.bundle import Bundles
from adcascade.cascade.opportunity import chance_of
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Candidates, Opportunity
from adcascade.conversion.stage import ConversionStage
from adcascade.events.records import AuctionRecord
from adcascade.features import AdFeatures
from adcascade.features.encoder import Encoder
from adcascade.learning.scorer import Scorer
from adcascade.ranking.stage import RankingStage

FOLDERS = ("features", "ranking", "conversion", "calibration")  # of a bundle, that are read
RELEASED_S = 60.0


class OtherBundle:
    """The judging stages of a bundle. Not for two threads at once. slot_factors: float32 [K]."""

    def __init__(self, root: Path, version: str) -> None:
        """Of a verified folder; BundleError where a part cannot be read."""
        self.version = version
        self.encoder = Encoder.load(root / "features")
        self.slot_factors = read_slot_factors(root / "calibration")
        self._ads = AdFeatures(self.encoder)  # of the candidates of one request, by their place
        self._scorer = Scorer(root / "ranking", self._ads)
        self._conversion = ConversionStage.load(root / "conversion", self._ads)
        self._calibration = CalibrationStage.load(root / "calibration", self._ads)

    @classmethod
    def open(cls, bundles: Bundles, version: str) -> "OtherBundle":
        """Verify what is read of it, and load that; slow. BundleError where it is damaged or not there."""
        bundles.verify(version, FOLDERS)
        return cls(bundles.path(version), version)

    def judge(self, record: AuctionRecord, rows: NDArray[np.int32], snapshot: Snapshot, factor: float) -> Candidates:
        """ctr and cvr of the ads at these catalog rows [n], in this order. factor: of the live calibration."""
        n = len(rows)
        self._ads.update(np.arange(n), snapshot.columns(rows.tolist()))
        opportunity = Opportunity(
            request=AdRequest(id=record.id, time_us=record.time_us, slots=(), scenario=record.scenario),
            seen=record.seen,
            features=self.encoder.encode_one({**record.seen, "position": "0"}, "request"),
            random=chance_of(record.id),
        )
        candidates = Candidates.of(np.arange(n, dtype=np.int32))
        for stage in (RankingStage(self._scorer, keep=n), self._conversion, self._calibration):
            candidates = stage(opportunity, candidates)
        back = np.argsort(candidates.ad, kind="stable")
        ctr = np.minimum(candidates.ctr[back] * np.float32(factor), np.float32(1.0))
        return Candidates.of(rows).with_(ctr=ctr, cvr=candidates.cvr[back])

    def missing(self, record: AuctionRecord) -> tuple[str, ...]:
        """Columns of the request that the bundle's features read and the log does not hold; then scores may differ."""
        features = self.encoder.features
        read = {one.name for one in features if one.side not in ("ad", "pair")} | {one.left for one in features}
        return tuple(sorted(read - {*record.seen, "position", ""}))


class OtherBundles:
    """Opens bundles beside the requests, one at a time."""

    def __init__(self, after_s: float = RELEASED_S) -> None:
        self.opened: OtherBundle | None = None
        self._after_s = after_s
        self._turn = asyncio.Lock()
        self._release: asyncio.TimerHandle | None = None

    async def get(self, load: Callable[[], OtherBundle], version: str) -> OtherBundle:
        """The bundle, by `load` in a thread where it is not the open one, which is then let go of first."""
        async with self._turn:
            if self._release is not None:
                self._release.cancel()
            if self.opened is None or self.opened.version != version:
                self.opened = None
                self.opened = await asyncio.to_thread(load)
            self._release = asyncio.get_running_loop().call_later(self._after_s, self._let_go)
            return self.opened

    def _let_go(self) -> None:
        self.opened = None
