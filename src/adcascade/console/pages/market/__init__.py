"""The market: runs of the simulator, and a new one."""

from adcascade.console.pages.market.page import PAGE

__all__ = ["PAGE"]
