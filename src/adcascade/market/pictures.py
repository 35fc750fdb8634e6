"""Pictures of 8 x 8 pixels whose look can be measured, and whose look matters.

A creative's look is a vector of L = 8 numbers, standard normal. Rendering uses every one of them: background colour
(3), brightness of a shape against it (1), size of the shape (1), its place (2), and contrast of stripes (1).
"""

import base64
import struct
import zlib

import numpy as np

from adcascade.market.arrays import Bytes, Singles

LOOK = 8  # L
SIDE = 8  # pixels


def render(look: Singles) -> Bytes:
    """Pixels uint8 [n, 8, 8, 3] of looks float32 [n, L]."""
    squash = np.tanh(0.6 * look.astype(np.float64))  # [n, L] within -1 to 1
    y, x = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1) * 2 - 1  # each [8, 8] within -1 to 1
    background = 0.42 + 0.2 * squash[:, None, None, 0:3]
    radius = 0.65 + 0.25 * squash[:, 4, None, None]
    away = np.hypot(x - 0.45 * squash[:, 5, None, None], y - 0.45 * squash[:, 6, None, None])  # [n, 8, 8]
    shape = 1.0 / (1.0 + np.exp(6.0 * (away - radius)))
    stripes = np.where(np.arange(SIDE) % 2 == 0, 1.0, -1.0)[None, None, :]
    light = 0.1 * (1.5 + squash[:, 3, None, None]) * shape + 0.06 * (1 + squash[:, 7, None, None]) * stripes
    return np.asarray(np.round(255 * (background + light[..., None]).clip(0, 1)), np.uint8)


def png(picture: Bytes) -> bytes:
    """The picture, uint8 [height, width, 3], as a PNG file (RFC 2083: 8 bits, RGB, no interlace)."""
    height, width, _ = picture.shape
    rows = b"".join(b"\x00" + picture[y].tobytes() for y in range(height))  # filter 0 before every row
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def data_uri(picture: Bytes) -> str:
    """The picture as a data: URI that a browser shows."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG file: length, kind, data, checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
