"""Making: an image that cannot be opened is made anew by another process, once, however many processes ask for it."""

import fcntl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from adcascade.catalog.packed.image import ImageError
from adcascade.errors import StoreError

Opened = TypeVar("Opened")


def made_by(
    command: Sequence[str], orders: str, path: Path, open_it: Callable[[], Opened], tell: Callable[[str], None]
) -> Opened:
    """What `open_it` answers, after the command has made the file where it raised ImageError.

    orders: what the command reads, rather than arguments, which other users of the machine see; tell: hears why.
    StoreError where the command fails, with what it said.
    """
    try:
        return open_it()
    except ImageError:
        with _locked(path):
            try:  # another process may have made it meanwhile
                return open_it()
            except ImageError as error:
                tell(f"{error}; it is being made")
                _run(command, orders, path)
            return open_it()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time, whatever becomes of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise StoreError(f"the image {path} could not be made: {error}; make the folder writable") from error


def _run(command: Sequence[str], orders: str, path: Path) -> None:
    done = subprocess.run(command, input=orders, capture_output=True, text=True, check=False)  # noqa: S603  our module
    if done.returncode:
        said = done.stderr.strip()[-2000:] or "nothing"
        raise StoreError(f"the image {path} could not be made (exit status {done.returncode}): {said}")
