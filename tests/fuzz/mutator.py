"""Mutations of JSON that stay JSON: what a bytewise fuzzer takes long to find behind the first brace."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

EXTREMES: tuple[Any, ...] = (
    None, True, False, 0, -1, -0.0, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**40, 1e308, 1e-320, "", "0", "1e999",
    "\x00", "\u202e\u2066", "\u2028", "\ud800", "𝒳" * 40, "a" * 2000, [], {}, [[]], [None], {"": {}},
)  # fmt: skip
RAW = ("1e999", "-0", "NaN", "Infinity", "1" * 400, "0." + "1" * 400, '"\\ud800"', "[" * 300 + "]" * 300)
MARK = "\x1araw"  # stands for text that no encoder would write

Bytewise = Callable[[bytes], bytes]


def mutated(data: bytes, random: Random, donors: list[Any], bytewise: Bytewise) -> bytes:
    """A neighbour of the document; where the bytes are none, or one too deep, and now and then, of the bytes."""
    if random.random() < 0.15:
        return bytewise(data)
    try:
        return _neighbour(json.loads(data), random, donors, bytewise)
    except (ValueError, RecursionError):
        return bytewise(data)


def _neighbour(document: Any, random: Random, donors: list[Any], bytewise: Bytewise) -> bytes:
    holder = [document]
    for _ in range(random.choice((1, 1, 2, 4))):
        if found := list(places(holder)):
            change(*random.choice(found), random, donors, bytewise)
    text = json.dumps(holder[0] if holder else None, ensure_ascii=random.random() < 0.5)
    text = text.replace(json.dumps(MARK), random.choice(RAW))
    if random.random() < 0.1:
        text = text.replace("{", '{"id": 1, ', 1)  # the same key twice
    return text.encode("utf-8", "surrogatepass")


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(parent, key) of every value inside; the parent is a list or a dict."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def change(parent: Any, key: Any, random: Random, donors: list[Any], bytewise: Bytewise) -> None:
    """Change one place: drop it, double it, nest it, or put something else there."""
    value = parent[key]
    match random.randrange(7):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, list):
            parent.extend(deepcopy(value) for _ in range(random.choice((1, 2, 70))))
        case 2:
            parent[key] = [value] if random.random() < 0.5 else {"x": value}
        case 3:
            parent[key] = MARK
        case 4 if isinstance(value, str):
            parent[key] = bytewise(value.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        case 5:
            parent[key] = deepcopy(random.choice(donors))
        case _:
            parent[key] = deepcopy(random.choice(EXTREMES))
