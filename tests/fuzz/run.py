"""Coverage-guided fuzzing with Atheris: `python -m tests.fuzz.run TARGET [libFuzzer options]`, or `make fuzz`.

TARGET is a key of tests/fuzz/targets.py, or an import path `module:name` of a `Fuzzed`. Without options it goes on
until it finds something; `-runs=100000 -seed=1` ends and can be repeated, a folder as a last argument keeps what was
interesting. A finding ends it with a traceback and leaves its input in a file `crash-...`;
`python -m tests.fuzz.run TARGET crash-...` tries it again.
"""

import importlib
import json
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import atheris

if TYPE_CHECKING:
    from tests.fuzz.targets import Fuzzed

HANG_S = 10  # an input that takes longer is a finding
MEMORY_MB = 2048


def found(name: str) -> "Fuzzed":
    """The target, imported under instrumentation."""
    module, _, attribute = name.partition(":")
    followed = ["adcascade", module] if attribute else ["adcascade"]
    with atheris.instrument_imports(include=followed, enable_loader_override=False):
        if attribute:
            fuzzed: Fuzzed = getattr(importlib.import_module(module), attribute)
            return fuzzed
        return importlib.import_module("tests.fuzz.targets").TARGETS[name]  # type: ignore[no-any-return]


def bytewise(data: bytes, size: int) -> bytes:
    """libFuzzer's own mutation, to at most `size` bytes."""
    changed: bytes = atheris.Mutate(data, size)
    return changed


def main(name: str, options: list[str]) -> None:
    """Fuzz until libFuzzer's options say stop; it ends the process."""
    from tests.fuzz.mutator import mutated, places

    fuzzed = found(name)
    documents = [json.loads(seed) for seed in fuzzed.seeds] if fuzzed.structured else []
    donors = [parent[key] for parent, key in places(documents)]

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        """A neighbour of at most `size` bytes."""
        if not fuzzed.structured:
            return bytewise(data, size)
        return mutated(data, Random(seed), donors, lambda inner: bytewise(inner, len(inner) + 16))[:size]

    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(fuzzed.seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        limits = [f"-timeout={HANG_S}", f"-rss_limit_mb={MEMORY_MB}", "-max_len=16384"]
        given = [each for each in options if not each.startswith("-")]
        folders = given if given and Path(given[0]).is_file() else [*given, corpus]
        switches = [each for each in options if each.startswith("-")]
        atheris.Setup([sys.argv[0], *limits, *switches, *folders], fuzzed.run, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
