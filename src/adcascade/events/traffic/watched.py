"""A file of rules that is read again when it changes, without stopping who uses it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from adcascade.errors import ConfigurationError

T = TypeVar("T")


class Watched(Generic[T]):
    """What `parse(lines, name)` makes of a file, or of no lines where no file is named.

    The first reading raises ConfigurationError. A later version that cannot be used is left aside: `value` stays
    what it was, and `trouble` says why until the file is mended.
    """

    def __init__(self, path: Path | None, parse: Callable[[Iterable[str], str], T]) -> None:
        self.path, self._parse = path, parse
        self.trouble = ""
        self._mark: tuple[int, ...] = ()
        self.value = parse((), "") if path is None else self._read(path)

    def refresh(self) -> None:
        """Read the file again if it is another than before. Call it once in a while, from any thread."""
        if self.path is None:
            return
        try:
            if _mark(self.path) != self._mark:
                self.value = self._read(self.path)
                self.trouble = ""
        except (ConfigurationError, OSError) as error:
            self.trouble = str(error)

    def _read(self, path: Path) -> T:
        try:
            self._mark = _mark(path)
            lines = path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path} cannot be read: {error}; mend it, or name another file") from error
        return self._parse(lines, str(path))


def _mark(path: Path) -> tuple[int, ...]:
    """What changes with the file."""
    about = path.stat()
    return about.st_mtime_ns, about.st_size, about.st_ino
