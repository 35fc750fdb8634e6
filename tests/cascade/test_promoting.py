"""Which bundle serves changes one at a time, by what was seen, and is written down."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.cascade.test_bundle import write

from adcascade.cascade.bundle import Bundles
from adcascade.cascade.promoting import FILE, changes, promote, roll_back
from adcascade.errors import BundleError, InputError

START = 1_700_000_000_000_000


@pytest.fixture
def bundles(tmp_path: Path) -> Bundles:
    """Three bundles; none serves."""
    found = Bundles(tmp_path)
    for k in range(3):
        write(found, at=START + k * 10_000_000)
    return found


def test_every_change_is_a_line(bundles: Bundles) -> None:
    """Newest first: who, from where, to where; what changes nothing is no line."""
    one, two, _ = bundles.versions()
    assert promote(bundles, one, who="ann", time_us=1) is not None
    assert promote(bundles, two, who="bob", time_us=2, saw=one) is not None
    assert promote(bundles, two, who="bob", time_us=3) is None
    assert roll_back(bundles, who="eve", time_us=4, saw=two).after == one == bundles.current()
    told = [(line.who, line.action, line.before, line.after) for line in changes(bundles.folder)[0]]
    assert told == [("eve", "roll back", two, one), ("bob", "promote", one, two), ("ann", "promote", "", one)]


def test_who_saw_another_one_changes_nothing(bundles: Bundles) -> None:
    """The error names what serves by now; so it is for both."""
    one, two, three = bundles.versions()
    promote(bundles, one, who="ann", time_us=1)
    promote(bundles, two, who="ann", time_us=2)
    with pytest.raises(InputError, match=two):
        promote(bundles, three, who="bob", time_us=3, saw=one)
    with pytest.raises(InputError, match=two):
        roll_back(bundles, who="bob", time_us=3, saw=one)
    assert bundles.current() == two
    assert len(changes(bundles.folder)[0]) == 2


def test_a_damaged_or_absent_one_changes_nothing(bundles: Bundles, tmp_path: Path) -> None:
    """Nor does it leave a line; with nothing before there is nothing to go back to, and no file is made."""
    one, two, _ = bundles.versions()
    promote(bundles, one, who="ann", time_us=1)
    (bundles.path(two) / "b.txt").unlink()
    for version in (two, "20260101T000000-00000000"):
        with pytest.raises(BundleError):
            promote(bundles, version, who="ann", time_us=2)
    assert bundles.current() == one
    assert len(changes(bundles.folder)[0]) == 1
    empty = Bundles(tmp_path / "none")
    with pytest.raises(BundleError, match="nothing to roll back"):
        roll_back(empty, who="ann", time_us=3)
    assert not empty.folder.exists()


def test_many_at_once_lose_no_version_of_the_history(bundles: Bundles) -> None:
    """Each line begins where the one before ended, and the history is what the lines say."""
    versions = bundles.versions()
    with ThreadPoolExecutor(4) as pool:
        for k in range(24):
            pool.submit(promote, bundles, versions[k % 3], who=str(k), time_us=k)
    lines = changes(bundles.folder, 100)[0][::-1]
    assert [line.before for line in lines] == ["", *(line.after for line in lines[:-1])]
    assert bundles.history() == [line.before for line in lines[1:]]


def test_a_damaged_line_is_counted_and_a_long_file_is_read_from_its_end(bundles: Bundles) -> None:
    """The good lines around it are told; no more than asked for."""
    one, two, _ = bundles.versions()
    for k in range(400):
        promote(bundles, (one, two)[k % 2], who="x" * 40, time_us=k)
    with (bundles.folder / FILE).open("ab") as handle:
        handle.write(b'{"time_us": \xff\n')
    found, unread = changes(bundles.folder, 5)
    assert [line.time_us for line in found] == [399, 398, 397, 396, 395]
    assert unread == 1
