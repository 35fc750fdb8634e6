"""Archive: one file with a manifest of checksums, written whole or not at all, and verified before it is unpacked.

A gzipped tar whose last member, MANIFEST.json, holds size and SHA-256 of every other. Names are relative, of plain
files alone; anything else in an archive is refused, so unpacking cannot write outside its folder.
"""

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec

from adcascade.errors import InputError, StoreError

MANIFEST = "MANIFEST.json"
FORMAT = 1
CHUNK = 1 << 20


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One file."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds. began_us: every event acknowledged before it is inside."""

    format: int
    version: str  # of adcascade
    began_us: int
    ended_us: int
    secret: bool  # whether the signing key is inside
    files: dict[str, Member]


class ArchiveWriter:
    """Takes files one after another; see `writing_archive`."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.files: dict[str, Member] = {}

    def add(self, name: str, file: Path) -> None:
        """A file under a name. Its bytes are read once: what the manifest says is what was written."""
        with file.open("rb") as source:
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = os.fstat(source.fileno()).st_size, 0o600, 0
            counted = _Counted(source)
            self._tar.addfile(info, counted)
        self.files[name] = Member(size=info.size, sha256=counted.digest.hexdigest())

    def add_folder(self, name: str, folder: Path) -> None:
        """Every plain file below a folder; a folder that is absent adds nothing, drafts are left out."""
        for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
            inside = file.relative_to(folder)
            if file.is_file() and not file.is_symlink() and not any(part.startswith(".") for part in inside.parts):
                self.add(str(PurePosixPath(name, *inside.parts)), file)

    def finish(self, manifest: Manifest) -> None:
        """The last member."""
        body = msgspec.json.format(msgspec.json.encode(manifest))
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(body), 0o600
        self._tar.addfile(info, io.BytesIO(body))


class _Counted:
    """A stream that is hashed as it is read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self.digest = source, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        part = self._source.read(size)
        self.digest.update(part)
        return part


@contextmanager
def writing_archive(target: Path) -> Iterator[ArchiveWriter]:
    """An archive that appears as `target` when the block ends well, on disk, readable by its owner alone.

    StoreError where the disk refuses; InputError where the file exists.
    """
    if target.exists():
        raise InputError("FILE", str(target), "a file that does not exist yet", "name another, or remove it")
    part = target.with_name(target.name + ".part")
    try:
        with _private(part) as raw:
            with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as tar:
                yield ArchiveWriter(tar)
            raw.flush()
            os.fsync(raw.fileno())
        part.rename(target)
    except OSError as error:
        raise StoreError(f"the archive {target} could not be written: {error}; free space or name another") from error
    finally:
        part.unlink(missing_ok=True)


def verify_archive(source: Path) -> Manifest:
    """Read the whole archive and compare; InputError where anything is missing, changed or added.

    A changed byte that means the same to gzip (its header's clock, another way to the same zeros) changes no file.
    """
    found: dict[str, Member] = {}
    manifest: Manifest | None = None
    try:
        for name, stream in _members(source):
            if name == MANIFEST:
                manifest = _manifest(source, stream.read())
            else:
                found[name] = _measured(stream)
    except (tarfile.TarError, EOFError, zlib.error, UnicodeError, OSError) as error:
        raise _damaged(source, str(error)) from error
    if manifest is None:
        raise _damaged(source, "it ends before its manifest")
    if manifest.files != found:
        raise _damaged(source, f"{_differing(manifest.files, found)} differs from the manifest")
    return manifest


def unpack(source: Path, folder: Path) -> None:
    """Write every member below `folder`. Call `verify_archive` before. StoreError where the disk refuses."""
    try:
        for name, stream in _members(source):
            if name != MANIFEST:
                _write(folder / name, stream)
    except OSError as error:
        raise StoreError(f"{source} could not be unpacked into {folder}: {error}; remove the folder") from error


def _write(target: Path, stream: IO[bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with _private(target) as file:
        while part := stream.read(CHUNK):
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def _private(file: Path) -> IO[bytes]:
    """A new file that its owner alone may read."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _members(source: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Names and streams, in order; InputError for members that no archive of ours has."""
    with gzip.open(source) as whole, tarfile.open(fileobj=whole, mode="r:") as tar:
        for info in tar:
            name = PurePosixPath(info.name)
            stream = tar.extractfile(info) if info.isreg() else None
            if stream is None or name.is_absolute() or ".." in name.parts:
                raise _damaged(source, f"{info.name!r} is no plain file below it")
            yield info.name, stream
        while whole.read(CHUNK):  # to the end, where the checksum of all of it stands
            pass


def _measured(stream: IO[bytes]) -> Member:
    digest, size = hashlib.sha256(), 0
    while part := stream.read(CHUNK):
        digest.update(part)
        size += len(part)
    return Member(size=size, sha256=digest.hexdigest())


def _manifest(source: Path, body: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError as error:
        raise _damaged(source, f"its manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise InputError(
            "FILE", str(source), f"an archive of format {FORMAT}", "restore with the version that wrote it"
        )
    return manifest


def _differing(one: Mapping[str, Member], other: Mapping[str, Member]) -> str:
    return next(name for name in sorted({*one, *other}) if one.get(name) != other.get(name))


def _damaged(source: Path, what: str) -> InputError:
    return InputError("FILE", str(source), "a whole archive of `adcascade backup`", f"{what}; take another backup")
