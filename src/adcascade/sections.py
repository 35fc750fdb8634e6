"""Sections of the settings: what all tables of adcascade.toml have in common, and those for operators."""

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A table of adcascade.toml; an unknown key is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AlarmSettings(Section):
    """When an operator is told that something is wrong (docs/operations.md)."""

    surprise: float = Field(
        default=5.0, gt=0, description="standard deviations beyond which a rate is no chance; 5 is one in a million"
    )
    calibration_ratio: float = Field(
        default=1.25, gt=1, description="predicted clicks over clicks, or the other way round, per scenario"
    )
    calibration_s: float = Field(
        default=3600.0, ge=120, description="of traffic that calibration is judged by; and by a day's"
    )
    win_ratio: float = Field(default=0.6, gt=0, lt=1, description="share of answered ads seen, of that of before")
    win_s: float = Field(default=900.0, ge=120, description="of traffic that is compared with the six windows before")
    overspend: float = Field(default=0.1, gt=0, description="share of the day's budgets spent ahead of the plan")
    underspend: float = Field(default=0.3, gt=0, description="share of the day's budgets behind it, while held back")
    overload_share: float = Field(default=0.05, gt=0, description="share of requests shed, over five minutes")
    audit_s: float = Field(default=600.0, ge=0, description="the ledger is recomputed so often; 0: never")


class TelemetrySettings(Section):
    """OpenTelemetry traces, with the [otel] extra."""

    endpoint: str = Field(default="", description="OTLP over HTTP, such as http://127.0.0.1:4318; empty: no traces")
    ratio: float = Field(default=0.01, ge=0, le=1, description="share of requests that are traced")
    service: str = Field(default="adcascade", description="service.name of the traces")
