"""Models: the shelf of bundles, one of them, and what shadows."""

from adcascade.console.pages.models.page import PAGE

__all__ = ["PAGE"]
