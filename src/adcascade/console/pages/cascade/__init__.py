"""The cascade: requests of the log and typed ones, and why one ad was not shown."""

from adcascade.console.pages.cascade.page import PAGE

__all__ = ["PAGE"]
