"""Retrieval by vectors: queries a second, build, filter and live changes of the index, beside hnswlib at equal recall.

Three sets of vectors: those that our own two towers, trained on the simulated market, give to many ads and to
requests; two levels of clusters; and none, 24 latent dimensions with noise. Both indices read as little as brings the
wanted recall of the exact best 100. One thread, CPU time, one query at a time.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import faiss
import numpy as np
import pyarrow as pa
import torch

from adcascade.bench.peers import PeerAbsentError, ask_peer
from adcascade.bench.rounds import alternate, figure, rates
from adcascade.bench.row import Bar, Row
from adcascade.catalog.bitmaps import pack
from adcascade.features import Encoder
from adcascade.features.defaults import default_features
from adcascade.learning.loop import Training, gather
from adcascade.market import Market, MarketConfig, PageViews
from adcascade.market.arrays import Flags, Ints
from adcascade.retrieval.index import AdIndex
from adcascade.retrieval.inverted_file import IndexConfig
from adcascade.retrieval.searcher import Bits, Floats
from adcascade.retrieval.two_tower import TwoTowerLearner

K = 100
PEER = Path(__file__).parent / "peers" / "hnswlib_search.py"
TICKS = range(60, 65)  # of the market, that teach
Columns = dict[str, Any]


class Vectors(NamedTuple):
    """What is searched among, and by what."""

    ads: Floats  # [N, width]
    queries: Floats  # [Q, width]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Sizes."""
    parser.add_argument("--ads", type=int, default=200_000, help="of the trained set")
    parser.add_argument("--synthetic", type=int, default=100_000, help="vectors of the other two sets")
    parser.add_argument("--width", type=int, default=64, help="of the other two sets")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)


def run(given: argparse.Namespace) -> list[Row]:
    """The three sets."""
    faiss.omp_set_num_threads(1)
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    rows = set_rows("trained", trained(given.ads, given.queries, random), (0.93, 2.0), given, whole=True)
    clusters = clustered(given.synthetic, given.width, given.queries, random)
    rows += set_rows("clustered", clusters, (0.93, 2.0), given, whole=False)
    flat = unclustered(given.synthetic, given.width, given.queries, random)
    return rows + set_rows("unclustered", flat, (0.95, 0.9), given, whole=False)


def unit(vectors: np.ndarray) -> Floats:
    """The same directions, length 1."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clustered(n: int, width: int, queries: int, random: np.random.Generator) -> Vectors:
    """Around 2000 centres, which lie around 50; a query blends three centres."""
    high = random.standard_normal((50, width))
    centres = high[random.integers(50, size=2000)] + 0.6 * random.standard_normal((2000, width))
    ads = centres[random.integers(2000, size=n)] + 0.4 * random.standard_normal((n, width))
    return Vectors(unit(ads), unit(unit(centres)[random.integers(2000, size=(queries, 3))].mean(axis=1)))


def unclustered(n: int, width: int, queries: int, random: np.random.Generator) -> Vectors:
    """24 latent dimensions, seen through a random matrix and noise; queries are drawn alike."""
    seen = random.standard_normal((24, width))
    both = random.standard_normal((n + queries, 24)) @ seen + random.standard_normal((n + queries, width))
    return Vectors(unit(both[:n]), unit(both[n:]))


def trained(n: int, queries: int, random: np.random.Generator) -> Vectors:
    """From two towers that learned the market: of n ads, put together from the market's own, and of page views."""
    market = Market(MarketConfig(ads=8_000, campaigns=1_000, advertisers=300, views_per_tick=20_000), seed=0)
    views, ads, clicks = lived(market)
    shown = np.flatnonzero((clicks | (random.random(clicks.shape) < 0.1)) & (ads >= 0))  # of what was shown, a tenth
    place, slot = np.divmod(shown, ads.shape[1])
    history = histories(views, ads, clicks)
    known = ad_columns(market, ads[place, slot], ads[place, slot])
    learned = request_columns(market, views.take(place), [history[one] for one in place.tolist()])
    table = pa.table({**learned, **known, "position": slot.astype(str), "click": clicks[place, slot].astype("f4")})
    features = [one for one in default_features() if one.kind != "match" and one.name in table.column_names]
    encoder = Encoder.fit(features, [table])
    learner = TwoTowerLearner(encoder, training=Training(epochs=2, batch_size=2048, rate=2e-3, embedding_dropout=0.3))
    learner.fit(lambda: [table])
    learner.model.eval()
    own, other = random.integers(len(market.ads), size=(2, n))
    asked = np.arange(len(views) - queries, len(views))
    requests = request_columns(market, views.take(asked), [history[one] for one in asked.tolist()])
    with torch.no_grad():
        user = gather(learner.table, encoder.encode(requests, queries), learner.model.shape).user
        items = ad_columns(market, own, other)
        ad = gather(learner.table, encoder.encode(items, n), learner.model.shape).ads
        return Vectors(learner.model.ad_vector(ad).numpy(), learner.model.request_vector(user).numpy())


