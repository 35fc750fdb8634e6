"""Metrics: what a Prometheus server may scrape, kept per app and not per process."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from adcascade.cascade.readings import METRICS, Reading
from adcascade.server.timings import Cell, Timings

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
WORDS = 64  # distinct reasons kept apart; what a backend says beyond them counts as "other"


class Told(Collector):
    """The engine's readings, as it told them last."""

    def __init__(self) -> None:
        self.readings: Iterable[Reading] = ()

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Every metric with its values; one that has none is named all the same."""
        kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
        families = {m.name: kinds[m.kind](m.name, m.meaning, labels=m.labels) for m in METRICS}
        for metric, labels, value in self.readings:
            families[metric.name].add_metric(labels, value)
        yield from families.values()


class Metrics:
    """Counters and histograms of one server. Labels are few and never come from a caller."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._requests = Counter(
            "adcascade_http_requests", "Requests by route and status", ("route", "status"), registry=registry
        )
        self._seconds = Timings("adcascade_http_seconds", "Time to answer", "route", SECONDS)
        registry.register(self._seconds)
        self._no_bids = Counter(
            "adcascade_no_bids", "Unfilled requests and bids withheld, by reason", ("reason",), registry=registry
        )
        self._events = Counter(
            "adcascade_events", "Reported events by kind and outcome", ("kind", "status"), registry=registry
        )
        self._failures = Counter("adcascade_failures", "Unexpected exceptions, by route", ("route",), registry=registry)
        self._notices = Counter("adcascade_notices", "Win and loss notices", ("kind", "code"), registry=registry)
        self._stages = Timings("adcascade_stage_seconds", "Time per stage", "stage", SECONDS)
        registry.register(self._stages)
        self._bundle = Gauge("adcascade_bundle", "1 for the bundle that answers", ("version",), registry=registry)
        self._told = Told()
        registry.register(self._told)
        self._answered: dict[tuple[str, int], tuple[Counter, Cell]] = {}
        self._reasons: dict[str, Counter] = {}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        key = (route, status)
        pair = self._answered.get(key)
        if pair is None:
            pair = self._answered[key] = (self._requests.labels(route, str(status)), self._seconds.of(route))
        pair[0].inc()
        pair[1].observe(seconds)

    def no_bid(self, reason: str) -> None:
        """A request or a bid came to nothing."""
        counter = self._reasons.get(reason)
        if counter is None:
            if len(self._reasons) >= WORDS:
                self._no_bids.labels("other").inc()
                return
            counter = self._reasons[reason] = self._no_bids.labels(reason[:64] or "unknown")
        counter.inc()

    def event(self, kind: str, status: str) -> None:
        """One event was accepted, known already, or rejected."""
        self._events.labels(kind, status).inc()

    def failed(self, route: str) -> None:
        """Something raised what nobody expected."""
        self._failures.labels(route).inc()

    def notice(self, kind: str, code: str = "") -> None:
        """An exchange told the fate of a bid."""
        self._notices.labels(kind, code).inc()

    def stages(self, answer: object) -> None:
        """Time per stage of one auction, where the engine's answer tells it as `stage_us` (microseconds)."""
        told: Mapping[str, int] = getattr(answer, "stage_us", None) or {}
        for stage, us in told.items():
            self._stages.of(stage).observe(us * 1e-6)

    def exposition(self, bundle_version: str, told: Iterable[Reading] = ()) -> bytes:
        """All of it in the text format, with what the engine told."""
        self._told.readings = told
        self._bundle.clear()
        self._bundle.labels(bundle_version or "none").set(1)
        return generate_latest(self.registry)
