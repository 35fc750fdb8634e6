"""Settings: one object, read once from `adcascade.toml` in the working directory and from the environment.

An environment variable wins over the file: `ADCASCADE_AUCTION__RULE=first_price`. Paths are relative to
the working directory. Below the shells nobody reads settings; they are passed on as plain arguments.
"""

import os
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from adcascade.errors import ConfigurationError
from adcascade.sections import (
    AccessSettings,
    AlarmSettings,
    AttributionSettings,
    ConsoleSettings,
    MoneySettings,
    OpenrtbSettings,
    PrivacySettings,
    Section,
    ShardingSettings,
    SupervisionSettings,
    TelemetrySettings,
    TrafficSettings,
    TrainSettings,
)

FILE = "adcascade.toml"


class Storage(Section):
    """Where things lie."""

    catalog: str = Field(
        default="sqlite:///catalog.db", description="SQLAlchemy URL; PostgreSQL with the [postgres] extra"
    )
    journal: Path = Field(default=Path("journal.db"), description="the durable event log with the ledger")
    sealed: Path = Field(default=Path("sealed"), description="old hours of the log as Parquet")
    bundles: Path = Field(default=Path("bundles"), description="folder of all bundles")
    images: Path = Field(
        default=Path("images"), description="folder of what serving processes share: the catalog, and each bundle's ads"
    )
    images_from: int = Field(
        default=50_000, ge=0, description="ads from which images are made; of fewer, every process reads its own"
    )
    supervision: Path = Field(
        default=Path("supervision"), description="folder of the teachers and of what they said of logged impressions"
    )


class Server(Section):
    """The HTTP shell."""

    host: str = Field(default="127.0.0.1", description="address to listen at")
    port: int = Field(default=8080, ge=0, le=65535, description="port to listen at")
    public_url: str = Field(default="", description="what tracking URLs begin with; empty: http://host:port")
    worker_ports: int = Field(
        default=0,
        ge=0,
        le=65_000,
        description="of several workers, number k also answers alone at 127.0.0.1, at this port plus k: a target for "
        "Prometheus; 0: none does",
    )
    connections: int = Field(
        default=4_096,
        ge=1,
        description="held at once by one process; one more closes the one that has waited longest for its request",
    )
    origins: tuple[str, ...] = Field(
        default=(),
        description="origins of pages whose browsers may ask for bids (Prebid.js); none: only servers; `*`: all pages",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="ranges of proxies whose X-Forwarded-For is believed; empty: nobody's",
    )


class EngineSettings(Section):
    """How wide the cascade is, and how long it may take."""

    timeout_ms: float = Field(default=100.0, gt=0, description="where a request names none")
    retrieve: int = Field(default=300, ge=1, description="ads that leave retrieval")
    prerank: int = Field(default=100, ge=1, description="ads that leave pre-ranking")
    exploration: float = Field(
        default=0.05, ge=0, le=1, description="share of requests answered by chance, for learning"
    )
    log_ranked: int = Field(default=100, ge=0, description="ranked candidates kept in the log of a request")
    memory: int = Field(default=200_000, ge=1, description="users and bids held in memory, the newest")


class AuctionSettings(Section):
    """Who wins and what is paid."""

    rule: Literal["gsp", "first_price", "second_price", "vcg"] = Field(default="gsp", description="who pays what")
    reserve_micros: int = Field(
        default=200_000, ge=0, description="lowest eCPM that may win, micros per thousand impressions"
    )
    one_per: Literal["campaign", "product", "ad"] = Field(
        default="campaign", description="at most one winner per request of the same ..."
    )


