"""hnswlib over given vectors: build, search at the fewest candidates (ef) that reach a recall, replace, filter.

    hnswlib_search.py '{"vectors": F.npy, "queries": F.npy, "exact": F.npy, "recall": 0.93, "threads": 1, "live": true}'

exact: the true best rows of each query, [Q, k]. All times but a build by several threads are CPU time of one thread.
"""

import json
import sys
import time

import numpy as np

try:
    import hnswlib
except ImportError:
    print("hnswlib is not installed", file=sys.stderr)
    sys.exit(3)

ROUNDS = 5
LINKS, CONSTRUCTION = 16, 200


def main() -> None:
    """One order."""
    order = json.loads(sys.argv[1])
    vectors, queries, exact = (np.load(order[name]) for name in ("vectors", "queries", "exact"))
    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors) + 1, M=LINKS, ef_construction=CONSTRUCTION, allow_replace_deleted=True)
    index.set_num_threads(1)
    start = time.thread_time()
    index.add_items(vectors, np.arange(len(vectors)), num_threads=order["threads"])
    built = time.thread_time() - start
    answer = {"build_s": built if order["threads"] == 1 else None, "found": []}
    for recall in order["recalls"]:
        ef = fewest(index, queries, exact, recall)
        index.set_ef(ef)
        seconds = [search(index, queries, exact.shape[1])[1] for _ in range(ROUNDS)]
        answer["found"].append({"ef": ef, "recall": recall_of(index, queries, exact), "seconds": seconds})
    if order["live"]:
        answer |= live(index, vectors, queries)
    print(json.dumps(answer))


def fewest(index: "hnswlib.Index", queries: np.ndarray, exact: np.ndarray, recall: float) -> int:
    """The smallest ef that reaches the recall, by halving."""
    low, high = exact.shape[1] - 1, 2 * exact.shape[1]
    while reached(index, high, queries, exact) < recall and high < 50_000:
        low, high = high, 2 * high
    while high - low > max(low // 50, 1):
        middle = (low + high) // 2
        if reached(index, middle, queries, exact) < recall:
            low = middle
        else:
            high = middle
    return high


def reached(index: "hnswlib.Index", ef: int, queries: np.ndarray, exact: np.ndarray) -> float:
    """Recall with ef candidates."""
    index.set_ef(ef)
    return recall_of(index, queries, exact)


def recall_of(index: "hnswlib.Index", queries: np.ndarray, exact: np.ndarray) -> float:
    """Share of the exact rows that are found."""
    found, _ = search(index, queries, exact.shape[1])
    return float(np.mean([np.isin(one, other).mean() for one, other in zip(exact, found, strict=True)]))


def search(index: "hnswlib.Index", queries: np.ndarray, k: int) -> tuple[list[np.ndarray], float]:
    """The rows found for each query, asked one by one, and the seconds."""
    start = time.thread_time()
    found = [index.knn_query(query[None], k, num_threads=1)[0][0] for query in queries]
    return found, time.thread_time() - start


def live(index: "hnswlib.Index", vectors: np.ndarray, queries: np.ndarray) -> dict[str, float]:
    """Microseconds of a removal, of a replacement, and of a query whose filter, a callable, keeps one of ten."""
    rows = np.random.default_rng(0).choice(len(vectors), 300, replace=False)
    start = time.thread_time()
    for row in rows:
        index.mark_deleted(row)
    marked = time.thread_time()
    for row in rows:
        index.add_items(vectors[[row]], [row], num_threads=1, replace_deleted=True)
    replaced = time.thread_time()
    some = queries[:20]
    for query in some:
        index.knn_query(query[None], 100, num_threads=1, filter=lambda row: row % 10 == 0)
    return {
        "remove_us": (marked - start) / len(rows) * 1e6,
        "add_us": (replaced - marked) / len(rows) * 1e6,
        "filtered_us": (time.thread_time() - replaced) / len(some) * 1e6,
    }


if __name__ == "__main__":
    main()
