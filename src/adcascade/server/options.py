"""ServerOptions: what the HTTP shell may be told. Money in micros, time in microseconds where the name says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from adcascade.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Limits and conventions of one server; wrong values raise ConfigurationError.

    categories translates the exchange's category codes to the catalog's paths ("IAB17-1" -> "sports/running");
    codes without a translation are passed on as they are. rates says how many units of a currency one unit of
    `currency` is worth, for floors in foreign currencies; a floor without a rate is not bid upon.
    """

    guard_status: bool = (
        False  # the status page, its numbers and the metrics ask for a key, where there is an admin API
    )
    public_url: str = "http://127.0.0.1:8080"  # what tracking URLs begin with
    currency: str = "USD"  # of all campaigns that are sold here
    rates: Mapping[str, float] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    scenario: str = ""  # of OpenRTB requests that name none in `ext.scenario`
    timeout_us: int = 100_000  # of requests that name none
    network_reserve_us: int = 10_000  # taken off an exchange's tmax for the way back
    max_body: int = 1 << 20  # bytes as sent
    max_inflated: int = 4 << 20  # bytes after gunzip
    gzip_from: int = 1024  # answers of so many bytes are compressed where the caller accepts it
    max_imps: int = 64  # of one OpenRTB request
    max_auctions: int = 16  # of one body to /v2/auctions
    max_slots: int = 100  # of one auction
    max_products: int = 10_000  # candidate products of one auction
    max_events: int = 1_000  # of one body to /v2/events; every item of a purchase counts
    future_us: int = 600_000_000  # how far ahead of our clock an event may lie

    def __post_init__(self) -> None:
        url = urlsplit(self.public_url)
        if url.scheme not in ("http", "https") or not url.netloc or url.query or url.fragment:
            raise ConfigurationError(
                f"public_url is {self.public_url!r}; expected what browsers reach this server by, "
                "such as https://ads.example.com"
            )
        for name, rate in self.rates.items():
            if not 0 < rate < float("inf"):
                raise ConfigurationError(f"the rate of {name} is {rate!r}; expected a positive number")

    @property
    def secure(self) -> bool:
        """Whether browsers reach this server by https."""
        return self.public_url.startswith("https://")
