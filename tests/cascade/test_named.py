"""Laws of looking a method up by name."""

import pytest

from adcascade.cascade.named import named
from adcascade.errors import ConfigurationError

METHODS = {"short": "adcascade.errors:InputError"}


def test_a_short_name_and_an_import_path_find_the_same() -> None:
    """Whoever writes a method of their own names it by its path."""
    assert named("train.x", "short", METHODS, "Class") is named("train.x", METHODS["short"], {}, "Class")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("long", "expected one of short, or 'package.module:Class'"),
        ("no.such.module:Class", "cannot be imported"),
        ("adcascade.errors:NoSuchError", "cannot be imported"),
    ],
)
def test_a_wrong_name_is_a_mistake_of_the_settings(name: str, says: str) -> None:
    """The message names the setting, the value and what is expected."""
    with pytest.raises(ConfigurationError, match=f"train.x is '{name}'.*{says}"):
        named("train.x", name, METHODS, "Class")
