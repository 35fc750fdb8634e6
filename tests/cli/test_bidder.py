"""`adcascade bidder train`, and the table it prints."""

from pathlib import Path

from typer.testing import CliRunner

from adcascade.bidding.policy import PolicyManifest
from adcascade.cli.app import app
from adcascade.cli.bidder import summary
from adcascade.errors import DataMissingError

FIGURES = {f"{who}_{name}": 0.5 for who in ("policy", "full_bids") for name in ("revenue", "welfare")}


def test_a_directory_without_a_log_is_refused(tmp_path: Path) -> None:
    """Nothing was logged: the error says how much is needed."""
    result = CliRunner().invoke(app, ["bidder", "train", "--dir", str(tmp_path)])
    assert isinstance(result.exception, DataMissingError)
    assert "0 auctions" in str(result.exception)
    assert not (tmp_path / "bidding").exists()


def test_the_summary_has_a_row_a_figure() -> None:
    """The policy stands beside full bids."""
    manifest = PolicyManifest(method="maab", groups=("a",), seed=0, until_us=0, auctions=7, figures=FIGURES)
    assert summary(manifest).row_count == 2