def lived(market: Market) -> tuple[PageViews, Ints, Flags]:
    """Views of some ticks, what was shown by chance, and what was clicked."""
    parts, slates, clicks = [], [], []
    for tick in TICKS:
        views = market.views(tick)
        ads, _ = market.uniform_slates(views, tick)
        parts.append(views)
        slates.append(ads)
        clicks.append(market.respond(views, ads).clicks)
    return PageViews.concatenate(parts), np.concatenate(slates), np.concatenate(clicks)


def histories(views: PageViews, ads: Ints, clicks: Flags) -> list[list[int]]:
    """The ads that each view's shopper had clicked before, oldest first."""
    before: dict[int, list[int]] = {}
    found = []
    for user, slate, clicked in zip(views.user.tolist(), ads, clicks, strict=True):
        seen = before.get(user, [])
        found.append(seen)
        if clicked.any():
            before[user] = [*seen, *slate[clicked].tolist()][-20:]
    return found


def ad_columns(market: Market, own: Ints, other: Ints) -> Columns:
    """Of ads with campaign and category of `own`, and brand, price and number of `other`."""
    ads = market.ads
    paths = np.array(market.tree.paths)[ads.category[own]]
    return {
        "ad": np.char.add("a", np.where(own == other, own, -1).astype(str)),
        "campaign": np.char.add("c", ads.campaign[own].astype(str)),
        "advertiser": np.char.add("v", ads.advertiser[own].astype(str)),
        "ad_category": paths,
        "ad_department": np.char.partition(paths, "/")[:, 0],
        "brand": np.char.add("b", ads.advertiser[other].astype(str)),
        "price": ads.price_micros[other] / 1e6,
    }


