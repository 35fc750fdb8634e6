"""Mutations of the examples: a pure function of seed and number, so that any one can be made again alone.

Most change the document one to four times (`structure.py`); some damage its bytes, its encoding or the headers.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping
from random import Random

from adcascade.conformance.examples import examples
from adcascade.conformance.probe import JSON_HEADERS, Probe
from adcascade.conformance.reading import Document, decode, unpacked
from adcascade.conformance.structure import changed, written

PREFIX = "mutation-"
Headers = dict[str, str]
METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
TYPES = (
    "application/json;charset=utf-8", "APPLICATION/JSON", "application/json; charset=latin-1", "text/plain",
    "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/x-protobuf",
    "*/*", ";", "", "a" * 4000,
)  # fmt: skip
VERSIONS = ("2.6", "2.5", "2.3", "2.6-202211", "3.0", "1", "", "two", "2." + "9" * 500, "-1")
ENCODINGS = ("br", "deflate", "identity", "gzip, gzip", "x-gzip", "compress", "", "GZIP", "zstd", "gzip;q=0")
BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\x00\x00\xfe\xff")


def mutations(seed: int, count: int) -> Iterator[Probe]:
    """The first `count` mutations of a seed."""
    return (mutation(seed, number) for number in range(count))


def mutation(seed: int, number: int) -> Probe:
    """One mutation; the same seed and number give the same bytes."""
    random = Random(f"{seed}:{number}")  # noqa: S311  repeatable, and no secret
    example = random.choice(examples())
    document = _document(example)
    times = random.choice((0, 1, 1, 1, 2, 2, 3, 4))
    done = [changed(random, document, _document(random.choice(examples()))) for _ in range(times)]
    body = written(random, document)
    headers = {**JSON_HEADERS, **{name: value for name, value in example.headers.items() if name != "content-encoding"}}
    method = example.method
    if random.random() < 0.2 or not done:
        what = random.choice(DAMAGES)
        body = what(random, body)
        done.append(_name(what))
    if random.random() < 0.15:
        encode = random.choice(PACKINGS)
        body, encoding = encode(random, body)
        headers["content-encoding"] = encoding
        done.append(_name(encode))
    if random.random() < 0.1:
        headers, what_header = _headers(random, headers)
        done.append(what_header)
    if random.random() < 0.01:
        method = random.choice(METHODS)
        done.append(f"method {method}")
    about = f"{example.name}: {', '.join(done)}"
    return Probe(name=f"{PREFIX}{number}", about=about, kind="mutated", method=method, headers=headers, body=body)


def _document(example: Probe) -> Document:
    document: Document = decode(unpacked(example.body, example.headers.get("content-encoding")))
    return document


def _name(function: Callable[..., object]) -> str:
    return function.__name__.strip("_").replace("_", " ")


def _headers(random: Random, headers: Mapping[str, str]) -> tuple[Headers, str]:
    """One header changed, added or left out."""
    made = dict(headers)
    name, values = random.choice((
        ("content-type", TYPES), ("x-openrtb-version", VERSIONS), ("accept-encoding", ("gzip", "br", "identity;q=0")),
        ("x-unknown", ("y", "é", "z" * 4000)), ("expect", ("200-ok",)), ("user-agent", ("", "\x80" * 20)),
    ))  # fmt: skip
    if random.random() < 0.2 and name in made:
        del made[name]
        return made, f"without {name}"
    made[name] = random.choice(values)
    return made, f"{name}: {made[name][:40]}"


def _flip_bits(random: Random, body: bytes) -> bytes:
    made = bytearray(body)
    for _ in range(random.randint(1, 8)):
        if made:
            made[random.randrange(len(made))] ^= 1 << random.randrange(8)
    return bytes(made)


def _truncate(random: Random, body: bytes) -> bytes:
    return body[: random.randint(0, len(body))]


def _insert(random: Random, body: bytes) -> bytes:
    place = random.randint(0, len(body))
    return body[:place] + random.randbytes(random.randint(1, 16)) + body[place:]


def _cut_out(random: Random, body: bytes) -> bytes:
    start = random.randint(0, len(body))
    return body[:start] + body[start + random.randint(1, 20) :]


def _repeat(random: Random, body: bytes) -> bytes:
    return body * random.randint(2, 4)


def _swap_case(_: Random, body: bytes) -> bytes:
    return body.swapcase()


def _byte_order_mark(random: Random, body: bytes) -> bytes:
    return random.choice(BOMS) + body


def _recode(random: Random, body: bytes) -> bytes:
    charset = random.choice(("utf-16", "utf-16-le", "utf-32", "latin-1", "cp037"))
    return body.decode("utf-8", "replace").encode(charset, "replace")


def _nul_bytes(random: Random, body: bytes) -> bytes:
    return body + b"\x00" * random.randint(1, 100)


def _blanks(random: Random, body: bytes) -> bytes:
    return b" \t\r\n" * random.randint(1, 5000) + body


def _noise(random: Random, _: bytes) -> bytes:
    return random.randbytes(random.randint(0, 2000))


def _gzipped(_: Random, body: bytes) -> tuple[bytes, str]:
    return gzip.compress(body, 6, mtime=0), "gzip"


def _gzipped_and_damaged(random: Random, body: bytes) -> tuple[bytes, str]:
    return _flip_bits(random, gzip.compress(body, 6, mtime=0)), "gzip"


def _gzipped_and_cut(random: Random, body: bytes) -> tuple[bytes, str]:
    return _truncate(random, gzip.compress(body, 6, mtime=0)), "gzip"


def _gzipped_twice(_: Random, body: bytes) -> tuple[bytes, str]:
    return gzip.compress(gzip.compress(body, 6, mtime=0), 6, mtime=0), "gzip"


def _said_to_be_packed(random: Random, body: bytes) -> tuple[bytes, str]:
    return body, random.choice(("gzip", *ENCODINGS))


DAMAGES = (
    _flip_bits, _truncate, _insert, _cut_out, _repeat, _swap_case, _byte_order_mark, _recode, _nul_bytes, _blanks,
    _noise,
)  # fmt: skip
PACKINGS = (_gzipped, _gzipped, _gzipped_and_damaged, _gzipped_and_cut, _gzipped_twice, _said_to_be_packed)
