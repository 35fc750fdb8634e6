"""Feature: what a column is, declared once and used alike in training and in serving."""

from typing import Literal

import msgspec

Side = Literal["user", "context", "scenario", "ad", "pair"]
Kind = Literal["categorical", "index", "numeric", "sequence", "vector", "match"]


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the sample table, or of a request, or of an ad.

    user, context and scenario features are known when the request comes: the *request side*, computed
    once per request. ad features belong to the ad and are encoded once per ad, not per request.
    An index is a category that was numbered elsewhere: whole numbers from 0, each its own row of the embeddings.
    """

    name: str  # of the column
    side: Side
    kind: Kind
    buckets: int = 0  # categorical: hash into so many rows, 0: a vocabulary is fitted; index: values are below it
    min_count: int = 1  # categorical with vocabulary: rarer values are "unseen"
    bins: int = 0  # numeric: cut at so many quantiles and embed the bin; 0: a standardised number
    log: bool = False  # numeric: sign(x) * log(1 + |x|) first
    of: str = ""  # sequence: the categorical feature whose rows its items share
    length: int = 0  # sequence: keep the last so many; vector: its width; match: most values of `left` that count
    left: str = ""  # match: a column of the request's side
    right: str = ""  # match: a column of the ad's side
    words: bool = False  # match: compare the words of two texts, not the texts
