"""Logs: one JSON object a line on standard error, bound to its request. Tokens, user keys, bodies are never logged.

An exception's message may repeat what a caller wrote, so of exceptions a line holds the types, the places in the code,
and the message only of those that speak of our disk, our configuration or ourselves.
"""

import logging
import sys
from collections.abc import Iterator
from traceback import extract_tb
from typing import TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from adcascade.errors import BundleError, ConfigurationError, InternalError, StoreError
from adcascade.server.heard import with_request

OURS = (BundleError, ConfigurationError, InternalError, StoreError)
CAUSES = 4  # of one exception that are told


def configure_logs(stream: TextIO = sys.stderr) -> None:
    """Called once by the process that serves; libraries and tests leave it alone."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            with_request,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            with_exception,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        stream=stream, level=logging.WARNING, format='{"level": "%(levelname)s", "event": "%(message)s"}'
    )


def with_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor of structlog: an exception as a list of texts that hold nothing of a caller."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["exception"] = list(told(error))
    return event


def told(error: BaseException) -> Iterator[str]:
    """The exception and what caused it, one text each: type, message where it is ours, places innermost last."""
    now: BaseException | None = error
    for _ in range(CAUSES):
        if now is None:
            return
        places = " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(now.__traceback__))
        message = f": {now}" if isinstance(now, OURS) else ""
        yield f"{type(now).__name__}{message} at {places or 'no frame'}"
        now = now.__cause__ or now.__context__
