"""Laws of what is kept: made once, and never found half made."""

from pathlib import Path

import pytest

from adcascade.closedloop.kept import kept


def test_it_is_made_once(tmp_path: Path) -> None:
    """The second who asks finds what the first made, file or folder, below a folder that was not there."""
    made = []

    def make(draft: Path) -> None:
        made.append(draft)
        draft.write_text("whole")

    place = tmp_path / "cache" / "thing.db"
    assert [kept(place, make).read_text() for _ in range(3)] == ["whole"] * 3
    assert len(made) == 1
    assert kept(tmp_path / "folder", Path.mkdir).is_dir()
    assert sorted(place.parent.iterdir()) == [place]


def test_half_a_thing_is_not_found(tmp_path: Path) -> None:
    """Where making fails, nothing stands at the place, and the next who asks makes it."""

    def fail(draft: Path) -> None:
        draft.write_text("hal")
        raise ValueError("ended")

    place = tmp_path / "thing"
    with pytest.raises(ValueError, match="ended"):
        kept(place, fail)
    assert not place.exists()
    assert kept(place, lambda draft: draft.write_text("whole")).read_text() == "whole"
