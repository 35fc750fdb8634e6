"""Features: what a column is, its vocabulary, and the one encoder that training and serving share."""

from adcascade.features.ads import AdFeatures
from adcascade.features.defaults import default_features
from adcascade.features.encoder import Encoder
from adcascade.features.feature import Feature

__all__ = ["AdFeatures", "Encoder", "Feature", "default_features"]
