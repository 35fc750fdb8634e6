"""`adcascade serve`: the HTTP server over a working directory."""

import errno
import gc
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, NamedTuple

import structlog
import typer
import uvicorn
from rich.console import Console

from adcascade.access.store import KeyStore
from adcascade.cascade.opening import Surroundings, open_service
from adcascade.cascade.service import AdService
from adcascade.catalog.store import CatalogStore
from adcascade.cli.ahead import PRELOADED
from adcascade.cli.options import Directory, require_folder, require_writable
from adcascade.cli.roles import Role, role_of, serve_shard
from adcascade.console.console import console_fronts
from adcascade.errors import AdcascadeError, ConfigurationError
from adcascade.events.journal import Journal
from adcascade.experiments.store import ExperimentStore
from adcascade.money.books import Books
from adcascade.server.admin.app import Admin
from adcascade.server.admin.guard import Rates
from adcascade.server.app import create_app
from adcascade.server.bounds import Bounds, bounded, places
from adcascade.server.front import Fronts
from adcascade.server.logs import configure_logs
from adcascade.server.options import ServerOptions
from adcascade.server.privacy.permission import Policy
from adcascade.server.sharding.fan import Sharded, ShardFan
from adcascade.server.sharding.frames import line_key
from adcascade.server.tracing import Tracing, open_tracing
from adcascade.server.workers import Supervisor, watch
from adcascade.settings import Settings, load_settings, signing_key

GRACE_S = 10  # what requests in flight get at the end
LOOPBACK = "127.0.0.1"
EARS = 32  # connections that a busy event loop accepts at most in one turn; uvloop accepts one a listening socket


def serve(  # noqa: PLR0917  options of a command
    directory: Directory = Path(),
    host: Annotated[str | None, typer.Option(help="Address to listen at; else adcascade.toml's.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen at; else adcascade.toml's.", min=0, max=65535)
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that answer at the port; they share catalog, log, budgets.", min=1, max=64)
    ] = 1,
    shard: Annotated[
        str | None,
        typer.Option(help="Be a shard: its number and how many there are, such as 1/3; else adcascade.toml's."),
    ] = None,
    shards: Annotated[
        str | None, typer.Option(help="Sell the ads of these shards, host:port,host:port; else adcascade.toml's.")
    ] = None,
) -> None:
    """Serve ads over HTTP from a working directory until Ctrl-C; or serve a part of the ads to such servers.

    Example: adcascade serve --dir demo --port 8080
    """
    require_folder(directory)
    settings = load_settings(directory)
    role = role_of(settings, shard, shards, workers)
    host = settings.server.host if host is None else host
    port = settings.server.port if port is None else port
    with bind(host, port) as listener:
        if role.share is not None:
            serve_shard(directory, role.share, listener)
        else:
            _serve(directory, settings, host, listener, workers, role)


def _serve(  # noqa: PLR0917  what the command knows
    directory: Path, settings: Settings, host: str, listener: socket.socket, workers: int, role: Role
) -> None:
    """Serve ads at a bound socket."""
    require_writable(directory)
    bound = listener.getsockname()[1]
    options = options_of(settings, public_url(settings, host, bound), guard_status=guards_status(settings, host))
    configure_logs()
    where = f"{directory} at http://{_written(host)}:{bound}"
    if workers > 1:
        Console(stderr=True).print(f"serving {where} with {workers} workers", highlight=False)
        worker = partial(work, directory, options, listener, workers, role)
        raise typer.Exit(Supervisor(workers, worker, preload=(PRELOADED,)).run())
    with ExitStack() as stack:
        opened = _opened(stack, directory, Surroundings(tell=_tell), role)
        Console(stderr=True).print(f"serving {where}", highlight=False)
        run(opened, options, listener)


def work(  # noqa: PLR0917  called in a new process
    directory: Path,
    options: ServerOptions,
    listener: socket.socket,
    workers: int,
    role: Role,
    number: int,
    line: Connection,
) -> None:
    """One of several workers: its leases are its own, catalog, log and budgets are everybody's. The first one leads."""
    configure_logs()
    watch(line)
    around = Surroundings(
        owner="server" if number == 0 else f"server-{number}", alone=workers == 1, leads=number == 0, tell=_tell
    )
    with ExitStack() as stack:
        try:
            opened = _opened(stack, directory, around, role)
            port = load_settings(directory).server.worker_ports
            own = stack.enter_context(bind(LOOPBACK, port + number)) if port else None
        except AdcascadeError as error:
            Console(stderr=True).print(f"error: {error}", highlight=False, markup=False)
            sys.exit(1)
        run(opened, options, listener, own)


def _tell(what: str) -> None:
    structlog.get_logger().warning(what)


class Opened(NamedTuple):
    """What a serving process has open."""

    service: AdService
    admin: Admin
    tracing: Tracing | None
    console: Fronts
    fan: ShardFan | None = None


