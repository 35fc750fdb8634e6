"""The features that adcascade's own log offers, unless adcascade.toml declares others."""

from collections.abc import Sequence

from adcascade.features.feature import Feature

HISTORY_LENGTH = 20
QUERY_WORDS = 8


def default_features(context: Sequence[str] = ()) -> tuple[Feature, ...]:
    """The declaration for samples joined from the event log; `context` names further columns of the request.

    Users and queries are hashed, for there are always new ones. `position` is learned as context and
    served as 0, so that a model answers P(click | seen in the first slot).
    """
    return (
        Feature(name="user", side="user", kind="categorical", buckets=1 << 16),
        *(Feature(name=name, side="context", kind="categorical", min_count=2) for name in context),
        Feature(name="device", side="context", kind="categorical"),
        Feature(name="country", side="context", kind="categorical"),
        Feature(name="hour", side="context", kind="categorical"),
        Feature(name="position", side="context", kind="categorical"),
        Feature(name="page_category", side="context", kind="categorical", min_count=2),
        Feature(name="page_department", side="context", kind="categorical"),
        Feature(name="query", side="context", kind="categorical", buckets=1 << 14),
        Feature(name="scenario", side="scenario", kind="categorical"),
        Feature(name="history_ad", side="user", kind="sequence", of="ad", length=HISTORY_LENGTH),
        Feature(name="history_category", side="user", kind="sequence", of="ad_category", length=HISTORY_LENGTH),
        Feature(name="ad", side="ad", kind="categorical", min_count=2),
        Feature(name="campaign", side="ad", kind="categorical", min_count=2),
        Feature(name="advertiser", side="ad", kind="categorical"),
        Feature(name="ad_category", side="ad", kind="categorical"),
        Feature(name="ad_department", side="ad", kind="categorical"),
        Feature(name="brand", side="ad", kind="categorical", min_count=2),
        Feature(name="price", side="ad", kind="numeric", log=True),
        Feature(name="price", side="ad", kind="numeric", log=True, bins=16),
        match("page_category", "ad_category"),
        match("page_department", "ad_department"),
        match("history_category", "ad_category", length=HISTORY_LENGTH),
        match("history_ad", "ad", length=HISTORY_LENGTH),
        match("query", "title", length=QUERY_WORDS, words=True),
    )


def match(left: str, right: str, *, length: int = 1, words: bool = False) -> Feature:
    """What the request's column `left` and the ad's column `right` have in common."""
    return Feature(
        name=f"{left}~{right}", side="pair", kind="match", left=left, right=right, length=length, words=words
    )
