"""DEFUSE: a fresh CVR head from clicks whose conversions are still to come (imports torch: learning only).

    1  auxiliary heads, from settled clicks    f_dp = p(converts, but late),  z = p(converts late | observed negative)
    2  the stream of records up to now         clicks older than w_o, and late positives (delayed_stream.py, "repaired")
    3  the head, from the stream               the typed weights of DEFUSE (typed_weights.py)

ConversionLearner waits until a click's whole attribution window w_a has passed, so its newest sample is w_a old;
this one learns from clicks that are an hour old and corrects what is not known yet. With auxiliary heads that are
fixed, two weights on log f and log(1 - f) are one *soft label* with a weight:

    w⁺ log f + w⁻ log(1 - f)  =  (w⁺ + w⁻) ( y log f + (1 - y) log(1 - f) ),    y = w⁺ / (w⁺ + w⁻)

so the one training loop learns it. The losses are unbiased over a *stretch of the stream*, in which late positives of
older clicks make up for those that are still to come; so the records of the first w_a of the log are left out, but
not the late positives that its clicks send into what follows. "Now" is the latest time that the samples speak of.
Where there are too few late conversions for a model, an auxiliary head is a rate, which is DEFUSE without features in
its correction.

Source: "Asymptotically Unbiased Estimation for Delayed Feedback Modeling via Label Correction", arXiv 2202.06472.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adcascade.contracts import Batch
from adcascade.conversion.delayed_stream import NEVER, records
from adcascade.conversion.learn import ConversionLearner, Tables, first_slot
from adcascade.conversion.typed_weights import EDGE, Seen, defuse
from adcascade.features import Encoder
from adcascade.learning.labelled import Labelled, labelled
from adcascade.learning.loop import Progress

TIMES = ("time_us", "click_time_us", "conversion_time_us")


@dataclass(kw_only=True)
class DefuseLearner:
    """Trains on fresh clicks; exports what ConversionStage loads. Windows in microseconds."""

    encoder: Encoder
    observation_us: int = 3_600_000_000  # w_o
    attribution_us: int = 7 * 86_400_000_000  # w_a
    late: ConversionLearner = field(init=False)  # f_dp
    fake: ConversionLearner = field(init=False)  # z
    head: ConversionLearner = field(init=False)

    def __post_init__(self) -> None:
        self.late, self.fake, self.head = (ConversionLearner(encoder=self.encoder) for _ in range(3))

    def fit(self, tables: Tables, *, progress: Progress | None = None) -> list[float]:
        """Learn from sample tables with click and conversion times; the mean loss of each epoch of the head."""
        first_us, now_us = span_us(tables())
        self.late.learn(_Again(lambda: self._settled(tables, now_us, negatives_only=False)))
        self.fake.learn(_Again(lambda: self._settled(tables, now_us, negatives_only=True)))
        begin_us = first_us + min(self.attribution_us, (now_us - first_us) // 2)
        return self.head.learn(_Again(lambda: self._stream(tables, begin_us, now_us)), progress=progress)

    def predict(self, batch: Batch) -> NDArray[np.float32]:
        """P(conversion | click) of B pairs: [B]."""
        return self.head.predict(batch)

    def export(self, folder: Path) -> None:
        """Write what ConversionStage.load reads; the auxiliary heads stay behind."""
        self.head.export(folder)

    def _settled(self, tables: Tables, now_us: int, *, negatives_only: bool) -> Iterator[Labelled]:
        """Clicks whose window has passed, labelled "late"; negatives_only: without those that converted at once."""
        for clicks, time, delay in _clicks(tables):
            old = time <= now_us - self.attribution_us
            late = (delay > self.observation_us) & (delay <= self.attribution_us)
            kept = old & ~((delay != NEVER) & (delay <= self.observation_us)) if negatives_only else old
            yield _labelled(self.encoder, clicks, late.astype(np.float32), kept)

    def _stream(self, tables: Tables, begin_us: int, now_us: int) -> Iterator[Labelled]:
        """The records of a stretch of the stream, with DEFUSE's weights as soft labels."""
        windows = {"observation": self.observation_us, "attribution": self.attribution_us}
        for clicks, time, delay in _clicks(tables):
            batch = labelled(self.encoder, clicks, label="click").batch
            there = records(time, delay, "repaired", **windows).between(begin_us, now_us + 1)
            f_dp, z = (head.predict(batch).clip(EDGE, 1 - EDGE)[there.click] for head in (self.late, self.fake))
            seen = Seen(kind=there.kind, f=f_dp, f_dp=f_dp, f_rn=1 - z, late=f_dp)  # DEFUSE reads neither f nor late
            positive, negative = defuse(seen)
            weight = positive + negative
            yield Labelled(
                batch=batch.take(there.click),
                label=(positive / weight).astype(np.float32),
                weight=weight.astype(np.float32),
            )


@dataclass(frozen=True, slots=True)
class _Again:
    """An iterable that can be drawn again for each epoch."""

    blocks: Callable[[], Iterator[Labelled]]

    def __iter__(self) -> Iterator[Labelled]:
        return self.blocks()


def span_us(tables: Iterable[pa.Table]) -> tuple[int, int]:
    """(first click, latest time of any impression, click or conversion); (0, 0) where there is no click."""
    first, last = [], []
    for table in tables:
        ends = {name: pc.min_max(table[name]).as_py() for name in TIMES if name in table.column_names}
        first += [span["min"] for name, span in ends.items() if name == "click_time_us"]
        last += [span["max"] for span in ends.values()]
    known = [time for time in first if time is not None]
    return (min(known), max(time for time in last if time is not None)) if known else (0, 0)


def _clicks(tables: Tables) -> Iterator[tuple[pa.Table, NDArray[np.int64], NDArray[np.int64]]]:
    """The clicked rows as for the first slot, with the time of the click and the delay of its conversion."""
    for table in tables():
        if not {"click", "click_time_us", "conversion_time_us"} <= set(table.column_names):
            continue
        clicks = first_slot(table.filter(pc.equal(table["click"], 1)))
        if len(clicks):
            time = clicks["click_time_us"].to_numpy()
            bought = pc.fill_null(clicks["conversion_time_us"], NEVER).to_numpy()
            yield clicks, time, np.where(bought == NEVER, NEVER, np.maximum(bought - time, 0))


def _labelled(encoder: Encoder, clicks: pa.Table, label: NDArray[np.float32], kept: NDArray[np.bool_]) -> Labelled:
    """The kept clicks with labels of their own."""
    batch = labelled(encoder, clicks, label="click").batch.take(np.flatnonzero(kept))
    return Labelled(batch=batch, label=label[kept], weight=np.ones(int(kept.sum()), np.float32))
