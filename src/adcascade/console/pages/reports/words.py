"""The words of a report's address: which of them make its question, and the question as a sentence.

A saved view keeps them all, those too that the visitor left as they were, so that it asks the same whatever a later
version takes for granted. A period is "the last 28 days" unless a last day was chosen.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from adcascade.access.keys import Key
from adcascade.console.pages.reports.question import (
    COMPARED,
    DAYS,
    GRAINS,
    METRIC,
    RULES,
    chosen_metrics,
    unknown_metrics,
    values_of,
)
from adcascade.reports.columns import BY_NAME as DIMENSIONS
from adcascade.reports.metrics import BY_NAME as METRICS

VIEW = "view"  # names the saved view that an address was opened from


def words_of(query: Mapping[str, str], key: Key) -> dict[str, str]:
    """What a view of this key keeps of an address: every field, and all metrics, those too that are not known here."""
    named = (*chosen_metrics(query, of_ads=bool(key.advertisers)), *unknown_metrics(query))
    return values_of(query) | {f"{METRIC}{name}": "yes" for name in named}


def address_of(words: Mapping[str, str], view_id: str = "") -> str:
    """Where the page asks this."""
    return f"/reports?{urlencode({**words, **({VIEW: view_id} if view_id else {})})}"


def query_of(text: str) -> dict[str, str]:
    """The words of what stands behind an address's question mark."""
    return dict(parse_qsl(text, keep_blank_values=True))


def scope_of(words: Mapping[str, str], key: Key) -> tuple[str, ...]:
    """The advertisers that the question tells of when this key asks it; none: the whole house."""
    return (words["is"],) if words.get("where") == "advertiser" else key.advertisers


def sentence_of(words: Mapping[str, str]) -> str:
    """What is asked, in words; what this version does not know stands as it is written.

    >>> sentence_of({"by": "campaign", "days": "28", "grain": "day", "metric_ctr": "yes"})
    'CTR by Campaign and Day, the last 28 days'
    """
    values = values_of(words)
    metrics = [word.removeprefix(METRIC) for word in words if word.startswith(METRIC)]
    told = ", ".join(METRICS[name].label if name in METRICS else name for name in metrics) or "The usual figures"
    by = [_dimension(values[name]) for name in ("by", "also") if values[name]]
    by += [GRAINS.get(values["grain"], values["grain"])] if values["grain"] else []
    told += f" by {' and '.join(by)}" if by else ""
    told += f", {_period(values['days'], values['until'])}"
    if values["where"]:
        told += f", where {_dimension(values['where'])} is {values['is']}"
    if values["compare"]:
        told += f", beside {COMPARED.get(values['compare'], values['compare']).lower()}"
    if values["rule"] != "named":
        told += f", credited by {RULES.get(values['rule'], values['rule']).lower()}"
    return told


def _period(days: str, until: str) -> str:
    told = DAYS.get(days, days)
    if until:
        return f"{told} until {until}"
    return "today" if days == "1" else f"the last {told}"


def _dimension(name: str) -> str:
    return DIMENSIONS[name].label if name in DIMENSIONS else name
