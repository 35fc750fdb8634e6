"""A short run of each fuzzing target: the same inputs every time, and none that fails."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.mutator import mutated
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is for Linux alone")


def fuzz(target: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own, which libFuzzer ends."""
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    command = [sys.executable, "-m", "tests.fuzz.run", target, "-seed=1", *options]
    environment = os.environ | {"PYTHONPATH": paths}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("target", TARGETS)
def test_no_bytes_break_a_decoder(target: str, tmp_path: Path) -> None:
    """Thousands of inputs, led by coverage of our code: each is used or refused, none hangs, and more is reached."""
    told = fuzz(target, tmp_path, "-runs=2500")
    assert told.returncode == 0, told.stderr[-4000:]
    reached = [int(lines) for lines in re.findall(r"(?:INITED|DONE) +cov: (\d+)", told.stderr)]
    assert len(reached) == 2
    assert reached[1] > reached[0]


def test_a_planted_fault_is_found(tmp_path: Path) -> None:
    """The same fuzzer stops at a fault that needs two wrong values at once, and keeps the input that shows it."""
    told = fuzz("tests.fuzz.planted:FAULTY", tmp_path, "-runs=100000")
    assert told.returncode != 0
    assert "TypeError" in told.stdout + told.stderr
    kept = next(tmp_path.glob("crash-*"), None)
    assert kept is not None, told.stderr[-4000:]
    imp = json.loads(kept.read_bytes())["imp"][0]
    assert isinstance(imp["banner"]["w"], str)
    assert fuzz("tests.fuzz.planted:FAULTY", tmp_path, str(kept)).returncode != 0


@given(
    seed=st.integers(0, 10**6),
    data=st.binary(max_size=40) | st.sampled_from([b"[[[[]]]]", b"[" * 5000, b'{"a": {"b": 1}}']),
)
def test_the_mutator_takes_any_bytes(seed: int, data: bytes) -> None:
    """It answers bytes, the same for the same seed, and leaves its donors alone."""
    donors: list[object] = [{"a": [1]}, [2]]
    first, second = (mutated(data, Random(seed), donors, bytes.upper) for _ in range(2))
    assert first == second
    assert donors == [{"a": [1]}, [2]]
