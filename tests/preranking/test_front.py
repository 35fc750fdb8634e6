"""Laws of the front of the room."""

import subprocess
import sys

import pytest

import adcascade.conversion
import adcascade.preranking


def test_the_stage_needs_no_torch() -> None:
    """Serving imports the stages of both rooms that learn by torch, without torch."""
    code = (
        "import sys\n"
        "from adcascade.preranking import PrerankingStage\n"
        "from adcascade.conversion import ConversionStage\n"
        "print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


@pytest.mark.parametrize("room", [adcascade.preranking, adcascade.conversion])
def test_every_public_name_is_there(room: object) -> None:
    """Each name of the visible dictionary can be imported; another is an error that lists them."""
    for name in room.PUBLIC:  # type: ignore[attr-defined]
        assert getattr(room, name).__name__ == name
    with pytest.raises(AttributeError, match="Stage"):
        _ = room.NoSuchName  # type: ignore[attr-defined]
