"""Sections of the settings: what all tables of adcascade.toml share, and many of them."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A table of adcascade.toml; an unknown key is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AccessSettings(Section):
    """Who may look inside, and how often the admin API may be called."""

    status: Literal["auto", "open", "key"] = Field(
        default="auto",
        description="the status page, its numbers and /metrics: open to all, or for keys with system:read; auto: open "
        "where the server listens at this machine alone",
    )
    calls_per_s: float = Field(default=20.0, gt=0, description="calls of one key in the long run")
    calls_at_once: int = Field(default=60, ge=1, description="calls of one key in a burst")
    pages_per_s: float = Field(
        default=20.0, gt=0, description="pages and parts of pages of the console for one key in the long run, by worker"
    )
    pages_at_once: int = Field(default=200, ge=1, description="pages and parts of the console for one key in a burst")
    failures_per_s: float = Field(default=0.1, gt=0, description="refused calls of one address in the long run")
    failures_at_once: int = Field(default=10, ge=1, description="refused calls of one address in a burst")


class ConsoleSettings(Section):
    """The pages for people."""

    market_runs: bool = Field(
        default=True,
        description="administrators may run the simulated market: one run at a time, beside the requests (nice 10)",
    )


class OpenrtbSettings(Section):
    """How exchanges are spoken to (docs/openrtb.md)."""

    currency: str = Field(default="USD", description="of all campaigns that are sold to exchanges")
    rates: dict[str, float] = Field(
        default={}, description="units of a currency that one unit of `currency` is worth: for floors and bids in it"
    )
    categories: dict[str, str] = Field(
        default={}, description='codes of the IAB taxonomy 1.0 and the catalog\'s paths: {"IAB17-1" = "sports/running"}'
    )
    taxonomies: dict[str, dict[str, str]] = Field(
        default={}, description="the same for other taxonomies, by their number in `cattax`"
    )
    scenario: str = Field(default="", description="of requests that name none in `ext.scenario`")
    network_reserve_ms: float = Field(default=10.0, ge=0, description="taken off an exchange's tmax for the way back")
    require_complete_chain: bool = Field(
        default=False, description="no bid where the supply chain is absent or says that it is incomplete"
    )
    no_bid: Literal[204, 200] = Field(
        default=204, description="204: nothing more is said; 200: an answer without bids, with a reason code in `nbr`"
    )


class PrivacySettings(Section):
    """When a user may be recognised (docs/openrtb.md)."""

    url: str = Field(default="", description="page of the privacy notice that native ads may link to; empty: none")

    vendor_id: int = Field(
        default=0, ge=0, description="the house's id in the Global Vendor List of TCF; 0: not in it, purposes decide"
    )
    purposes: tuple[int, ...] = Field(
        default=(1, 2, 3, 4, 7), min_length=1, description="of TCF that must be allowed before a user key is read"
    )


class TrafficSettings(Section):
    """Which events are invalid: nobody pays for them (docs/events.md)."""

    enabled: bool = Field(default=True, description="judge events that come over HTTP before they are charged")
    data_centres: Path | None = Field(
        default=None, description="file of address ranges, one CIDR a line; read again when it changes"
    )
    agents: Path | None = Field(
        default=None, description="file of texts that betray a robot's user agent, one a line, beside our own"
    )
    own_networks: tuple[str, ...] = Field(
        default=("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
        description="ranges of the operator's own machines, which are never judged",
    )
    window_s: float = Field(default=600.0, gt=0, description="in which the limits below hold")
    user_clicks: int = Field(default=30, ge=0, le=10_000, description="most clicks of one user; 0: no limit")
    source_clicks: int = Field(default=60, ge=0, le=10_000, description="most clicks of one address and user agent")
    source_impressions: int = Field(
        default=5000, ge=0, le=100_000, description="most impressions of one address and user agent"
    )
    bid_clicks: int = Field(default=5, ge=0, le=10_000, description="most clicks on one answered ad")
    click_after_s: float = Field(default=0.2, ge=0, description="nobody clicks sooner after the answer")
    impression_after_click_s: float = Field(
        default=10.0, ge=0, description="no browser reports an impression later after its click"
    )


class AttributionSettings(Section):
    """Which click or view a purchase is credited to, where `adcascade attribute` is told nothing else."""

    click_days: float | None = Field(default=14.0, ge=0, description="a click counts so long; none: however old")
    view_days: float | None = Field(default=1.0, ge=0, description="a view counts so long; none: however old; 0: never")
    scope: Literal["sku", "parent", "brand"] = Field(
        default="sku", description="the ad's product, a variant of it, or anything of its brand was bought"
    )
    views: Literal["impression", "viewable"] = Field(default="impression", description="what counts as a view")
    direct: bool = Field(default=True, description="a resolved bid id that the shop named beats clicks and views")


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


class ShardingSettings(Section):
    """The catalog's ads divided among processes (docs/several-machines.md)."""

    shard: str = Field(
        default="",
        description="this server is a shard: its number and how many there are, such as 1/3; empty: it is none",
    )
    shards: tuple[str, ...] = Field(
        default=(), description="addresses of all shards, host:port, whose ads this server sells; none: it has all ads"
    )
    slack: float = Field(
        default=3.0,
        ge=0,
        description="binomial deviations beyond an even share that each shard keeps: more loses fewer of the best, and "
        "costs the shards more",
    )


