"""What all tests share: the folder of real data, and services that may be absent."""

import os
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Public data sets (ADCASCADE_DATA, default ../shared/data); the test is skipped where they are absent."""
    folder = Path(os.environ.get("ADCASCADE_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("real data is absent: put the public data sets into a folder and name it in ADCASCADE_DATA")
    return folder


# a traceback that shows all variables takes longer to write than many a request may wait
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

# a law does not fail because the machine is busy
settings.register_profile("adcascade", deadline=None)
settings.load_profile("adcascade")
