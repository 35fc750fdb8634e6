"""market.json: which simulated world a working directory belongs to, and how far it has been lived through."""

from pathlib import Path

import msgspec

from adcascade.closedloop.market_order import Order
from adcascade.errors import DataMissingError
from adcascade.market.config import MarketConfig
from adcascade.market.market import Market

FILE = "market.json"


class World(msgspec.Struct, frozen=True, kw_only=True):
    """The market's seed, its traffic, and the first tick that nobody has seen yet."""

    seed: int
    views_per_tick: float
    tick: int

    def market(self) -> Market:
        """The market itself."""
        return Market(MarketConfig(views_per_tick=self.views_per_tick), self.seed)

    def save(self, directory: Path) -> None:
        """Write market.json."""
        (directory / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(self)))


def continued(directory: Path, ticks: int) -> Order:
    """The next ticks of a directory's own market, answered by the bundle that serves there; as `load_world`."""
    world = load_world(directory)
    usual = MarketConfig().views_per_tick
    dials = {} if world.views_per_tick == usual else {"views_per_tick": world.views_per_tick}
    return Order(
        dials=dials, seed=world.seed, warm_up=world.tick, ticks=ticks, cascade=True, installation=str(directory)
    )


def load_world(directory: Path) -> World:
    """Read market.json; DataMissingError where the directory is no simulated market."""
    file = directory / FILE
    if not file.exists():
        raise DataMissingError(
            f"{directory} has no {FILE}: it is not a simulated market; make one with `adcascade demo --dir {directory}`"
        )
    return msgspec.json.decode(file.read_bytes(), type=World)
