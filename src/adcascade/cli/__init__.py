"""The command line: one file per command; `app` joins them."""

import sys

from adcascade.cli.ahead import import_ahead


def main() -> None:
    """Run the command line."""
    import_ahead(sys.argv[1:])
    from adcascade.cli.app import main as run  # noqa: PLC0415  all commands, which take a second to import

    run()


__all__ = ["main"]
