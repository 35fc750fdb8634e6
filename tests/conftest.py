"""What all tests share: the folder of real data, and services that may be absent."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Public data sets (ADCASCADE_DATA, default ../shared/data); the test is skipped where they are absent."""
    folder = Path(os.environ.get("ADCASCADE_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("real data is absent: put the public data sets into a folder and name it in ADCASCADE_DATA")
    return folder


# a law does not fail because the machine is busy
settings.register_profile("adcascade", deadline=None)
settings.load_profile("adcascade")