class BlendingSettings(Section):
    """How ads stand among organic items; read where auction.rule is vcg and a request names organic products."""

    candidates: int = Field(default=6, ge=1, le=8, description="best ads by eCPM that make up the slates of a page")
    positions: tuple[int, ...] = Field(
        default=(1, 3, 5),
        min_length=1,
        description="places of the slots among the organic items, from 1, rising; more slots follow at the last "
        "distance. A page model keeps those that it learned with until the next training",
    )
    organic: int = Field(default=6, ge=0, le=20, description="organic items of a page that a page model looks at")
    virtual_click_micros: int = Field(
        default=0, description="what a click on an ad is worth to the house beside its price; below 0: a reserve"
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.positions) != sorted({one for one in self.positions if one > 0}):
            raise ValueError(f"positions are {list(self.positions)}: give places from 1 upward, rising, such as [1, 3]")
        return self


class BiddingSettings(Section):
    """How budgets are spread over the day."""

    method: Literal["fixed", "pacing", "maab"] = Field(
        default="pacing",
        description="bid as advertisers bid, spread daily budgets over the day, or follow the policy of "
        "`adcascade bidder train`",
    )
    control_s: float = Field(default=60.0, gt=0, description="length of a control slot")


class FeatureSettings(Section):
    """Which columns the models see, beside those that every catalog and request has."""

    context: tuple[str, ...] = Field(default=(), description="keys of AdRequest.context, taken as categories")
    ad_attributes: tuple[str, ...] = Field(default=(), description="keys of Ad.attributes, taken as categories")
    matches: tuple[tuple[str, str], ...] = Field(
        default=(), description="pairs of a request column and an ad column whose values are compared"
    )
    picture: int = Field(default=0, ge=0, description="width of Ad.picture; 0: not used")


class ExperimentSettings(Section):
    """How an adaptive experiment moves its traffic."""

    control_s: float = Field(
        default=600.0, gt=0, description="between two allocations of an experiment that follows its conversions"
    )


class Settings(BaseSettings):
    """Everything that can be configured; each section has its table in adcascade.toml."""

    model_config = SettingsConfigDict(
        env_prefix="ADCASCADE_", env_nested_delimiter="__", extra="forbid", frozen=True, toml_file=None
    )

    directory: Path = Path()
    storage: Storage = Storage()
    server: Server = Server()
    access: AccessSettings = AccessSettings()
    console: ConsoleSettings = ConsoleSettings()
    engine: EngineSettings = EngineSettings()
    auction: AuctionSettings = AuctionSettings()
    blending: BlendingSettings = BlendingSettings()
    bidding: BiddingSettings = BiddingSettings()
    money: MoneySettings = MoneySettings()
    sharding: ShardingSettings = ShardingSettings()
    train: TrainSettings = TrainSettings()
    supervision: SupervisionSettings = SupervisionSettings()
    features: FeatureSettings = FeatureSettings()
    experiments: ExperimentSettings = ExperimentSettings()
    openrtb: OpenrtbSettings = OpenrtbSettings()
    privacy: PrivacySettings = PrivacySettings()
    traffic: TrafficSettings = TrafficSettings()
    attribution: AttributionSettings = AttributionSettings()
    alarms: AlarmSettings = AlarmSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then what `load_settings` read from the file."""
        return env_settings, init_settings, TomlConfigSettingsSource(settings_cls)

    @model_validator(mode="after")
    def _narrowing(self) -> Self:
        if self.engine.prerank > self.engine.retrieve:
            raise ValueError(
                f"engine.prerank is {self.engine.prerank} and engine.retrieve {self.engine.retrieve}: "
                "a stage cannot let more ads out than come in"
            )
        return self

    @model_validator(mode="after")
    def _windows(self) -> Self:
        train = self.train
        if train.conversion == "defuse" and train.observation_window_s > train.conversion_window_s:
            raise ValueError(
                f"train.observation_window_s is {train.observation_window_s} and train.conversion_window_s "
                f"{train.conversion_window_s}: a click is watched for a part of the time in which it may convert"
            )
        return self

    @property
    def catalog_url(self) -> str:
        """URL of the catalog store; a relative SQLite path is taken from the working directory."""
        head, separator, path = self.storage.catalog.partition("sqlite:///")
        if separator and not head and path and not Path(path).is_absolute():
            return f"sqlite:///{(self.directory / path).resolve()}"
        return self.storage.catalog

    @property
    def journal_path(self) -> Path:
        """Path of the event log's SQLite file."""
        return self.directory / self.storage.journal

    @property
    def looks_path(self) -> Path:
        """SQLite file of the console's charts beside the log; it may be deleted."""
        return self.journal_path.with_name("looks.db")

    @property
    def sealed_path(self) -> Path:
        """Folder of the sealed hours of the log."""
        return self.directory / self.storage.sealed

    @property
    def reports_path(self) -> Path:
        """Folder of the facts that reports are made of; it may be deleted."""
        return self.directory / "reports"

    @property
    def market_runs_path(self) -> Path:
        """Folder of the runs of the simulated market; it may be deleted."""
        return self.directory / "market-runs"

    @property
    def images_path(self) -> Path:
        """Folder of what serving processes share."""
        return self.directory / self.storage.images

    @property
    def bundles_path(self) -> Path:
        """Folder of all bundles."""
        return self.directory / self.storage.bundles

    @property
    def shadow_path(self) -> Path:
        """File of the requests that a shadow bundle answered again; it may be deleted while nothing serves."""
        return self.directory / "shadow.db"

    @property
    def supervision_path(self) -> Path:
        """Folder of the teachers and of what they said."""
        return self.directory / self.storage.supervision

    def file(self, path: Path | None) -> Path | None:
        """A file that a setting names, taken from the working directory."""
        return None if path is None else self.directory / path

    @property
    def public_url(self) -> str:
        """What tracking URLs begin with, without a slash at the end."""
        return (self.server.public_url or f"http://{self.server.host}:{self.server.port}").rstrip("/")


