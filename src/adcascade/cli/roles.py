"""Roles of a serving process: the whole engine, a front before shards, or a shard; and how a shard is run."""

import gc
import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from adcascade.cascade.sharding.opening import open_shard
from adcascade.cascade.sharding.share import Share
from adcascade.errors import ConfigurationError
from adcascade.server.logs import configure_logs
from adcascade.server.sharding.frames import line_key
from adcascade.server.sharding.listener import run
from adcascade.server.sharding.seats import parse_addresses
from adcascade.settings import Settings, signing_key


@dataclass(frozen=True, slots=True)
class Role:
    """share: of a shard; shards: addresses, of a front; neither: the whole engine."""

    share: Share | None = None
    shards: tuple[tuple[str, int], ...] = ()


def role_of(settings: Settings, shard: str | None, shards: str | None, workers: int) -> Role:
    """What the command line says, else the settings. ConfigurationError where they contradict each other."""
    number = settings.sharding.shard if shard is None else shard
    addresses = settings.sharding.shards if shards is None else tuple(filter(None, shards.split(",")))
    if number and addresses:
        raise ConfigurationError(
            f"this server is told to be shard {number} and to sell the ads of {', '.join(addresses)}; "
            "a shard asks nobody: leave one of the two out"
        )
    if number and workers > 1:
        raise ConfigurationError(
            f"a shard is one process, and --workers is {workers}; divide the ads among more shards"
        )
    return Role(Share.parse(number) if number else None, parse_addresses(addresses))


def serve_shard(directory: Path, share: Share, listener: socket.socket) -> None:
    """Answer fronts at a bound socket until Ctrl-C or SIGTERM."""
    configure_logs()
    with closing(open_shard(directory, share)) as shard:
        gc.collect()
        gc.freeze()  # catalog and models stay as long as the process
        host, port = listener.getsockname()[:2]
        ads = sum(ad is not None for ad in shard.snapshot.ads)
        said = f"shard {share} of {directory} with {ads} ads at {host}:{port}"
        Console(stderr=True).print(said, highlight=False)
        run(shard, listener, line_key(signing_key(directory)))
