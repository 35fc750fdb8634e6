"""What a setting names: by a short name of a room's METHODS, or by an import path of somebody's own."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from adcascade.errors import ConfigurationError


def named(setting: str, name: str, methods: Mapping[str, str], kind: str) -> Any:
    """The class or function of a short name, or of "package.module:Name"; ConfigurationError where there is none.

    kind: how the message calls what stands behind the colon.
    """
    module, separator, attribute = methods.get(name, name).partition(":")
    try:
        found: Any = getattr(import_module(module), attribute) if separator else None
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{setting} is {name!r}, which cannot be imported: {error}") from error
    if found is None:
        raise ConfigurationError(
            f"{setting} is {name!r}; expected one of {', '.join(methods)}, or 'package.module:{kind}'"
        )
    return found
