"""The house keeps its floors: imports only go down, and serving never imports torch."""

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "adcascade"
STAGES = {
    "retrieval",
    "preranking",
    "ranking",
    "conversion",
    "calibration",
    "bidding",
    "auction",
    "creative",
}
FLOORS: list[set[str]] = [
    {"errors", "__init__"},
    {"sections"},
    {"settings", "contracts"},
    {"catalog", "events", "metrics"},
    {"money", "features", "nn", "access"},
    {"learning"},
    STAGES,
    {"experiments", "reports", "forecast"},
    {"cascade"},
    {"server", "conformance", "bench"},
    {"closedloop", "chaos"},
    {"studies", "console"},
    {"cli"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
ALONE_MAY = {"conformance": {"conformance", "errors"}, "bench": {"bench", "errors"}}
MARKET_MAY = {"market", "contracts", "catalog", "events", "errors"}


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(SOURCE.rglob("*.py"))


def imports(file: Path) -> set[str]:
    """The adcascade modules that a file imports, at any depth of its code."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.startswith("adcascade.")}


def modules_of(found: set[str], known: Iterable[str]) -> set[str]:
    """Without the front of a room from which only modules were taken: `from adcascade.features import fitting`."""
    modules = set(known)
    taken = {name.rpartition(".")[0] for name in found if name in modules}
    fronts = {name for name in taken if all(n in modules for n in found if n.rpartition(".")[0] == name)}
    return found - fronts


def room(module: str) -> str:
    """`catalog` of `adcascade.catalog.store`."""
    return module.split(".")[1]


@pytest.mark.parametrize("file", modules(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_only_go_down(file: Path) -> None:
    """A module imports its own room and rooms on lower floors; the market knows the nouns, who judges knows errors."""
    parts = file.relative_to(SOURCE).with_suffix("").parts
    mine = parts[0]
    for name in imports(file):
        other = room(name)
        if mine == "market":
            assert other in MARKET_MAY, f"{file} imports {name}: a world must not know the engine"
        elif mine in ALONE_MAY:
            assert other in ALONE_MAY[mine], f"{file} imports {name}: who judges the engine must not know it"
        elif other == "market":
            assert FLOOR[mine] >= FLOOR["closedloop"], f"{file} imports {name}"
        elif other != mine and other in FLOOR:
            assert FLOOR[other] < FLOOR[mine], f"{file} imports {name}, which is not below {mine}"


def test_every_room_stands_on_a_floor() -> None:
    """A new room must be given its floor here and in docs/architecture.md."""
    rooms = {p.relative_to(SOURCE).with_suffix("").parts[0] for p in modules()}
    assert rooms <= set(FLOOR) | {"market"}


def test_no_import_circle() -> None:
    """Among modules, the import graph has no circle, deferred imports included."""
    names = {"adcascade." + ".".join(p.relative_to(SOURCE).with_suffix("").parts): p for p in modules()}
    names = {name.removesuffix(".__init__"): p for name, p in names.items()}
    graph = {name: {i for i in modules_of(imports(p), names) if i in names} - {name} for name, p in names.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_serving_does_not_import_torch() -> None:
    """What every worker of a server has imported holds nothing that learns, migrates or draws, and no other command."""
    absent = ("torch", "sklearn", "onnx", "alembic", "pandas", "matplotlib", "ray", "pytest", "adcascade.cli.app")
    code = f"import sys; import adcascade.cli.preloaded; print([m for m in {absent} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
