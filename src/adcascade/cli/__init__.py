"""The command line: one file per command; `app` joins them."""

import sys
from multiprocessing.forkserver import ensure_running, set_forkserver_preload

PRELOADED = "adcascade.cli.preloaded"  # what all workers of a server are forked from


def main() -> None:
    """Run the command line. Where it is to serve with workers, what they need is imported beside our own imports."""
    if sys.argv[1:2] == ["serve"] and "--workers" in sys.argv:
        set_forkserver_preload([PRELOADED])
        ensure_running()
    from adcascade.cli.app import main as run  # noqa: PLC0415  all commands, which take a second to import

    run()


__all__ = ["main"]
