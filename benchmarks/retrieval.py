"""Retrieval at size: recall@100 and time of the live index with a bitmap filter, beside an exact scan and faiss alone.

    python benchmarks/retrieval.py [--ads 200000] [--width 32] [--queries 200]

Vectors lie in two levels of clusters, queries blend three of them; one thread; times are CPU time of the thread, so
that neighbours do not matter.
"""

import argparse
import platform
import time
from collections.abc import Callable

import faiss
import numpy as np

from adcascade.catalog import Ad, Advertiser, Campaign, Targeting
from adcascade.catalog.bitmaps import pack
from adcascade.catalog.changes import Changes
from adcascade.catalog.snapshot import Snapshot
from adcascade.contracts import AdRequest, Slot
from adcascade.retrieval.index import AdIndex, Bits, Floats, IndexConfig

K = 100
Search = Callable[[Floats, Bits], np.ndarray]


def clustered(n: int, width: int, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Ads [n, width] of length 1 around 2000 centres, which lie around 50; and the centres."""
    high = random.standard_normal((50, width))
    centres = high[random.integers(50, size=2000)] + 0.6 * random.standard_normal((2000, width))
    ads = centres[random.integers(2000, size=n)] + 0.4 * random.standard_normal((n, width))
    return unit(ads), unit(centres)


def unit(vectors: np.ndarray) -> Floats:
    """The same directions, length 1."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def queries_of(centres: Floats, n: int, random: np.random.Generator) -> Floats:
    """Blends [n, width] of three centres each."""
    return unit(centres[random.integers(len(centres), size=(n, 3))].mean(axis=1))


def timed(search: Search, queries: Floats, bits: Bits) -> tuple[list[np.ndarray], np.ndarray]:
    """What each query found, and its time in microseconds."""
    search(queries[0], bits)
    found, spent = [], []
    for query in queries:
        start = time.thread_time()
        found.append(search(query, bits))
        spent.append((time.thread_time() - start) * 1e6)
    return found, np.array(spent)


def faiss_flat(vectors: Floats) -> Search:
    """faiss' exact index with the same filter: the peer."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)

    def search(query: Floats, bits: Bits) -> np.ndarray:
        selector = faiss.IDSelectorBitmap(bits)
        return index.search(query[None], K, params=faiss.SearchParameters(sel=selector))[1][0]

    return search


def ours(vectors: Floats, config: IndexConfig) -> tuple[AdIndex, float]:
    """The index, and the seconds that building it took."""
    start = time.thread_time()
    index = AdIndex(vectors.shape[1], config)
    index.build(np.arange(len(vectors), dtype=np.int32), vectors)
    return index, time.thread_time() - start


def search_table(vectors: Floats, queries: Floats, random: np.random.Generator) -> None:
    """Recall and time by index and by the share of ads that the filter keeps."""
    n = len(vectors)
    built = {
        "AdIndex exact": ours(vectors, IndexConfig(exact_up_to=n)),
        "AdIndex IVF,SQ8, 1/32 probed": ours(vectors, IndexConfig(exact_up_to=10_000, probes=64)),
        "AdIndex IVF,SQ8 (default)": ours(vectors, IndexConfig()),
    }
    print(f"{'index':32}{'filter':>8}{'recall@100':>12}{'p50 us':>9}{'p99 us':>9}{'build s':>9}")
    for share in (1.0, 0.5, 0.1):
        bits = pack(random.random(n) < share)
        truth, spent = timed(faiss_flat(vectors), queries, bits)
        report("faiss IndexFlatIP", share, 1.0, spent, 0.0)
        for name, (index, seconds) in built.items():

            def search(query: Floats, bits: Bits, index: AdIndex = index) -> np.ndarray:
                return index.search(query, K, bits)[0]

            found, spent = timed(search, queries, bits)
            recall = np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)])
            report(name, share, float(recall), spent, seconds)
    live_table(built["AdIndex IVF,SQ8 (default)"][0], vectors, random)


def report(name: str, share: float, recall: float, spent: np.ndarray, seconds: float) -> None:
    """One line."""
    p50, p99 = np.percentile(spent, [50, 99])
    print(f"{name:32}{share:8.0%}{recall:12.3f}{p50:9.0f}{p99:9.0f}{seconds:9.1f}")


def live_table(index: AdIndex, vectors: Floats, random: np.random.Generator) -> None:
    """Time of a live replacement and of a removal, one ad at a time."""
    rows = random.choice(len(vectors), 1000, replace=False).astype(np.int32)
    start = time.thread_time()
    for row in rows:
        index.add(np.array([row], np.int32), vectors[[row]])
    middle = time.thread_time()
    for row in rows:
        index.remove(np.array([row], np.int32))
    end = time.thread_time()
    print(f"live, IVF,SQ8: replace {(middle - start) * 1e3:.0f} us, remove {(end - middle) * 1e3:.0f} us an ad")


def eligibility_table(n: int) -> None:
    """Time of Snapshot.eligible over n ads of n / 50 campaigns, a third of them targeted."""
    snapshot = Snapshot()
    targeting = [Targeting(), Targeting(), Targeting(scenarios=("home",), countries=("DE", "FR"))]
    campaigns = [Campaign(id=f"c{i}", advertiser="v", targeting=targeting[i % 3]) for i in range(n // 50)]
    ads = [(i, Ad(id=f"a{i}", campaign=f"c{i % len(campaigns)}", category=f"d{i % 20}/c{i % 400}")) for i in range(n)]
    start = time.thread_time()
    snapshot.apply(Changes(version=1, advertisers=[Advertiser(id="v")], campaigns=campaigns, ads=ads))
    print(f"\nSnapshot of {n:,} ads: apply all {time.thread_time() - start:.1f} s")
    plain = {"scenario": "home", "device": "phone", "country": "DE", "category": "d3/c3"}
    asked = {
        "plain": plain,
        "with a query": {**plain, "query": "red running shoe"},
        "blocking a department": {**plain, "blocked_categories": ("d3",)},
        "naming 20 products": {**plain, "products": tuple(f"p{i}" for i in range(20))},
    }
    for name, fields in asked.items():
        request = AdRequest(id="r", time_us=0, slots=(Slot(id="s"),), **fields)  # type: ignore[arg-type]
        spent = [_microseconds(lambda request=request: snapshot.eligible(request, 0)) for _ in range(500)]
        print(f"  eligible, {name:24} p50 {np.percentile(spent, 50):5.0f} us, p99 {np.percentile(spent, 99):5.0f} us")


def _microseconds(call: Callable[[], object]) -> float:
    start = time.thread_time()
    call()
    return (time.thread_time() - start) * 1e6


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ads", type=int, default=200_000)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--queries", type=int, default=200)
    given = parser.parse_args()
    faiss.omp_set_num_threads(1)
    random = np.random.default_rng(0)
    print(f"{platform.processor() or platform.machine()}, faiss {faiss.__version__}, numpy {np.__version__}, 1 thread")
    print(f"{given.ads:,} ads of width {given.width}, {given.queries} queries\n")
    vectors, centres = clustered(given.ads, given.width, random)
    search_table(vectors, queries_of(centres, given.queries, random), random)
    eligibility_table(given.ads // 2)


if __name__ == "__main__":
    main()
