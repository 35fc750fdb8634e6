"""Sealed parts of the log: what a seal is, how it is written and verified, how it is read.

    <folder>/seal-000000000001-000000050000/
        auction.parquet, impression.parquet, click.parquet ...   (one a kind of events/table.py that has rows)
        manifest.json

Each file holds seq int64, id string, time_us int64 and payload binary (msgpack, as in the journal), in order of seq,
zstd. A seal covers a gapless part of the log from first_seq to last_seq and is never altered.
"""

import hashlib
import heapq
import os
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from adcascade.errors import StoreError

SCHEMA = pa.schema({"seq": pa.int64(), "id": pa.string(), "time_us": pa.int64(), "payload": pa.binary()})
ROW_GROUP = 4096
MANIFEST = "manifest.json"

SealedRow = tuple[int, str, int, bytes]  # seq, id, time_us, payload


class SealedFile(msgspec.Struct, frozen=True):
    """One Parquet file of a seal: its rows and the SHA-256 over their contents in order."""

    kind: str
    rows: int
    sha256: str


class Seal(msgspec.Struct, frozen=True):
    """What `manifest.json` says."""

    first_seq: int
    last_seq: int
    files: list[SealedFile]

    @property
    def rows(self) -> int:
        """Records in all files."""
        return sum(file.rows for file in self.files)

    @property
    def name(self) -> str:
        """Of the seal's folder."""
        return f"seal-{self.first_seq:012d}-{self.last_seq:012d}"


class Checksum:
    """SHA-256 over rows, so that any altered, missing or exchanged field changes it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.rows = 0

    def add(self, row: SealedRow) -> None:
        """Take in the next row."""
        seq, identity, time_us, payload = row
        name = identity.encode()
        head = b"%d,%d,%d,%d," % (seq, time_us, len(name), len(payload))
        self._hash.update(head + name + payload)
        self.rows += 1

    def file(self, kind: str) -> SealedFile:
        """The manifest's line."""
        return SealedFile(kind, self.rows, self._hash.hexdigest())


def write_file(folder: Path, kind: str, pages: Iterable[Sequence[SealedRow]]) -> SealedFile | None:
    """Write one kind's rows and bring them to disk; None, and no file, where there are none."""
    checksum = Checksum()
    writer: pq.ParquetWriter | None = None
    path = folder / f"{kind}.parquet"
    try:
        for page in pages:
            for row in page:
                checksum.add(row)
            if writer is None:
                writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")
            columns = [
                pa.array(values, kind) for values, kind in zip(zip(*page, strict=True), SCHEMA.types, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), row_group_size=ROW_GROUP)
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        return None
    sync(path)
    return checksum.file(kind)


def write_manifest(folder: Path, seal: Seal) -> None:
    """Written last: a folder without a manifest is no seal."""
    draft = folder / f"{MANIFEST}.draft"
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(seal)))
    sync(draft)
    draft.replace(folder / MANIFEST)
    sync(folder)
    sync(folder.parent)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_manifest(folder: Path) -> Seal:
    """The seal in the folder; StoreError where it is missing or damaged."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Seal)
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(f"the sealed log {folder} cannot be read: {error}; restore the folder from a copy") from error


def verify(folder: Path) -> Seal:
    """Read every file again and compare with the manifest; StoreError names the file that differs."""
    seal = read_manifest(folder)
    for file in seal.files:
        checksum = Checksum()
        for row in _rows(folder / f"{file.kind}.parquet"):
            checksum.add(row)
        if checksum.file(file.kind) != file:
            raise StoreError(f"{folder / file.kind}.parquet is not what was sealed; restore it from a copy")
    return seal


def read_seal(folder: Path, after: int, kinds: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    """(seq, payload) above `after` of the kinds, in order of seq."""
    chosen = set(kinds)
    files = [folder / f"{file.kind}.parquet" for file in read_manifest(folder).files if file.kind in chosen]
    for seq, _, _, payload in heapq.merge(*map(_rows, files), key=itemgetter(0)):
        if seq > after:
            yield seq, payload


def _rows(path: Path) -> Iterator[SealedRow]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROW_GROUP):
                yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"the sealed log {path} cannot be read: {error}; restore it from a copy") from error
