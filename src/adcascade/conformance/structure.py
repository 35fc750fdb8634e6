"""Changes of a document's structure: fields dropped, renamed, repeated, and values that are extreme or of wrong types.

What JSON libraries will not write (NaN, a key twice, a hundred thousand levels) is put in as a mark and replaced
in the text by `written`.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from adcascade.conformance.extremes import LITERALS, NUMBERS, TEXTS, WORDS
from adcascade.conformance.reading import Document

Path = tuple[Any, ...]
MARK = "\ue000raw:"  # in front of text that is written as it is
TWICE = "\ue000key:"  # in front of a key that is there already
MARKED = re.compile(r'"(?:\ue000|\\ue000)(?P<kind>raw|key):(?P<inner>[^"\\]*(?:\\.[^"\\]*)*)"')
MOST_BYTES = 300_000  # that one change may add by copying


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value inside a document, from the outside in."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from places(each, (*path, key))


def parent_of(document: Any, path: Path) -> Any:
    """The object or array that holds the value at a path."""
    for step in path[:-1]:
        document = document[step]
    return document


def changed(random: Random, document: Document, other: Document) -> str:
    """Change the document in one place; what was done. other: a document to take parts from."""
    if random.random() < 0.25:
        inside = _native_changed(random, document, other)
        if inside:
            return inside
    paths = list(places(document))
    if not paths:
        return "nothing left to change"
    path, change = random.choice(paths), random.choice(CHANGES)
    change(random, parent_of(document, path), path[-1], other)
    return f"{change.__name__.strip('_').replace('_', ' ')} {'.'.join(str(step)[:20] for step in path)}"


def _native_changed(random: Random, made: Document, other: Document) -> str:
    """One change inside the string of a native request; empty where there is none that can be read."""
    imps = made.get("imp")
    for imp in imps if isinstance(imps, list) else ():
        native = imp.get("native") if isinstance(imp, dict) else None
        request = native.get("request") if isinstance(native, dict) else None
        try:
            inner = json.loads(request) if isinstance(request, str) else None
        except (ValueError, RecursionError):
            inner = None
        if isinstance(native, dict) and isinstance(inner, dict) and (paths := list(places(inner))):
            path, change = random.choice(paths), random.choice(CHANGES)
            change(random, parent_of(inner, path), path[-1], other)
            native["request"] = spliced(json.dumps(inner))
            return f"{change.__name__.strip('_').replace('_', ' ')} native {'.'.join(str(step)[:20] for step in path)}"
    return ""


def _drop(_: Random, parent: Any, key: Any, __: Document) -> None:
    del parent[key]


def _null(_: Random, parent: Any, key: Any, __: Document) -> None:
    parent[key] = None


def _number(random: Random, parent: Any, key: Any, _: Document) -> None:
    parent[key] = random.choice(NUMBERS)


def _text(random: Random, parent: Any, key: Any, _: Document) -> None:
    parent[key] = random.choice(TEXTS)


def _literal(random: Random, parent: Any, key: Any, _: Document) -> None:
    parent[key] = MARK + random.choice(LITERALS)


def _boolean(random: Random, parent: Any, key: Any, _: Document) -> None:
    parent[key] = random.random() < 0.5


def _wrap(random: Random, parent: Any, key: Any, _: Document) -> None:
    parent[key] = [parent[key]] if random.random() < 0.5 else {"x": parent[key]}


def _as_text(_: Random, parent: Any, key: Any, __: Document) -> None:
    parent[key] = parent[key] if isinstance(parent[key], str) else json.dumps(parent[key])


def _empty(random: Random, parent: Any, key: Any, _: Document) -> None:
    parent[key] = random.choice(([], {}, "", [[]], [{}], [None]))


def _rename(random: Random, parent: Any, key: Any, _: Document) -> None:
    if isinstance(parent, dict):
        names = (str(key).upper(), str(key) + "s", str(key)[:-1], " " + str(key), random.choice(WORDS))
        parent[random.choice(names)] = parent.pop(key)
    else:
        parent.reverse()


def _double(_: Random, parent: Any, key: Any, __: Document) -> None:
    if isinstance(parent, dict):
        parent[TWICE + str(key)] = copy.deepcopy(parent[key])
    else:
        parent.append(copy.deepcopy(parent[key]))


def _repeat_key(random: Random, parent: Any, key: Any, _: Document) -> None:
    if isinstance(parent, dict):
        parent[TWICE + str(key)] = random.choice(NUMBERS)
    else:
        parent.insert(0, random.choice(NUMBERS))


def _multiply(random: Random, parent: Any, key: Any, _: Document) -> None:
    many = min(random.choice((3, 65, 1000)), max(1, MOST_BYTES // len(json.dumps(parent[key]))))
    copies = [copy.deepcopy(parent[key]) for _ in range(many)]
    parent[key] = [each for one in copies for each in one] if isinstance(parent[key], list) else copies


def _crossover(random: Random, parent: Any, key: Any, other: Document) -> None:
    path = random.choice(list(places(other)))
    parent[key] = copy.deepcopy(parent_of(other, path)[path[-1]])


def _nest(random: Random, parent: Any, key: Any, _: Document) -> None:
    depth = random.choice((10, 200, 2000, 50_000))
    opening, closing = random.choice((("[", "]"), ('{"a":', "}")))
    parent[key] = MARK + opening * depth + "1" + closing * depth * random.choice((1, 1, 0))


def _many_fields(random: Random, parent: Any, key: Any, _: Document) -> None:
    parent[key] = {f"k{number}": number for number in range(random.choice((10, 1000, 10_000)))}


CHANGES: tuple[Callable[[Random, Any, Any, Document], None], ...] = (
    _drop, _drop, _null, _number, _number, _text, _text, _literal, _boolean, _wrap, _as_text, _empty, _rename, _double,
    _repeat_key, _multiply, _crossover, _crossover, _nest, _many_fields,
)  # fmt: skip


def written(random: Random, document: Document) -> bytes:
    """The document as bytes: escapes or UTF-8 by chance, marks replaced by what they stand for."""
    escaped = random.random() < 0.5
    return spliced(json.dumps(document, ensure_ascii=escaped)).encode("utf-8", "surrogatepass")


def spliced(text: str) -> str:
    """JSON text whose marks have become raw text and repeated keys."""
    return MARKED.sub(_raw, text)


def _raw(match: re.Match[str]) -> str:
    inner: str = json.loads(f'"{match["inner"]}"')
    return inner if match["kind"] == "raw" else json.dumps(inner)
