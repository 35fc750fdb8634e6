"""Bundles for the pages of models: each holds a calibration and metrics, and no model."""

from pathlib import Path

from adcascade.calibration.stored import StoredCalibration, write_calibration
from adcascade.cascade.bundle import Bundles, Manifest

START = 1_700_000_000_000_000
KNOWN = {
    "ctr_auc": 0.71234,
    "ctr_log_loss": 0.2,
    "ctr_pcoc": 1.02,
    "rows": 1000.0,
    "rate": 0.05,
    "seconds_ranking": 3.0,
}


def stored(bundles: Bundles, at: int, parents: tuple[str, ...] = (), metrics: dict[str, float] = KNOWN) -> Manifest:
    """A bundle with a calibration and nothing else."""

    def fill(folder: Path) -> None:
        (folder / "calibration").mkdir()
        write_calibration(folder / "calibration", StoredCalibration())

    return bundles.write(
        fill, created_us=START + at * 86_400_000_000, schema="s", methods={"ranking": "dcn_v2"}, metrics=metrics,
        parents=parents, samples=5000, until_us=START,
    )  # fmt: skip
