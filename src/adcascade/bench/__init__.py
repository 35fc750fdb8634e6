"""Benchmarks as a product: what a hot path costs beside a peer, above a floor, and whether a bar holds.

The hot paths themselves lie in the folder `benchmarks/` of a checkout, one file each; this room knows what a row is,
how rounds alternate, where peers are installed, and how tables, JSON and docs/performance.md are written.
"""

from adcascade.bench.row import Bar, Row

__all__ = ["Bar", "Row"]
