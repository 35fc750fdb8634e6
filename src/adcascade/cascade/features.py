"""Which features an installation's models see: the defaults of its own log, and what adcascade.toml adds."""

from adcascade.features.defaults import default_features, match
from adcascade.features.feature import Feature
from adcascade.settings import FeatureSettings


def features_of(settings: FeatureSettings) -> tuple[Feature, ...]:
    """The declaration that the encoder is fitted with."""
    attributes = tuple(Feature(name=n, side="ad", kind="categorical", min_count=2) for n in settings.ad_attributes)
    picture = (Feature(name="picture", side="ad", kind="vector", length=settings.picture),) if settings.picture else ()
    matches = tuple(match(left, right) for left, right in settings.matches)
    return (*default_features(settings.context), *attributes, *picture, *matches)
