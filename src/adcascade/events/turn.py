"""Turns: processes that write to one SQLite file do so in the order in which they came.

SQLite lets a writer wait by trying again after pauses that grow. Where many write without rest, the lucky ones go on
and others find the file locked for seconds, until they give up. Waiting in the kernel's queue for a lock on a file
beside it costs two calls, wakes at once and starves nobody; where a process dies the kernel passes its turn on.
"""

import os
from pathlib import Path
from types import TracebackType

from adcascade.errors import StoreError

try:
    import fcntl
except ImportError:  # a system without: SQLite's own waiting has to do
    fcntl = None  # type: ignore[assignment]


class Turn:
    """`with` it: the only writer of the file at `path`, of all that take turns."""

    def __init__(self, path: Path) -> None:
        """The lock lies at `path` with "-turn" behind it."""
        try:
            self._file = os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(
                f"cannot write beside {path}: {error}; give the path of a file in a writable folder"
            ) from error

    def __enter__(self) -> None:
        if fcntl is not None:
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if fcntl is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the lock's file."""
        os.close(self._file)
