"""Image: named arrays in one immutable file, checksummed, mapped by any number of processes.

    magic                8 bytes, the format
    length, checksum     of the header, two uint64
    header               JSON: kind, about, and of each array its place, type, shape and CRC-32
    arrays               each at a multiple of 64 bytes

A file is written beside its final name and renamed, so that no reader sees half of one. It is mapped copy-on-write:
what a process changes in an array costs it the pages that it touched and changes nothing for the others.
"""

import mmap
import os
import tempfile
import weakref
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from adcascade.errors import StoreError

MAGIC = b"ADCIMG02"
HEAD = len(MAGIC) + 16
ALIGN = 64
CHUNK = 1 << 26

Array = NDArray[Any]
Arrays = Mapping[str, Array]


class _Place(msgspec.Struct, frozen=True):
    """Where an array lies."""

    offset: int  # bytes from the end of the header
    dtype: str
    shape: tuple[int, ...]
    crc: int


class _Header(msgspec.Struct, frozen=True):
    """What a file says of itself."""

    kind: str
    about: dict[str, str | int]
    arrays: dict[str, _Place]


class ImageError(StoreError):
    """The file is not there, is damaged, or holds something else; whoever wrote it can write it anew."""


class Image:
    """An open file, or a part of one; the arrays keep it mapped."""

    def __init__(self, descriptor: int, address: int, about: Mapping[str, str | int], arrays: dict[str, Array]) -> None:
        self._descriptor, self._address = descriptor, address
        self.about, self.arrays = about, arrays

    def part(self, name: str) -> Self:
        """What was put `below` a name."""
        return type(self)(self._descriptor, self._address, self.about, part(self.arrays, name))

    @property
    def path(self) -> str:
        """Where this file can be opened once more, even if another has its name by now; while the image lives."""
        return f"/dev/fd/{self._descriptor}"

    def offset(self, name: str) -> int:
        """Bytes from the beginning of the file to an array."""
        return int(self.arrays[name].ctypes.data) - self._address


def write_image(path: Path, kind: str, about: Mapping[str, str | int], arrays: Arrays) -> None:
    """Write the file, durable when it returns; StoreError where the disk refuses, and then nothing was changed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                _write(file, kind, about, arrays)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"the image {path} could not be written: {error}; free some space") from error


def _write(file: BinaryIO, kind: str, about: Mapping[str, str | int], arrays: Arrays) -> None:
    places: dict[str, _Place] = {}
    end = 0
    for name, array in arrays.items():
        places[name] = _Place(end, array.dtype.str, array.shape, zlib.crc32(_bytes(array).data))
        end += -(-array.nbytes // ALIGN) * ALIGN
    header = msgspec.json.encode(_Header(kind, dict(about), places))
    numbers = np.array([len(header), zlib.crc32(header)], "<u8")
    file.write(MAGIC + numbers.tobytes() + header)
    file.write(bytes(_start(len(header)) - HEAD - len(header)))
    for array in arrays.values():
        file.write(_bytes(array).data)
        file.write(bytes(-array.nbytes % ALIGN))


def _bytes(array: Array) -> Array:
    """The array's bytes, uint8 [nbytes]."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _start(header: int) -> int:
    """Where arrays begin behind a header of so many bytes."""
    return -(-(HEAD + header) // ALIGN) * ALIGN


def open_image(path: Path, kind: str) -> Image:
    """Map a file after checking every byte of it; ImageError says what is wrong."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise ImageError(f"there is no image {path}") from error
    except OSError as error:
        raise ImageError(f"the image {path} cannot be read: {error}; delete it, and it is written anew") from error
    try:
        mapped = mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError) as error:
        os.close(descriptor)
        raise ImageError(f"the image {path} cannot be mapped: {error}; delete it, and it is written anew") from error
    weakref.finalize(mapped, os.close, descriptor)  # arrays keep the mapping, and it the file
    data = np.frombuffer(mapped, np.uint8)
    header = _header(path, data)
    if header.kind != kind:
        raise ImageError(f"{path} is an image of {header.kind!r}, not of {kind!r}; delete it, and it is written anew")
    start = _start(int(data[len(MAGIC) : HEAD].view("<u8")[0]))
    with ThreadPoolExecutor() as threads:  # a gigabyte is checked in half the time on two cores
        found = threads.map(lambda place: _array(path, data[start:], *place), header.arrays.items())
        arrays = dict(zip(header.arrays, found, strict=True))
    return Image(descriptor, int(data.ctypes.data), header.about, arrays)


def _header(path: Path, data: NDArray[np.uint8]) -> _Header:
    """The verified header."""
    if data[: len(MAGIC)].tobytes() != MAGIC or len(data) < HEAD:
        raise ImageError(f"{path} is no image of this version; delete it, and it is written anew")
    length, crc = data[len(MAGIC) : HEAD].view("<u8").tolist()
    header = data[HEAD : HEAD + length].tobytes()
    if len(header) != length or zlib.crc32(header) != crc:
        raise ImageError(f"the image {path} is damaged in its header; delete it, and it is written anew")
    return msgspec.json.decode(header, type=_Header)


def _array(path: Path, data: NDArray[np.uint8], name: str, place: _Place) -> Array:
    """The verified array of a place."""
    dtype = np.dtype(place.dtype)
    size = dtype.itemsize * int(np.prod(place.shape, dtype=np.int64))
    found = data[place.offset : place.offset + size]
    if len(found) != size or zlib.crc32(found.data) != place.crc:
        raise ImageError(f"the image {path} is damaged in {name!r}; delete it, and it is written anew")
    return found.view(dtype).reshape(place.shape)


def below(name: str, arrays: Arrays) -> dict[str, Array]:
    """The arrays of a part, under its name: {"rows": ...} -> {"name/rows": ...}."""
    return {f"{name}/{own}": array for own, array in arrays.items()}


def part(arrays: Arrays, name: str) -> dict[str, Array]:
    """Undo `below`."""
    start = f"{name}/"
    return {full.removeprefix(start): array for full, array in arrays.items() if full.startswith(start)}


def plain(value: object) -> Array:
    """A small value as the bytes of its JSON, uint8 [n]."""
    return np.frombuffer(msgspec.json.encode(value), np.uint8)


def read_plain(array: Array) -> Any:
    """Undo `plain`."""
    return msgspec.json.decode(array.tobytes())
