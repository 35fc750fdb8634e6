"""Reports: a question in the address, its answer, and questions that were saved."""

from adcascade.console.pages.reports.page import PAGE

__all__ = ["PAGE"]
