"""House rules that imports must keep: layers, heavy libraries, no cycles, no global generators."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]
PACKAGES = {
    "medimeta_c": REPO / "medimeta_c",
    "medimeta_corruptions": REPO / "corruptions/medimeta_corruptions",
}

# Lowest first. A module may import its own layer and the layers below it, never above.
LAYERS = (
    {"medimeta_corruptions"},
    {"errors", "records", "seeding", "suite"},
    # What files hold and what numbers mean; anything not named in another layer.
    set(),
    {"figures", "card", "reports"},
    {"building", "verification", "rowcheck", "imagefiles", "evaluation", "features", "finetuning"},
    {"hub", "leaderboard"},
    {"cli", "__main__"},
)
DEFAULT_LAYER = 2

# Heavy libraries, and the only modules that may import them.
CONFINED = {
    "torch": {"models", "inference", "lora", "evaluation", "features", "finetuning"},
    "open_clip": {"models"},
    "transformers": {"models"},
    "matplotlib": {"figures"},
    "datasets": set(),
    "distributed": {"building"},
}


def modules() -> dict[str, Path]:
    """Dotted module name → file, for every module of both packages."""
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            name = ".".join([package, *parts]).removesuffix(".__init__")
            found[name] = path
    return found


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Dotted names a file imports: `from a import b` is a.b where that is a module, else a."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lazy = (ast.FunctionDef, ast.AsyncFunctionDef)
    names: set[str] = set()
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if top_level_only and isinstance(node, lazy):
            continue
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                names.add(whole if whole in MODULES else str(node.module))
        todo += ast.iter_child_nodes(node)
    return names


def room(module: str) -> str:
    """The top-level module or sub-package a module lives in; the package's own `__init__` is its name."""
    package, _, rest = module.partition(".")
    return package if package == "medimeta_corruptions" else rest.partition(".")[0]


def layer(module: str) -> int:
    """Index of a module's layer."""
    for index, rooms in enumerate(LAYERS):
        if room(module) in rooms:
            return index
    return DEFAULT_LAYER


MODULES = modules()


@pytest.mark.parametrize("name", MODULES)
def test_arrows_point_down(name: str) -> None:
    """A module imports nothing of a layer above its own."""
    for imported in imports(MODULES[name]) & set(MODULES):
        if imported in PACKAGES and name.startswith("medimeta_c."):
            continue  # `from medimeta_c import x` is caught as medimeta_c.x
        assert layer(imported) <= layer(name), f"{name} imports {imported}, a layer above"


def test_no_import_cycles() -> None:
    """Modules that import each other at import time form no cycle."""
    edges = {
        name: {other for other in imports(path, top_level_only=True) & set(MODULES) if other not in PACKAGES}
        for name, path in MODULES.items()
    }
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail, name])
        if name not in done:
            for other in edges[name] - {name}:
                walk(other, (*trail, name))
            done.add(name)

    for name in edges:
        walk(name, ())


@pytest.mark.parametrize("library", CONFINED)
def test_heavy_libraries_stay_in_their_rooms(library: str) -> None:
    """Only the rooms named may import a heavy library, lazily or not."""
    for name, path in MODULES.items():
        used = any(one.split(".")[0] == library for one in imports(path))
        assert not used or room(name) in CONFINED[library], f"{name} imports {library}"


@pytest.mark.parametrize("command", [["build", "--help"], ["--version"]])
def test_help_is_light(command: list[str]) -> None:
    """Help imports neither numpy nor anything heavier."""
    heavy = ["numpy", "torch", "datasets", "matplotlib", "pyarrow", "numba", "h5py"]
    script = (
        "import sys\nfrom medimeta_c.cli import app\n"
        f"try:\n    app({command!r})\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"found = [name for name in {heavy!r} if name in sys.modules]\nassert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_nothing_draws_from_a_global_generator() -> None:
    """No module calls numpy's or Python's global random functions, nor the salted `hash`."""
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Name) and node.id == "hash"), f"{name} uses hash()"
            if isinstance(node, ast.Attribute) and ast.unparse(node).startswith(
                ("np.random.", "numpy.random.")
            ):
                assert node.attr in {"Generator", "RandomState", "Philox", "random"}, (
                    f"{name}: {ast.unparse(node)}"
                )
        assert not {"random"} & imports(path), f"{name} imports random"


def test_the_frozen_suite_is_registered_in_paper_order() -> None:
    """The core suite's corruptions are the first seven of the registry."""
    from medimeta_c.suite import CORE
    from medimeta_corruptions import CORRUPTIONS

    assert tuple(CORRUPTIONS)[: len(CORE.corruptions)] == CORE.corruptions
