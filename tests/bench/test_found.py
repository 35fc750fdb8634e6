"""Every hot path keeps the contract: it describes itself, takes options, and has a name that the command knows."""

import argparse

import pytest

from adcascade.bench.found import benchmarks_folder, hot_path, names
from adcascade.errors import InputError

FOLDER = benchmarks_folder()


@pytest.mark.parametrize("name", names(FOLDER))
def test_a_hot_path_says_what_it_measures_and_has_defaults(name: str) -> None:
    """`make bench` runs it without options."""
    path = hot_path(name, FOLDER)
    parser = argparse.ArgumentParser()
    path.add_options(parser)
    assert path.says
    assert parser.parse_args([]) is not None
    assert callable(path.run)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """Field, value, expectation."""
    with pytest.raises(InputError, match="one of"):
        hot_path("nothing", FOLDER)
