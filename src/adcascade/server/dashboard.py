"""The Grafana dashboard, built from the metrics by name. `python -m adcascade.server.dashboard` writes it.

A row a question: is it answering, is it earning, is it right, is it healthy.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from adcascade.cascade import readings as names

FILE = Path("deploy/grafana/adcascade.json")
WIDTH, HEIGHT, ACROSS = 8, 7, 3


class Panel(NamedTuple):
    """A graph. lines: PromQL and the legend of each."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]


def rate(metric: names.Metric, by: str = "") -> str:
    """A counter's rate over five minutes, summed by labels."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric.name}_total[5m]))"


def quantile(q: float, histogram: str, by: str) -> str:
    """A quantile of a histogram over five minutes."""
    return f"histogram_quantile({q}, sum by ({by}, le) (rate({histogram}_bucket[5m])))"


ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Is it answering?",
        (
            Panel(
                "Requests",
                "reqps",
                (("sum by (route, status) (rate(adcascade_http_requests_total[5m]))", "{{route}} {{status}}"),),
            ),
            Panel("Time to answer, p99", "s", ((quantile(0.99, "adcascade_http_seconds", "route"), "{{route}}"),)),
            Panel("Time per stage, p99", "s", ((quantile(0.99, "adcascade_stage_seconds", "stage"), "{{stage}}"),)),
            Panel(
                "Overload ladder",
                "short",
                ((f"max({names.RUNG.name})", "rung"), (rate(names.CLIMBED, "rung"), "reached {{rung}}")),
            ),
            Panel(
                "Shed", "reqps", ((rate(names.SHED), "shed"), (rate(names.DECLINED, "reason"), "declined {{reason}}"))
            ),
            Panel("Stages cut", "reqps", ((rate(names.CUTS, "stage, reason"), "{{stage}} {{reason}}"),)),
        ),
    ),
    (
        "Is it earning?",
        (
            Panel("Charged, micros a second", "short", ((rate(names.CHARGED), "charged"),)),
            Panel(
                "Answers",
                "reqps",
                ((rate(names.AUCTIONS), "answers"), (rate(names.FILLED), "ads"), (rate(names.EXPLORED), "explored")),
            ),
            Panel(
                "Without an ad",
                "reqps",
                (
                    (rate(names.EMPTY, "reason"), "{{reason}}"),
                    ("sum by (reason) (rate(adcascade_no_bids_total[5m]))", "no bid {{reason}}"),
                ),
            ),
            Panel("Win rate", "percentunit", ((f"avg by (scenario) ({names.WIN_RATE.name})", "{{scenario}}"),)),
            Panel(
                "Budget",
                "percentunit",
                ((f"max({names.USED.name})", "used"), (f"max({names.PACING.name})", "pacing error")),
            ),
            Panel(
                "Ledger today, micros",
                "short",
                (
                    (f"max({names.LEASED.name})", "leased"),
                    (f"max({names.BOOKED.name})", "charged"),
                    (f"max({names.SPENT.name})", "paced, spent"),
                    (f"max({names.BUDGET.name})", "paced, budget"),
                ),
            ),
        ),
    ),
    (
        "Is it right?",
        (
            Panel(
                "Predicted clicks over clicks", "short", ((f"avg by (scenario) ({names.PCOC.name})", "{{scenario}}"),)
            ),
            Panel(
                "Clicks of the last hour",
                "short",
                (
                    (f"sum by (scenario) ({names.PREDICTED.name})", "predicted {{scenario}}"),
                    (f"sum by (scenario) ({names.CLICKS.name})", "came {{scenario}}"),
                ),
            ),
            Panel("Live calibration", "short", ((f"avg({names.LIVE.name})", "factor"),)),
            Panel("Candidates", "short", ((rate(names.CANDIDATES, "stage, side"), "{{stage}} {{side}}"),)),
            Panel("Ledger differences", "short", ((f"max({names.DIFFERENCES.name})", "differences"),)),
            Panel("Alarms", "short", ((f"sum by (name, scenario) ({names.ALARM.name})", "{{name}} {{scenario}}"),)),
        ),
    ),
    (
        "Is it healthy?",
        (
            Panel(
                "Events", "ops", (("sum by (kind, status) (rate(adcascade_events_total[5m]))", "{{kind}} {{status}}"),)
            ),
            Panel(
                "Event log",
                "short",
                (
                    (f"max({names.WAITING.name})", "waiting"),
                    (f"max({names.LOST.name}_total)", "lost"),
                    (f"min({names.HEALTHY.name})", "healthy"),
                ),
            ),
            Panel(
                "Shards",
                "short",
                (
                    (f"sum by (shard) ({names.SHARD_UP.name})", "up {{shard}}"),
                    (rate(names.SHARD_ASKED, "shard, outcome"), "{{shard}} {{outcome}}"),
                ),
            ),
            Panel("Shadow bundle", "reqps", ((rate(names.SHADOW, "outcome"), "{{outcome}}"),)),
            Panel("Event lag", "s", ((f"max({names.LAG.name})", "mean of the hour"),)),
            Panel("Catalog", "short", ((f"max({names.ADS.name})", "ads"), (f"max({names.SNAPSHOT.name})", "version"))),
            Panel("Snapshot's age", "s", ((f"max({names.SNAPSHOT_AGE.name})", "age"),)),
            Panel(
                "Promises and failures",
                "short",
                (
                    (f"sum({names.PROMISES.name})", "promises"),
                    ("sum by (route) (rate(adcascade_failures_total[5m]))", "failures {{route}}"),
                ),
            ),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it; its data source is asked for at the import."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS:
        panels.append({"type": "row", "title": title, "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}, "panels": []})
        y += 1
        for place, panel in enumerate(row):
            at = {"x": place % ACROSS * WIDTH, "y": y + place // ACROSS * HEIGHT, "w": WIDTH, "h": HEIGHT}
            panels.append(_graph(panel, at))
        y += -(-len(row) // ACROSS) * HEIGHT
    for number, made in enumerate(panels, 1):
        made["id"] = number
    return {
        "uid": "adcascade",
        "title": "adcascade",
        "tags": ["adcascade"],
        "timezone": "browser",
        "refresh": "30s",
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]
        },
        "panels": panels,
    }


def _graph(panel: Panel, at: dict[str, int]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    targets = [
        {"refId": chr(65 + number), "expr": expression, "legendFormat": legend, "datasource": source}
        for number, (expression, legend) in enumerate(panel.lines)
    ]
    return {
        "type": "timeseries",
        "title": panel.title,
        "gridPos": at,
        "datasource": source,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
    }


def written() -> str:
    """The file's text."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(), "utf-8")
