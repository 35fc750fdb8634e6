"""A working directory for a simulated market: the same files that a real installation has."""

from pathlib import Path

from adcascade.cascade.answer import Answer
from adcascade.cascade.engine import Outcome
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.service import AdService
from adcascade.catalog.store import CatalogStore
from adcascade.closedloop.exchange import with_exchange_creatives
from adcascade.contracts import AdRequest
from adcascade.errors import CallerError
from adcascade.market.clock import tick_start_us
from adcascade.market.market import Market
from adcascade.settings import FILE, load_settings

TOML = """# adcascade.toml: everything that can be configured; see docs/configuration.md
# This installation was made by `adcascade demo` from the simulated market with seed {seed}.

[features]
context = ["age", "gender", "segment"]  # what the shop tells of consenting shoppers
ad_attributes = ["rating"]
matches = [["segment", "ad_department"]]  # beside those of page, query and history
picture = {picture}

[engine]
exploration = 0.05  # share of requests answered by chance, for learning

[auction]
rule = "gsp"
reserve_micros = 200000  # 0.20 per thousand impressions

[money]
reservation_s = 600  # shoppers click within seconds; an open promise keeps its campaign's money from other pages
lease_s = 21600  # simulated hours pass in seconds: fewer, longer leases

[train]
conversion_window_s = 86400  # a demo has no weeks to wait
width = 8
refit = false  # saves a demo some seconds
ranking = "{ranking}"
"""


class SimulatedClock:
    """The latest time that anybody spoke of; it never goes back."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        """Microseconds UTC."""
        return self.now_us

    def advance(self, now_us: int) -> None:
        """It is at least this late."""
        self.now_us = max(self.now_us, now_us)

    def watch(self, request: AdRequest, answer: Answer, outcome: Outcome) -> None:  # noqa: ARG002  a watcher of Drive
        """Requests move the clock."""
        self.advance(request.time_us)


def install(directory: Path, market: Market, tick: int, *, ranking: str = "dcn_v2") -> None:
    """Write adcascade.toml and the catalog as it is at this tick. InputError where something is installed already."""
    if (directory / FILE).exists():
        raise CallerError(f"{directory} holds an installation already; name another with --dir, or remove it")
    directory.mkdir(parents=True, exist_ok=True)
    picture = market.ads.look.shape[2]
    (directory / FILE).write_text(TOML.format(seed=market.seed, picture=picture, ranking=ranking))
    with CatalogStore(load_settings(directory).catalog_url) as store:
        state = market.catalog(tick)
        store.put(state.advertisers, state.campaigns, [with_exchange_creatives(ad) for ad in state.ads])


def simulated_service(directory: Path, clock: SimulatedClock, around: Surroundings | None = None) -> AdService:
    """The installation's own service on simulated time; ids of requests are the market's, so that runs repeat."""
    given = around or Surroundings()
    return open_service(
        directory,
        Surroundings(
            clock_us=clock,
            new_id=lambda request: f"{given.owner}-{request.id}",
            wait=True,
            owner=given.owner,
            journal=given.journal,
            catalog=given.catalog,
            version=given.version,
        ),
    )


def clock_at(tick: int) -> SimulatedClock:
    """A clock that stands at the beginning of a tick."""
    return SimulatedClock(tick_start_us(tick))
