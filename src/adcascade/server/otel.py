"""The spans, by OpenTelemetry; imported only where traces are wanted (server/tracing.py).

Stages measure themselves anyway, so their spans are made after the answer has left, from what it carries. A caller's
`traceparent` is taken up as the parent.
"""

import time
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from adcascade.cascade.answer import Answer
from adcascade.sections import TelemetrySettings
from adcascade.server.heard import Heard


class OtelTracing:
    """Makes the spans of answered requests."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("adcascade")
        self._extract = TraceContextTextMapPropagator().extract

    def begin(self, request: Heard, method: str, headers: Mapping[bytes, bytes]) -> Span:
        """A request came; from here on the engine's answers are kept for `end`, where it is traced."""
        parent = headers.get(b"traceparent")
        context = None if parent is None else self._extract({"traceparent": parent.decode("latin-1")})
        name = f"{method} {request.route}"
        span = self._tracer.start_span(name, context, SpanKind.SERVER, {"http.route": request.route})
        request.trace_id = f"{span.get_span_context().trace_id:032x}"
        if span.is_recording():
            request.answers = []
        return span

    def end(self, span: Span, request: Heard, status: int) -> None:
        """The answer has left."""
        if not span.is_recording():
            return
        span.set_attribute("http.response.status_code", status)
        to_epoch = time.time_ns() - time.perf_counter_ns()
        for answer in request.answers or ():
            self._auction(span, answer, to_epoch)
        span.end()

    def _auction(self, parent: Span, answer: Answer, to_epoch: int) -> None:
        """The auction and its stages, in the order in which they ran; times are nanoseconds of perf_counter."""
        marks = answer.marks
        if marks is None:
            span = self._tracer.start_span("declined", set_span_in_context(parent))
            span.set_attribute("adcascade.no_bid_reason", answer.no_bid_reason)
            span.end()
            return
        whole = self._tracer.start_span("auction", set_span_in_context(parent), start_time=marks.began + to_epoch)
        whole.set_attribute("adcascade.winners", len(answer.winners))
        if answer.no_bid_reason:
            whole.set_attribute("adcascade.no_bid_reason", answer.no_bid_reason)
        within = set_span_in_context(whole)

        def part(name: str, start: int, stop: int, told: Mapping[str, int | str]) -> int:
            span = self._tracer.start_span(name, within, attributes=dict(told), start_time=start + to_epoch)
            span.end(stop + to_epoch)
            return stop

        at = part("features", marks.began, marks.featured, {})
        for step in answer.steps:
            told: dict[str, int | str] = {"adcascade.entered": len(step.entered), "adcascade.left": len(step.left)}
            if step.cut:
                told["adcascade.cut"] = step.cut
            at = part(step.name, at, at + step.elapsed_ns, told)
        part("money", min(at, marks.sealed), marks.sealed, {})
        part("log", marks.sealed, marks.logged, {})
        whole.end(marks.logged + to_epoch)

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()


def tracing_to(exporter: SpanExporter, settings: TelemetrySettings) -> OtelTracing:
    """Traces in batches to an exporter."""
    ours = TraceIdRatioBased(settings.ratio)
    sampler = ParentBased(ours, remote_parent_sampled=ours, remote_parent_not_sampled=ours)
    provider = TracerProvider(sampler, Resource.create({"service.name": settings.service}))
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    return OtelTracing(provider)


def otlp_tracing(settings: TelemetrySettings) -> OtelTracing:
    """Traces sent to `settings.endpoint` by OTLP over HTTP."""
    return tracing_to(OTLPSpanExporter(endpoint=f"{settings.endpoint.rstrip('/')}/v1/traces"), settings)
