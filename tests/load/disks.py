"""Disks that run full or may not be written: a real small file system where this user may mount one, else limits."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def may_mount() -> bool:
    """Whether this user may mount a file system of its own."""
    probe = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return os.geteuid() == 0 and probe.returncode == 0


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """`folder` as a file system of this size, gone afterwards with all that it holds."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


class FullDisk:
    """Fills the file system of a folder to the last byte with one file; `free` takes the file away."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """No byte more fits."""
        with self._ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue

    def free(self) -> None:
        """There is space again."""
        self._ballast.unlink()


class LimitedProcess:
    """No file of a process may grow beyond a few kilobytes: to it, every disk is full."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = resource.prlimit(pid, resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        """Writing fails from now on."""
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (4096, self._before[1]))

    def free(self) -> None:
        """Writing works again."""
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, self._before)
