"""Bundle: an immutable, checksummed, versioned folder with everything that serving needs of the models.

    bundles/
      20260301T120000-3f9c2a71/     a version: time of writing and the start of its content hash
        manifest.json               what is inside, sha256 of every file, schema, methods, metrics, parents
        features/ retrieval/ preranking/ ranking/ conversion/ calibration/ creative/
        page/                       where whole pages are sold and enough were explored
      current                       text: the version that serves
      history                       text: the versions that served before, oldest first

A bundle is written beside its final name and renamed, so that a half-written one is never seen. Loading
verifies every checksum. Promoting rewrites `current` by an atomic rename; rolling back is promoting the
one before.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from adcascade.errors import BundleError, StoreError

FORMAT = 1
VERSION = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle says of itself."""

    version: str
    created_us: int
    schema: str  # fingerprint of the feature encoder
    methods: dict[str, str]  # stage -> method
    metrics: dict[str, float]  # as measured on the held-out part of the log it was trained from
    parents: tuple[str, ...]  # versions it was made from
    samples: int  # rows it learned from
    until_us: int  # the log up to here was used
    files: dict[str, str]  # relative path -> sha256
    scenarios: dict[str, dict[str, float]] = {}  # metrics by scenario; older bundles hold none
    format: int = FORMAT


def sha256(file: Path) -> str:
    """Hex digest of a file's bytes."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_atomically(file: Path, text: str) -> None:
    """Replace a small file so that a reader sees the old or the new text, also after a crash."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    Path(name).replace(file)


class Bundles:
    """The folder of all bundles of one installation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(  # the manifest's fields, one argument each
        self,
        fill: Callable[[Path], None],
        *,
        created_us: int,
        schema: str,
        methods: dict[str, str],
        metrics: dict[str, float],
        scenarios: dict[str, dict[str, float]] | None = None,
        parents: tuple[str, ...] = (),
        samples: int = 0,
        until_us: int = 0,
    ) -> Manifest:
        """Let `fill` write the stages' folders, then seal them under a new version. Does not promote."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(dir=self.folder, prefix=".draft-"))
            try:
                fill(draft)
                files = {str(p.relative_to(draft)): sha256(p) for p in sorted(draft.rglob("*")) if p.is_file()}
                content = hashlib.sha256(msgspec.json.encode([created_us, schema, files])).hexdigest()[:8]
                manifest = Manifest(
                    version=f"{_stamp(created_us)}-{content}",
                    created_us=created_us,
                    schema=schema,
                    methods=methods,
                    metrics=metrics,
                    scenarios=scenarios or {},
                    parents=parents,
                    samples=samples,
                    until_us=until_us,
                    files=files,
                )
                body = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
                (draft / "manifest.json").write_bytes(body)
                _seal(draft)
                draft.rename(self.folder / manifest.version)
            except BaseException:
                shutil.rmtree(draft, ignore_errors=True)
                raise
        except OSError as error:
            raise StoreError(f"the bundle could not be written to {self.folder}: {error}; free some space") from error
        return manifest

    def versions(self) -> list[str]:
        """All versions, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if VERSION.fullmatch(p.name))

    def manifest(self, version: str) -> Manifest:
        """Read a manifest without verifying the files."""
        file = self.path(version) / "manifest.json"
        try:
            manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
        except FileNotFoundError:
            known = ", ".join(self.versions()[-5:]) or "none; run `adcascade train`"
            raise BundleError(f"there is no bundle {version!r} in {self.folder}; there are: {known}") from None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BundleError(f"{file} cannot be read: {error}; restore it or roll back") from error
        if manifest.format != FORMAT:
            raise BundleError(f"bundle {version} has format {manifest.format}, this version reads {FORMAT}; train anew")
        return manifest

    def path(self, version: str) -> Path:
        """The folder of a version."""
        return self.folder / version

    def complete(self, version: str) -> Manifest:
        """Check that every file is there and that nothing was added, without reading any."""
        manifest = self.manifest(version)
        root = self.path(version)
        found = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()} - {"manifest.json"}
        if odd := sorted(found ^ set(manifest.files)):
            raise BundleError(f"bundle {version}: {odd[0]} is missing or was added; restore the bundle or roll back")
        return manifest

    def verify(self, version: str, folders: tuple[str, ...] = ()) -> Manifest:
        """Check that every file is there and unchanged, and that nothing was added. folders: read only these parts."""
        manifest = self.complete(version)
        root = self.path(version)
        for name, digest in manifest.files.items():
            wanted = not folders or name.startswith(tuple(f"{folder}/" for folder in folders))
            if wanted and sha256(root / name) != digest:
                raise BundleError(f"bundle {version}: {name} was changed after it was written; restore it or roll back")
        return manifest

    def current(self) -> str | None:
        """The version that serves, None before the first promotion."""
        file = self.folder / "current"
        return file.read_text("utf-8", "replace").strip() if file.exists() else None

    def history(self) -> list[str]:
        """Versions that served before the current one, oldest first."""
        file = self.folder / "history"
        return file.read_text("utf-8", "replace").split() if file.exists() else []

    def promote(self, version: str) -> None:
        """Make a version the one that serves, after verifying it. Servers swap within a second."""
        self.verify(version)
        before = self.current()
        if before == version:
            return
        if before:
            write_atomically(self.folder / "history", "\n".join([*self.history(), before]) + "\n")
        write_atomically(self.folder / "current", version + "\n")

    def rollback(self) -> str:
        """Go back to the version that served before; returns it."""
        history = self.history()
        if not history:
            raise BundleError("no version served before this one: there is nothing to roll back to")
        self.verify(history[-1])
        write_atomically(self.folder / "current", history[-1] + "\n")
        write_atomically(self.folder / "history", "".join(f"{v}\n" for v in history[:-1]))
        return history[-1]


def _stamp(time_us: int) -> str:
    """20260301T120000 of microseconds UTC."""
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y%m%dT%H%M%S")


def _seal(root: Path) -> None:
    """Make all files read-only and durable."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            path.chmod(0o444)
            with path.open("rb") as handle:
                os.fsync(handle.fileno())
