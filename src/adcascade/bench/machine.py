"""What a figure was measured on, and how busy it was."""

import os
import platform
from importlib import metadata
from pathlib import Path

import msgspec

PACKAGES = ("numpy", "torch", "numba", "onnxruntime", "faiss-cpu", "pyarrow")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The processor, its cores, the versions that matter, and the load when it was asked."""

    processor: str
    cores: int
    memory_gib: int
    python: str
    packages: dict[str, str]
    threads: str  # OMP_NUM_THREADS
    load: float  # average over the last minute: above 0.5 a row may be off

    def __str__(self) -> str:
        """One line."""
        versions = ", ".join(f"{name} {version}" for name, version in self.packages.items())
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gib} GiB, Python {self.python}, {versions}, "
            f"OMP_NUM_THREADS={self.threads}, load {self.load:.1f}"
        )


def this_machine() -> Machine:
    """Of the machine and environment that this runs in."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        python=platform.python_version(),
        packages=_versions(),
        threads=os.environ.get("OMP_NUM_THREADS", "unset"),
        load=os.getloadavg()[0],
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    installed = {one.metadata["Name"].lower(): one.version for one in metadata.distributions()}
    return {name: installed[name] for name in PACKAGES if name in installed}