class MoneySettings(Section):
    """Reservations and leases."""

    reservation_s: float = Field(default=1200.0, gt=0, le=86400, description="a served ad may be billed for so long")
    lease_s: float = Field(default=3600.0, gt=0, description="money is taken from a budget beforehand for so long")
    books: str = Field(
        default="",
        description="where the ledger lies; empty: in the journal's file, for one machine; else for several machines: "
        "postgresql+psycopg://user:password@host/database with the [postgres] extra, redis://host:6379/0 with [redis]",
    )
    grace_s: float = Field(
        default=900.0,
        ge=0,
        description="with books elsewhere an expired lease is closed so much later: so long charges may wait for them",
    )
    charge_wait_s: float = Field(
        default=1.0, gt=0, description="an event waits so long for books elsewhere before it is acknowledged as pending"
    )
    redis_weak: bool = Field(
        default=False, description="take a Redis that may lose what it answered; the status page then says so"
    )


class TrainSettings(Section):
    """What `adcascade train` trains."""

    retrieval: Literal["two_tower", "nann"] = Field(
        default="two_tower",
        description="by the inner product of two vectors, or by a neural score on a walk through a graph",
    )
    ranking: str = Field(
        default="dcn_v2",
        description="short name in adcascade.ranking.METHODS, or an import path 'package.module:Class'",
    )
    preranking: str = Field(
        default="mlp",
        description="what the pre-ranker learns from: mlp (the ranker's probabilities), copr (the ranker's order in "
        "the log), click; or an import path 'package.module:function'",
    )
    lists: int = Field(default=50_000, ge=1, description="newest ranking lists of the log that copr learns from")
    list_bundles: int = Field(
        default=2,
        ge=1,
        description="copr learns from the lists of so many newest bundles: older rankers judged otherwise",
    )
    calibration: Literal["isotonic", "platt", "beta", "histogram", "scaling_binning", "mbct", "none"] = Field(
        default="isotonic", description="how probabilities are calibrated"
    )
    calibration_features: tuple[str, ...] = Field(
        default=("scenario", "device", "hour", "page_category", "page_department", "ad_category", "ad_department"),
        description="categorical or binned features that mbct looks at; rare values count as one",
    )
    calibration_leaf_events: float = Field(
        default=50.0, ge=1, description="clicks, as expected, that a leaf of mbct must hold"
    )
    width: int | None = Field(default=None, ge=1, description="of an embedding; none: as the model's recipe says")
    epochs: int | None = Field(default=None, ge=1, description="passes over the log; none: as the recipe says")
    batch: int | None = Field(default=None, ge=1, description="samples per step; none: as the recipe says")
    learning_rate: float | None = Field(
        default=None, gt=0, description="of the embeddings (Adagrad); none: as the recipe says"
    )
    dense_rate: float | None = Field(default=None, gt=0, description="of the networks (Adam); none: as the recipe says")
    row_wise: bool = Field(
        default=False, description="one sum of squares a row of the embeddings instead of one a weight: less memory"
    )
    precision: Literal["float32", "medium", "bf16"] = Field(
        default="float32",
        description="of the networks' products: as torch computes them, as it finds quickest, or in bf16 (quick where "
        "the processor is: `adcascade bench training` tells)",
    )
    compiled: bool = Field(
        default=False,
        description="the networks by torch.compile: needs a C++ compiler, and half a minute before the first step",
    )
    device: str = Field(
        default="auto",
        description="where the ranker learns: cpu, cuda, cuda:NUMBER, or auto (a GPU where there is one)",
    )
    interleave: int = Field(
        default=0,
        ge=0,
        le=64,
        description="batches of the ranker that two more threads read, encode and look up while an earlier one is "
        "learned from; the result is the same",
    )
    memory_mb: float | None = Field(
        default=None,
        gt=0,
        description="that the ranker's embeddings may take while they learn; rare rows then lie in an unnamed file "
        "of the working directory; none: all rows in memory",
    )
    holdout: float = Field(
        default=0.1, gt=0, lt=1, description="last share of the log, kept for calibration and the report"
    )
    refit: bool = Field(
        default=True, description="after calibrating on the held-out share, train the ranker once more on all rows"
    )
    conversion: Literal["cvr", "defuse"] = Field(
        default="cvr", description="learn from settled clicks alone, or from fresh ones with corrected labels"
    )
    supervision: bool = Field(
        default=False,
        description="train the ranker beside what `adcascade supervise` stored, by the table [supervision]",
    )
    days: float = Field(default=90.0, gt=0, description="of the log to learn from")
    click_window_s: float = Field(default=1800.0, gt=0, description="a later click does not count for the impression")
    conversion_window_s: float = Field(
        default=7 * 86400.0, gt=0, description="a later conversion does not count; until then a click has not matured"
    )
    observation_window_s: float = Field(
        default=3600.0, gt=0, description="defuse: how long a click is watched before it teaches for the first time"
    )


class SupervisionSettings(Section):
    """The teacher that scores logged impressions, and how the ranker learns from it (train.supervision)."""

    teacher: str = Field(default="committee", description="ranking model of the teacher, named as train.ranking is")
    width: int | None = Field(default=None, ge=1, description="of its embeddings; none: as the model's recipe says")
    warm_up_s: float = Field(default=86400.0, ge=0, description="of the log that the first teacher learns from")
    refresh_s: float = Field(default=86400.0, gt=0, description="a new teacher learns from the whole past so often")
    alpha: float = Field(default=3.0, gt=0, description="what the teacher's probability is multiplied by, up to 1")
    weight: float = Field(default=2.0, ge=0, description="of the distillation head's loss")
    beta: float = Field(default=1.0, ge=0, description="what that head's gradient is multiplied by in the backbone")
    adapter: bool = Field(default=False, description="a student adapter brings the teacher's label up to date")
    adapted: float = Field(default=1.0, ge=0, description="weight of the loss of the adapter's head")
