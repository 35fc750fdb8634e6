"""The command line: one file per command; `app` joins them."""

from adcascade.cli.app import main

__all__ = ["main"]
