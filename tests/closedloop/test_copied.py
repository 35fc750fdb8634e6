"""A run of an installation's own market finds what `simulate` finds, and leaves the installation as it was."""

import shutil
from pathlib import Path

import pytest

from adcascade.closedloop.copied import copied, kept_outside
from adcascade.closedloop.market_run import run_market
from adcascade.closedloop.simulation import simulate_installation
from adcascade.closedloop.world import continued
from adcascade.errors import ConfigurationError
from adcascade.settings import load_settings

TICKS = 3


def content(folder: Path) -> dict[str, bytes]:
    """Every file, but for what SQLite keeps beside a database while somebody reads it."""
    files = [file for file in folder.rglob("*") if file.is_file() and not file.name.endswith(("-shm", "-wal"))]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_the_run_is_that_of_simulate_and_touches_nothing(shop: Path, tmp_path: Path) -> None:
    """RPM and welfare of the bundle and of all policies are the command's; but here no byte of it moves."""
    before = content(shop)
    order = continued(shop, TICKS)
    found = run_market(tmp_path / "run", order)
    assert content(shop) == before
    assert {file.name for file in (tmp_path / "run").iterdir()} == {"dials.json", "progress.jsonl", "result.json"}
    twin = tmp_path / "twin"
    shutil.copytree(shop, twin)
    told = simulate_installation(twin, TICKS, lambda title, total: lambda size: None, keep=True)
    assert set(found.policies) == set(told["rpm"])
    for name, one in found.policies.items():
        assert one.rpm == pytest.approx(told["rpm"][name])
        assert one.welfare == pytest.approx(told["welfare"][name])


@pytest.mark.parametrize(
    ("table", "setting"),
    [
        ('[money]\nbooks = "redis://127.0.0.1:1/0"\n', "money.books"),
        ('[storage]\ncatalog = "sqlite:////elsewhere/catalog.db"\n', "storage.catalog"),
        ('[storage]\ncatalog = "postgresql://127.0.0.1/shop"\n', "storage.catalog"),
        ('[storage]\njournal = "/elsewhere/journal.db"\n', "storage.journal"),
        ('[storage]\nimages = "../images"\n', "storage.images"),
    ],
)
def test_what_lies_outside_the_folder_is_not_risked(table: str, setting: str, tmp_path: Path) -> None:
    """A copy would share it with the installation: refused by the setting's name, before anything is copied."""
    source = tmp_path / "shop"
    source.mkdir()
    (source / "adcascade.toml").write_text(table)
    with pytest.raises(ConfigurationError, match=setting):
        copied(source, tmp_path / "copy")
    assert [one.name for one in tmp_path.iterdir()] == ["shop"]


def test_what_lies_within_is_copied(tmp_path: Path) -> None:
    """The usual settings keep everything in the folder."""
    assert kept_outside(load_settings(tmp_path)) == ""
