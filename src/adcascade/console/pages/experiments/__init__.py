"""Experiments: all of them, one with its verdict, and a new one."""

from adcascade.console.pages.experiments.page import PAGE

__all__ = ["PAGE"]
