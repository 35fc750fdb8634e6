"""Settings are read once, from the file and the environment, and say what is wrong with them."""

import stat
from pathlib import Path

import pytest

from adcascade.errors import ConfigurationError
from adcascade.settings import load_settings, signing_key


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    """An empty directory is a valid installation."""
    settings = load_settings(tmp_path)
    assert settings.auction.rule == "gsp"
    assert settings.journal_path == tmp_path / "journal.db"


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """adcascade.toml sets values; ADCASCADE_SECTION__KEY overrides them."""
    (tmp_path / "adcascade.toml").write_text('[auction]\nrule = "first_price"\nreserve_micros = 7\n')
    assert load_settings(tmp_path).auction.rule == "first_price"
    monkeypatch.setenv("ADCASCADE_AUCTION__RULE", "second_price")
    settings = load_settings(tmp_path)
    assert settings.auction.rule == "second_price"
    assert settings.auction.reserve_micros == 7


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[auction]\nrule = 'dutch'", "auction.rule"),
        ("[engine]\nprerank = 5000", "engine.prerank"),
        ("[server]\nport = 99999", "server.port"),
        ("[serverr]\nport = 1", "serverr"),
        ("[blending]\npositions = [3, 1]", "blending"),
        ("[blending]\npositions = []", "blending.positions"),
        ("auction = [", "not TOML"),
        ("[train]\nepochs = 'many'", "train.epochs"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, named: str) -> None:
    """The message holds the file and the key, so that it can be found and mended."""
    (tmp_path / "adcascade.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=named):
        load_settings(tmp_path)


def test_a_relative_sqlite_path_is_taken_from_the_directory(tmp_path: Path) -> None:
    """Commands may be run from anywhere."""
    assert load_settings(tmp_path).catalog_url == f"sqlite:///{tmp_path / 'catalog.db'}"


def test_the_signing_key_is_made_once_and_kept_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same directory has the same key, and only its owner may read it."""
    monkeypatch.delenv("ADCASCADE_SECRET", raising=False)
    key = signing_key(tmp_path)
    assert key == signing_key(tmp_path)
    assert len(key) == 32
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    monkeypatch.setenv("ADCASCADE_SECRET", "given")
    assert signing_key(tmp_path) == b"given"


def test_a_click_is_watched_for_a_part_of_its_window(tmp_path: Path) -> None:
    """An observation window longer than the conversion window is refused, with both values."""
    windows = "[train]\nconversion_window_s = 60\nobservation_window_s = 61\n"
    (tmp_path / "adcascade.toml").write_text(windows + 'conversion = "defuse"\n')
    with pytest.raises(ConfigurationError, match=r"61.*60"):
        load_settings(tmp_path)


def test_who_does_not_watch_clicks_may_have_a_short_window(tmp_path: Path) -> None:
    """The default observation window is no limit where settled clicks teach."""
    (tmp_path / "adcascade.toml").write_text("[train]\nconversion_window_s = 60\n")
    assert load_settings(tmp_path).train.conversion == "cvr"
