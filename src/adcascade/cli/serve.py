"""`adcascade serve`: the HTTP server over a working directory."""

import errno
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from adcascade.cascade.opening import open_service
from adcascade.cascade.service import AdService
from adcascade.cli.options import Directory, require_folder, require_writable
from adcascade.errors import ConfigurationError
from adcascade.server.app import create_app
from adcascade.server.logs import configure_logs
from adcascade.server.options import ServerOptions
from adcascade.server.patience import PatientProtocol
from adcascade.server.tracing import Tracing, open_tracing
from adcascade.settings import Settings, load_settings

GRACE_S = 10  # what requests in flight get at the end
EARS = 32  # connections that a busy event loop accepts at most in one turn; uvloop accepts one a listening socket


def serve(
    directory: Directory = Path(),
    host: Annotated[str | None, typer.Option(help="Address to listen at; else adcascade.toml's.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen at; else adcascade.toml's.", min=0, max=65535)
    ] = None,
) -> None:
    """Serve ads over HTTP from a working directory until Ctrl-C.

    Example: adcascade serve --dir demo --port 8080
    """
    require_folder(directory)
    require_writable(directory)
    settings = load_settings(directory)
    host = settings.server.host if host is None else host
    port = settings.server.port if port is None else port
    with bind(host, port) as listener:
        bound = listener.getsockname()[1]
        options = ServerOptions(
            public_url=public_url(settings, host, bound), timeout_us=round(settings.engine.timeout_ms * 1000)
        )
        tracing = open_tracing(settings.telemetry)
        service = open_service(directory)
        try:
            configure_logs()
            Console(stderr=True).print(f"serving {directory} at http://{_written(host)}:{bound}", highlight=False)
            run(service, options, listener, tracing)
        finally:
            service.close()
            if tracing is not None:
                tracing.close()


def run(service: AdService, options: ServerOptions, listener: socket.socket, tracing: Tracing | None = None) -> None:
    """Answer at a bound socket until SIGINT or SIGTERM; then stop accepting, finish what is in flight, return."""
    config = uvicorn.Config(
        create_app(service, options, ladder=service.ladder, tracing=tracing),
        http=PatientProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    ears = [listener.dup() for _ in range(EARS)]
    with _outliving(signal.SIGTERM):
        uvicorn.Server(config).run(sockets=ears)


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
