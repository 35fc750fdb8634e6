"""KFAtt on real sequences: reviews of Amazon Beauty in order, the query being the category of an item.

A sample is an item and the history before it; a reviewed item is a click, an item drawn by chance is none. Each
shopper's last review is judged, the ones before teach. The rankers are those that the engine serves, learned by the
one training loop from the same batches: DIN, and DIN with the Kalman pooling in its two forms.

The set names an item's attributes by number only. Its category is taken to be the most frequent of its attributes
that at most one item in twenty has, so that it tells something. "New" samples are of a category that the history
lacks; "infrequent" ones of a category among the rarer half of the samples.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from adcascade.features import Encoder
from adcascade.features.feature import Feature
from adcascade.learning.labelled import labelled
from adcascade.learning.loop import Training, fit, predict
from adcascade.learning.model import ScoringModel, Shape
from adcascade.metrics import auc
from adcascade.nn.packed import PackedEmbedding, TableConfig
from adcascade.ranking.din import DIN
from adcascade.ranking.kfatt import KFAtt, kfatt_base
from adcascade.studies.contract import Row, Scale, row
from adcascade.studies.data import data_set

DATA_SET: Final = "sequences_5core"
SOURCE: Final = "the S3-Rec repository (Amazon Beauty, 5-core, with item attributes)"
LENGTH = 20  # steps of a history
SHOPPERS = {"tiny": 300, "small": 8_000, "full": 10**6}
COMMON = 0.05  # an attribute that more items have is no category
TABLE = TableConfig(width=16, rate=0.05, init_std=0.05, start=1e-6)
TRAINING = Training(epochs=2, batch_size=256, rate=2e-3)
FEATURES = (
    Feature(name="history_item", side="user", kind="sequence", of="item", length=LENGTH),
    Feature(name="history_category", side="user", kind="sequence", of="category", length=LENGTH),
    Feature(name="item", side="ad", kind="categorical", min_count=2),
    Feature(name="category", side="ad", kind="categorical"),
)
MODELS: Final[dict[str, Callable[[Shape], ScoringModel]]] = {
    "Amazon Beauty: DIN": DIN,
    "Amazon Beauty: KFAtt-b": kfatt_base,
    "Amazon Beauty: KFAtt-f": KFAtt,
}


def real_rows(seeds: tuple[int, ...], scale: Scale, data: Path) -> list[Row]:
    """DIN, KFAtt-b and KFAtt-f, in this order."""
    folder = data_set(data, DATA_SET, SOURCE)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in MODELS}
    for seed in seeds:
        train, test = samples(folder, SHOPPERS[scale], seed)
        encoder = Encoder.fit(FEATURES, [train])
        for name, make in MODELS.items():
            torch.manual_seed(seed)
            model = make(Shape.of(encoder, TABLE.width))
            table = PackedEmbedding(encoder.rows, TABLE, seed=seed)
            training = Training(
                epochs=TRAINING.epochs,
                batch_size=TRAINING.batch_size,
                rate=TRAINING.rate,
                rows=len(train),
                seed=seed,
            )
            fit(model, table, [labelled(encoder, train)], training)
            found[name].append(judged(test, predict(model, table, labelled(encoder, test).batch)))
    roles = dict(zip(MODELS, ("baseline", "method", "method"), strict=True))
    return [row(name, roles[name], runs) for name, runs in found.items()]  # type: ignore[arg-type]


def judged(test: pa.Table, logit: NDArray[np.float32]) -> dict[str, float]:
    """AUC over all samples, over new and over infrequent categories."""
    click = test["click"].to_numpy()
    parts = {"auc": np.ones(len(test), bool)}
    parts |= {f"auc_{name}": test[name].to_numpy(zero_copy_only=False) for name in ("new", "infrequent")}
    return {name: auc(click[part], logit[part]) for name, part in parts.items()}


def samples(folder: Path, shoppers: int, seed: int) -> tuple[pa.Table, pa.Table]:
    """(teaching, judged) sample tables of some shoppers; each review beside one item drawn by chance."""
    random = np.random.default_rng(seed)
    events = pq.read_table(folder / "amazon_beauty.parquet").sort_by(
        [("user_id", "ascending"), ("position", "ascending")]
    )
    user, item = events["user_id"].to_numpy(), events["item_id"].to_numpy()
    first = np.flatnonzero(np.diff(user, prepend=-1))  # where each shopper begins
    last = np.append(first[1:], len(user)) - 1
    category = categories(folder, int(item.max()))
    chosen = np.sort(random.permutation(len(first))[:shoppers])
    teach = np.concatenate([np.arange(first[s] + 1, last[s]) for s in chosen])
    begin = np.repeat(first[chosen], last[chosen] - first[chosen] - 1)
    rest = (item, category, random)
    return _table(teach, begin, *rest), _table(last[chosen], first[chosen], *rest)


def categories(folder: Path, items: int) -> NDArray[np.int64]:
    """The category of each item number, int64 [items + 1]; 0 where it has none."""
    known = pq.read_table(folder / "amazon_beauty_item_attributes.parquet")
    lists = known["attribute_ids"].to_pylist()
    count = np.bincount(np.concatenate([np.array(one, np.int64) for one in lists]))
    count[count > COMMON * len(lists)] = 0
    found = np.zeros(items + 1, np.int64)
    for number, attributes in zip(known["item_id"].to_pylist(), lists, strict=True):
        best = max(attributes, key=lambda one: int(count[one]))
        found[number] = best if count[best] else 0
    return found


def _table(
    places: NDArray[np.int64],
    begins: NDArray[np.int64],
    item: NDArray[np.int32],
    category: NDArray[np.int64],
    random: np.random.Generator,
) -> pa.Table:
    """Two rows a place: what was reviewed there, and an item drawn by chance, with the history since `begins`."""
    histories = [item[max(begin, place - LENGTH) : place] for place, begin in zip(places, begins, strict=True)]
    asked = np.stack([item[places], random.choice(item, len(places))], axis=1).ravel()  # by popularity
    kinds = category[asked]
    frequency = np.bincount(kinds)[kinds]
    of_history = [category[one] for one in histories]
    new = [kind not in seen for kind, seen in zip(kinds, [h for h in of_history for _ in range(2)], strict=True)]
    texts = {
        "history_item": [list(map(str, one)) for one in histories for _ in range(2)],
        "history_category": [list(map(str, one)) for one in of_history for _ in range(2)],
        "item": asked.astype(str),
        "category": kinds.astype(str),
    }
    return pa.table(
        {
            **{name: pa.array(values) for name, values in texts.items()},
            "click": np.tile(np.array([1.0, 0.0]), len(places)),
            "new": new,
            "infrequent": frequency < np.median(frequency),
        }
    )