def load_settings(directory: Path | str = ".") -> Settings:
    """Read `directory/adcascade.toml` and the environment; a missing file means defaults."""
    directory = Path(directory)
    file = directory / FILE
    try:
        values: dict[str, Any] = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
        return Settings(**(values | {"directory": directory}))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(
            f"{file}: {where or 'the whole'} is {first['input']!r}: {first['msg']}; see docs/configuration.md"
        ) from error


# what an arm of an experiment may change: how an engine is built, not what all arms share
CHANGEABLE = ("auction", "engine")
SHARED = ("engine.timeout_ms", "engine.log_ranked", "engine.memory")


def changed_settings(settings: Settings, changes: Mapping[str, str]) -> Settings:
    """The settings as an arm of an experiment has them: some keys ("auction.reserve_micros") set to a value as text.

    ConfigurationError for a key that an arm cannot change, or a value that is impossible.
    """
    for key, value in changes.items():
        name, _, field = key.partition(".")
        section: Section | None = getattr(settings, name) if name in CHANGEABLE else None
        if section is None or field not in type(section).model_fields or key in SHARED:
            raise ConfigurationError(
                f"an arm changes {key!r}; it may change bundle, and what is below {' and '.join(CHANGEABLE)} "
                f"in adcascade.toml but {', '.join(SHARED)}"
            )
        try:
            section = type(section).model_validate(section.model_dump() | {field: value})
        except ValidationError as error:
            raise ConfigurationError(f"an arm sets {key} to {value!r}: {error.errors()[0]['msg']}") from error
        settings = settings.model_copy(update={name: section})
    if settings.engine.prerank > settings.engine.retrieve:
        raise ConfigurationError(f"an arm lets {settings.engine.prerank} ads out of {settings.engine.retrieve}")
    return settings


def signing_key(directory: Path) -> bytes:
    """The key that signs tracking URLs: ADCASCADE_SECRET, or `secret.key`, made at the first call (mode 0600)."""
    given = os.environ.get("ADCASCADE_SECRET")
    if given:
        return given.encode()
    file = directory / "secret.key"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_hex(32))
    return bytes.fromhex(file.read_text().strip())
