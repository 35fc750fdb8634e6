"""Traces: one span a request, below it one an auction and one a stage, sent by OpenTelemetry where that is wanted.

A server without `telemetry.endpoint` does nothing of this and imports nothing for it. Whether a request is traced is
our own draw by its trace id (`telemetry.ratio`), whatever the caller's flag says: no caller decides what we pay, and
services with the same ratio agree on the same requests.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from adcascade.errors import ConfigurationError
from adcascade.sections import TelemetrySettings
from adcascade.server.heard import Heard


class Tracing(Protocol):
    """What makes spans of requests. A span is whatever `begin` gives."""

    def begin(self, request: Heard, method: str, headers: Mapping[bytes, bytes]) -> Any:
        """A request came."""
        ...

    def end(self, span: Any, request: Heard, status: int) -> None:
        """Its answer has left."""
        ...

    def close(self) -> None:
        """Send what waits."""
        ...


def open_tracing(settings: TelemetrySettings) -> Tracing | None:
    """As the settings say; None where they name no endpoint. ConfigurationError without the [otel] extra."""
    if not settings.endpoint:
        return None
    try:
        from adcascade.server.otel import otlp_tracing  # noqa: PLC0415  an extra that most servers lack
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "telemetry.endpoint is set, and traces need more packages: pip install 'adcascade[otel]'"
        ) from error
    return otlp_tracing(settings)
