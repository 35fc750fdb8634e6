"""The HTTP reference as Markdown, from the OpenAPI description."""

from collections.abc import Mapping
from typing import Any

HEAD = """# HTTP reference

Generated from the OpenAPI description (`/openapi.json`) by `python -m adcascade.server.openapi`; do not edit.

Every answer that is no success holds `{"error": {"field", "value", "expected", "remedy"}}`.
Money in bodies is in the currency, not in cents; times are RFC 3339 with an offset.
An ad's token (`resolvedBidId`) is signed and expires; whoever altered it is refused.
"""

Part = Mapping[str, Any]


def page(description: Part) -> str:
    """The whole page: routes first, then every shape."""
    routes = [
        _route(path, method, part) for path, parts in description["paths"].items() for method, part in parts.items()
    ]
    shapes = [_shape(name, schema) for name, schema in sorted(description["components"]["schemas"].items())]
    return "\n".join([HEAD, "## Routes\n", *routes, "## Shapes\n", *shapes]).rstrip() + "\n"


def _route(path: str, method: str, part: Part) -> str:
    lines = [f"### {method.upper()} {path}\n", f"{part['summary']}. {part['description']}\n"]
    if "requestBody" in part:
        lines.append(f"Body: {_type(_schema(part['requestBody']))}.\n")
    lines += ["| status | meaning | body |", "| --- | --- | --- |"]
    for status, answer in part["responses"].items():
        body = _type(_schema(answer)) if "content" in answer else ""
        lines.append(f"| {status} | {answer['description']} | {body} |")
    return "\n".join([*lines, ""])


def _shape(name: str, schema: Part) -> str:
    required = set(schema.get("required", ()))
    lines = [f"### {name}\n", schema.get("description", ""), "", "| field | type | required |", "| --- | --- | --- |"]
    for field, kind in schema.get("properties", {}).items():
        lines.append(f"| `{field}` | {_type(kind)} | {'yes' if field in required else ''} |")
    return "\n".join([*lines, ""])


def _schema(part: Part) -> Part:
    found: Part = part["content"]["application/json"]["schema"]
    return found


def _type(kind: Part) -> str:
    """A type in words: `list of Imp`, `string or null`, `integer, 1 or more`."""
    if "$ref" in kind:
        name = kind["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "allOf" in kind:
        return " with ".join(_type(each) for each in kind["allOf"])
    if "anyOf" in kind:
        return " or ".join(_type(each) for each in kind["anyOf"])
    if "enum" in kind:
        return " or ".join(f'"{each}"' for each in kind["enum"])
    return _plain(kind)


def _plain(kind: Part) -> str:
    match kind.get("type"):
        case "array":
            return f"list of {_type(kind.get('items', {}))}" + _bounds(kind, "Items")
        case "object" if "properties" in kind:
            return "{" + ", ".join(f"{name}: {_type(each)}" for name, each in kind["properties"].items()) + "}"
        case "object":
            return f"object of {_type(kind.get('additionalProperties') or {})}"
        case None:
            return "anything"
        case [*names]:
            return " or ".join(names)
        case name:
            return str(kind.get("format", name)) + _bounds(kind, "Length")


def _bounds(kind: Part, what: str) -> str:
    low, high = kind.get(f"min{what}", kind.get("minimum")), kind.get(f"max{what}", kind.get("maximum"))
    unit = " characters" if f"max{what}" in kind and what == "Length" else ""
    match low, high:
        case None, None:
            return ""
        case _, None:
            return f", {low} or more"
        case None, _:
            return f", at most {high}{unit}"
        case _:
            return f", {low} to {high}{unit}"
