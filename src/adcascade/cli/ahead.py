"""Ahead: what the workers of a server need is imported beside the supervisor's own imports, not after them."""

from collections.abc import Sequence
from multiprocessing.forkserver import ensure_running, set_forkserver_preload

PRELOADED = "adcascade.cli.preloaded"  # what all workers are forked from


def import_ahead(arguments: Sequence[str]) -> None:
    """Start the process that workers are forked from, where the command line asks for workers."""
    if arguments[:1] == ["serve"] and "--workers" in arguments:
        set_forkserver_preload([PRELOADED])
        ensure_running()
