"""Features: what a column is, its vocabulary, and the one encoder that training and serving share."""

from adcascade.features.feature import Feature

__all__ = ["Feature"]
