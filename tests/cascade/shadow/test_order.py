"""One bundle shadows at a time, only a whole one, and every beginning and end is a line."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cascade.test_bundle import write
from typer.testing import CliRunner

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.promoting import changes, promote
from adcascade.cascade.shadow.order import FILE, checked_share, give_up, order_of, start, stop
from adcascade.cli.bundle import app
from adcascade.errors import BundleError, InputError

START = 1_700_000_000_000_000


@pytest.fixture
def bundles(tmp_path: Path) -> Bundles:
    """Two bundles, of which the first serves."""
    found = Bundles(tmp_path / "bundles")
    for k in range(2):
        write(found, at=START + k * 10_000_000)
    promote(found, found.versions()[0], who="ann", time_us=1)
    return found


def test_a_later_order_takes_the_place_of_the_one_before(bundles: Bundles) -> None:
    """The lines tell who, when, from which to which, at what share; ending nothing is no line."""
    one, two = bundles.versions()
    assert not stop(bundles, who="ann", time_us=2)
    start(bundles, two, 0.05, who="bob", time_us=3)
    start(bundles, one, 0.5, who="eve", time_us=4)
    assert order_of(bundles.folder) == start(bundles, one, 0.5, who="eve", time_us=4)
    assert stop(bundles, who="ann", time_us=5)
    assert order_of(bundles.folder) is None
    told = [(line.who, line.action, line.before, line.after, line.share) for line in changes(bundles.folder)[0]]
    assert told == [
        ("ann", "end shadow", one, "", 0.0), ("eve", "shadow", one, one, 0.5), ("eve", "shadow", two, one, 0.5),
        ("bob", "shadow", "", two, 0.05), ("ann", "promote", "", one, 0.0),
    ]  # fmt: skip
    assert bundles.current() == one


def test_a_damaged_bundle_or_an_odd_share_orders_nothing(bundles: Bundles) -> None:
    """Nor is there a line."""
    one, two = bundles.versions()
    (bundles.path(two) / "b.txt").unlink()
    with pytest.raises(BundleError):
        start(bundles, two, 0.05, who="bob", time_us=2)
    with pytest.raises(InputError, match="share"):
        start(bundles, one, 0.0, who="bob", time_us=2)
    assert order_of(bundles.folder) is None
    assert len(changes(bundles.folder)[0]) == 1


@given(share=st.floats(allow_nan=True))
def test_a_share_is_above_nothing_and_at_most_all(share: float) -> None:
    """Whatever else comes is refused, what is no number too."""
    if 0 < share <= 1:
        assert checked_share(share) == share
    else:
        with pytest.raises(InputError):
            checked_share(share)


def test_only_the_order_that_failed_is_given_up(bundles: Bundles) -> None:
    """Somebody who gave another one meanwhile is not contradicted; given up twice is one line."""
    one, two = bundles.versions()
    failed = start(bundles, two, 0.05, who="bob", time_us=2)
    later = start(bundles, one, 0.1, who="ann", time_us=3)
    give_up(bundles, failed, "it failed", who="server", time_us=4)
    assert order_of(bundles.folder) == later
    for who in ("server", "server-1"):
        give_up(bundles, later, "it failed", who=who, time_us=5)
    assert order_of(bundles.folder) == msgspec.structs.replace(later, trouble="it failed")
    lines = changes(bundles.folder)[0]
    assert (lines[0].who, lines[0].action, lines[0].reason) == ("server", "end shadow", "it failed")
    assert len(lines) == 4


def test_an_order_that_cannot_be_read_is_named_and_removed(bundles: Bundles) -> None:
    """By ending it, or by another order."""
    two = bundles.versions()[1]
    (bundles.folder / FILE).write_bytes(b"\xff")
    with pytest.raises(BundleError, match="--off"):
        order_of(bundles.folder)
    start(bundles, two, 0.05, who="bob", time_us=2)
    (bundles.folder / FILE).write_bytes(b"{")
    assert stop(bundles, who="bob", time_us=3)
    assert order_of(bundles.folder) is None


def test_the_command_orders_shows_and_ends(bundles: Bundles) -> None:
    """With the folder of the installation."""
    two, folder = bundles.versions()[1], str(bundles.folder.parent)

    def said(*arguments: str) -> str:
        return CliRunner().invoke(app, ["shadow", *arguments, "--dir", folder], catch_exceptions=False).output

    assert "no bundle shadows" in said()
    assert f"{two} shadows 0.25 of the requests" in said(two, "--share", "0.25")
    assert "by cli" in said()
    give_up(bundles, order_of(bundles.folder) or pytest.fail("no order"), "it failed", who="server", time_us=4)
    assert "any more: it failed" in said()
    assert "is off" in said("--off")
    assert "no bundle shadows" in said("--off")
    with pytest.raises(InputError, match="no version beside it"):
        said(two, "--off")
