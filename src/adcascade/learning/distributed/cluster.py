"""A Ray cluster to work in. Needs the extra `adcascade[ray]`; Ray is imported when it is asked for, for it is slow."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from adcascade.errors import ConfigurationError

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # tells nobody outside that it runs
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "600",  # a busy machine is no failure
}


@contextmanager
def cluster() -> Iterator[Any]:
    """`ray`, connected to the cluster that RAY_ADDRESS names or that runs here already, else to one of this machine.

    A cluster that was started here ends here. ConfigurationError without the extra.
    """
    if find_spec("ray") is None:
        raise ConfigurationError("Ray is not installed: pip install 'adcascade[ray]'")
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import ray  # noqa: PLC0415  an extra, and slow

    if ray.is_initialized():
        yield ray
        return
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except ConnectionError as error:
        raise ConfigurationError(f"the Ray cluster cannot be reached: {error}; check RAY_ADDRESS") from error
    try:
        yield ray
    finally:
        ray.shutdown()
