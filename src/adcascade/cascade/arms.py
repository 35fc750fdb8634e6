"""Arms: whether an experiment's arms can be served at all, before anything is written down."""

from adcascade.cascade.bundle import Bundles
from adcascade.experiments.experiment import Experiment
from adcascade.settings import Settings, changed_settings


def verify(settings: Settings, experiment: Experiment) -> None:
    """Every arm's settings are possible and its bundle is whole; ConfigurationError or BundleError else."""
    for variant in experiment.variants:
        changed_settings(settings, variant.settings)
        if variant.bundle is not None:
            Bundles(settings.bundles_path).verify(variant.bundle)
