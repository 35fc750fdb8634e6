"""Importers of public logs, each a stream of tables in the columns of the sample table."""

from adcascade.events.importers.badrows import BadRows
from adcascade.events.importers.base import Importer, Log, Options
from adcascade.events.importers.formats import FORMATS

__all__ = ["FORMATS", "BadRows", "Importer", "Log", "Options"]