def request_columns(market: Market, views: PageViews, history: list[list[int]]) -> Columns:
    """What a page tells of its views, by number."""
    categories = np.array(market.tree.paths)[market.ads.category].tolist()
    lists = pa.list_(pa.string())
    return {
        "user": np.char.add("u", views.user.astype(str)),
        "device": views.device.astype(str),
        "country": views.country.astype(str),
        "hour": (views.tick // 6 % 24).astype(str),
        "page_category": views.category.astype(str),
        "scenario": views.scenario.astype(str),
        "history_ad": pa.array([[f"a{ad}" for ad in one] for one in history], lists),
        "history_category": pa.array([[categories[ad] for ad in one] for one in history], lists),
    }


def set_rows(
    name: str, vectors: Vectors, bars: tuple[float, float], given: argparse.Namespace, *, whole: bool
) -> list[Row]:
    """Of one set: speed at equal recall, at our own choice of lists, and, if `whole`, build, filter, live changes."""
    wanted, least = bars
    exact = np.stack([np.argsort(-(vectors.ads @ query), kind="stable")[:K] for query in vectors.queries])
    start = time.thread_time()
    index = AdIndex(vectors.ads.shape[1], IndexConfig(exact_up_to=0))
    index.build(np.arange(len(vectors.ads), dtype=np.int32), vectors.ads)
    built = time.thread_time() - start
    everything = np.full(-(-len(vectors.ads) // 8), 255, np.uint8)
    chosen = index.probes
    own = recall_of(index, vectors, everything, exact)
    fewest = fewest_probes(index, vectors, everything, exact, wanted)
    calls = {}
    for says, probes in (("equal", fewest), ("own", chosen)):
        calls[says] = searching(index, vectors, everything, probes)
    spent = alternate(calls, rounds=given.rounds)
    peer = peer_of(vectors, exact, (wanted, own), whole=whole)
    rows = []
    for place, (says, recall, probes) in enumerate((("equal", wanted, fewest), ("own", own, chosen))):
        speed = figure(rates(spent[says], len(vectors.queries)))
        beside = peer["found"][place] if peer else None
        rows.append(
            Row(
                name=f"{name}, recall {recall:.3f}" + (", as AdIndex chooses" if says == "own" else ""),
                value=speed.median,
                spread=speed.spread,
                unit="queries/s",
                peer="hnswlib",
                peer_value=figure(rates(beside["seconds"], len(vectors.queries))).median if beside else None,
                bar=Bar(of="ratio", least=least) if says == "equal" else None,
                note=f"{probes} of {index.lists} lists" + (f", hnswlib ef {beside['ef']}" if beside else ""),
            )
        )
    rows.append(
        Row(name=f"{name}, recall as AdIndex chooses", value=own, unit="share", bar=Bar(of="value", least=wanted))
    )
    return rows + (whole_rows(index, vectors, built, peer, given.rounds) if whole else [])


def recall_of(index: AdIndex, vectors: Vectors, bits: Bits, exact: np.ndarray) -> float:
    """Share of the exact best that is found."""
    found = [index.search(query, K, bits)[0] for query in vectors.queries]
    return float(np.mean([np.isin(one, other).mean() for one, other in zip(exact, found, strict=True)]))


def fewest_probes(index: AdIndex, vectors: Vectors, bits: Bits, exact: np.ndarray, recall: float) -> int:
    """The fewest lists that reach the recall, by halving."""
    low, high = 0, index.lists
    while high - low > 1:
        index.probes = (low + high) // 2
        if recall_of(index, vectors, bits, exact) < recall:
            low = index.probes
        else:
            high = index.probes
    return high


def searching(index: AdIndex, vectors: Vectors, bits: Bits, probes: int) -> Callable[[], object]:
    """All queries one by one, reading so many lists."""

    def search() -> None:
        index.probes = probes
        for query in vectors.queries:
            index.search(query, K, bits)

    return search


def peer_of(vectors: Vectors, exact: np.ndarray, recalls: tuple[float, float], *, whole: bool) -> dict[str, Any] | None:
    """What hnswlib says, or None where it is not installed; `whole`: built by one thread, and changed live."""
    with tempfile.TemporaryDirectory() as name:
        order: dict[str, object] = {"recalls": recalls, "threads": 1 if whole else 2, "live": whole}
        for part, array in (("vectors", vectors.ads), ("queries", vectors.queries), ("exact", exact)):
            np.save(Path(name) / f"{part}.npy", array)
            order[part] = str(Path(name) / f"{part}.npy")
        try:
            return ask_peer(PEER, order)
        except PeerAbsentError:
            return None


def whole_rows(index: AdIndex, vectors: Vectors, built: float, peer: dict[str, Any] | None, rounds: int) -> list[Row]:
    """Build, a filter that keeps one of ten, and live changes."""
    beside = peer or {"build_s": None, "add_us": None, "remove_us": None, "filtered_us": None}
    kept = np.random.default_rng(1).random(len(vectors.ads)) < 0.1
    some, everything = pack(kept), np.full(-(-len(kept) // 8), 255, np.uint8)
    same = max(round(index.probes * np.sqrt(kept.mean())), 1)  # the index itself reads more lists under a filter
    spent = alternate(
        {
            "filtered": searching(index, vectors, some, same),
            "unfiltered": searching(index, vectors, everything, index.probes),
            "chosen": searching(index, vectors, some, index.probes),
        },
        rounds=rounds,
    )
    us = {says: figure([1e6 * second / len(vectors.queries) for second in seconds]) for says, seconds in spent.items()}
    rows = np.random.default_rng(2).choice(len(kept), 1000, replace=False).astype(np.int32)
    changed = alternate(
        {
            "remove": lambda: [index.remove(rows[[place]]) for place in range(len(rows))],
            "add": lambda: [index.add(rows[[place]], vectors.ads[rows[[place]]]) for place in range(len(rows))],
            "remove many": lambda: index.remove(rows),
            "add many": lambda: index.add(rows, vectors.ads[rows]),
        },
        rounds=3,
    )
    live = {says: figure([1e6 * second / len(rows) for second in seconds]) for says, seconds in changed.items()}
    return [
        Row(
            name="trained, build",
            value=built,
            unit="s",
            peer="hnswlib",
            peer_value=beside["build_s"],
            turned=True,
            bar=Bar(of="ratio", least=4),
        ),
        *(
            Row(name=name, value=us[key].median, spread=us[key].spread, unit="us", **more)
            for name, key, more in (
                (
                    "trained, a filter that keeps 10 %, the same lists",
                    "filtered",
                    {"peer": "without the filter", "peer_value": us["unfiltered"].median, "turned": False}
                    | {"bar": Bar(of="ratio", most=2)},
                ),
                (
                    "trained, a filter that keeps 10 %, as AdIndex chooses",
                    "chosen",
                    {"peer": "hnswlib, filter a Python callable", "peer_value": beside["filtered_us"], "turned": True},
                ),
            )
        ),
        *(
            Row(
                name=f"trained, {says}",
                value=live[key].median,
                spread=live[key].spread,
                unit="us an ad",
                peer="hnswlib" if peer_key else "",
                peer_value=beside[peer_key] if peer_key else None,
                turned=True,
            )
            for says, key, peer_key in (
                ("replace one", "add", "add_us"),
                ("remove one", "remove", "remove_us"),
                ("replace, of a thousand at once", "add many", ""),
                ("remove, of a thousand at once", "remove many", ""),
            )
        ),
    ]
