"""Pictures show their look."""

import struct
import zlib

import numpy as np

from adcascade.market.pictures import LOOK, SIDE, data_uri, png, render


def test_the_look_can_be_read_from_the_pixels() -> None:
    """A linear reading of the pixels recovers the look on unseen pictures: R2 above 0.7 for each of its numbers."""
    look = np.random.default_rng(0).standard_normal((3000, LOOK)).astype(np.float32)
    pixels = render(look).reshape(3000, -1) / 255.0
    design = np.hstack([pixels, np.ones((3000, 1))])
    weights = np.linalg.lstsq(design[:2000], look[:2000], rcond=None)[0]
    left = ((design[2000:] @ weights - look[2000:]) ** 2).mean(axis=0)
    linear = 1 - left / look[2000:].var(axis=0)
    assert (linear > 0.7).all(), linear


def test_a_png_holds_the_pixels() -> None:
    """The written file has a correct header and checksums, and unpacks to the pixels row by row."""
    picture = render(np.ones((1, LOOK), np.float32))[0]
    data = png(picture)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, chunks = 8, {}
    while place < len(data):
        size = struct.unpack(">I", data[place : place + 4])[0]
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        assert struct.unpack(">I", data[place + 8 + size : place + 12 + size])[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        place += 12 + size
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(SIDE, 1 + 3 * SIDE)
    assert struct.unpack(">II", chunks[b"IHDR"][:8]) == (SIDE, SIDE)
    assert np.array_equal(rows[:, 1:].reshape(SIDE, SIDE, 3), picture)
    assert data_uri(picture).startswith("data:image/png;base64,")