def _opened(stack: ExitStack, directory: Path, around: Surroundings, role: Role) -> Opened:
    """Everything of a working directory; the stack closes it."""
    settings = load_settings(directory)
    tracing = open_tracing(settings.telemetry)
    if tracing is not None:
        stack.callback(tracing.close)
    fan = ShardFan(role.shards, line_key(signing_key(directory))) if role.shards else None
    service = stack.enter_context(closing(open_service(directory, replace(around, shards=fan))))
    admin = stack.enter_context(closing(open_admin(settings, service.parts.books, service.parts.journal)))
    return Opened(service, admin, tracing, console_fronts(settings, signing_key(directory)), fan)


def open_admin(settings: Settings, books: Books, journal: Journal) -> Admin:
    """What the admin API works on: the catalog's database, which holds the keys too."""
    access = settings.access
    return Admin(
        catalog=CatalogStore(settings.catalog_url),
        keys=KeyStore(settings.catalog_url),
        books=books,
        experiments=ExperimentStore(journal),
        rates=Rates(
            calls=access.calls_per_s,
            calls_at_once=access.calls_at_once,
            pages=access.pages_per_s,
            pages_at_once=access.pages_at_once,
            failures=access.failures_per_s,
            failures_at_once=access.failures_at_once,
        ),
    )


def guards_status(settings: Settings, host: str) -> bool:
    """Whether the pages about the inside ask for a key."""
    alone = host in ("127.0.0.1", "::1", "localhost")
    return settings.access.status == "key" or (settings.access.status == "auto" and not alone)


def options_of(settings: Settings, url: str, *, guard_status: bool = True) -> ServerOptions:
    """What the settings say to the HTTP shell. url: what tracking URLs begin with."""
    openrtb = settings.openrtb
    return ServerOptions(
        public_url=url,
        timeout_us=round(settings.engine.timeout_ms * 1000),
        guard_status=guard_status,
        origins=settings.server.origins,
        connections=settings.server.connections,
        trusted_proxies=settings.server.trusted_proxies,
        currency=openrtb.currency,
        rates=openrtb.rates,
        categories=openrtb.categories,
        taxonomies=openrtb.taxonomies,
        scenario=openrtb.scenario,
        network_reserve_us=round(openrtb.network_reserve_ms * 1000),
        require_complete_chain=openrtb.require_complete_chain,
        no_bid=openrtb.no_bid,
        privacy_url=settings.privacy.url,
        privacy=Policy(settings.privacy.vendor_id, settings.privacy.purposes),
    )


def run(opened: Opened, options: ServerOptions, listener: socket.socket, own: socket.socket | None = None) -> None:
    """Answer at a bound socket until SIGINT or SIGTERM; then stop accepting, finish what is in flight, return.

    own: another one, which no other process answers at.
    """
    service, admin, tracing, console, fan = opened
    sharded = None if fan is None else Sharded(fan, service.fill)
    config = uvicorn.Config(
        create_app(
            service,
            options,
            admin=admin,
            ladder=service.ladder,
            tracing=tracing,
            sharded=sharded,
            fronts=console,
            spare=service.shadow,
        ),
        http=bounded(Bounds(connections=places(options.connections))),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # server/peers.py believes only the proxies that the settings name
        timeout_graceful_shutdown=GRACE_S,
    )
    gc.collect()
    gc.freeze()  # catalog and models stay as long as the process: no collection need look at them again
    sockets = [*ears(listener), *(() if own is None else (own,))]
    with _outliving(signal.SIGTERM):
        uvicorn.Server(config).run(sockets=sockets)


def ears(listener: socket.socket) -> list[socket.socket]:
    """The socket EARS times over, in no process that shares it ever blocking, not even for an instant.

    `socket.dup` makes the copy as blocking as it believes the original to be, and a worker believes that of what it
    was handed. But blocking is one state for all workers: another one that accepts in that instant would stand still
    until somebody else connects.
    """
    listener.setblocking(False)
    return [listener.dup() for _ in range(EARS)]


@contextmanager
def _outliving(number: signal.Signals) -> Iterator[None]:
    """uvicorn stops at a signal and then raises it anew: without this nobody would be left to close the log."""
    before = signal.signal(number, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(number, before)


def bind(host: str, port: int) -> socket.socket:
    """A socket at the address, before anything slow is opened; ConfigurationError says what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"port {port} of {host} is in use; stop what listens there or pass --port"
            ) from error
        raise ConfigurationError(
            f"cannot listen at {host}, port {port}: {error.strerror or error}; pass --host"
        ) from error
    return listener


def public_url(settings: Settings, host: str, port: int) -> str:
    """What tracking URLs begin with: the setting, else the address that we listen at."""
    return settings.server.public_url.rstrip("/") or f"http://{_written(host)}:{port}"


def _written(host: str) -> str:
    """An address as a URL writes it; one that means all addresses is reached here as 127.0.0.1."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
