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

# Lowest first: one total order. A module imports its own room and the rooms below it, never above.
ORDER = (
    "medimeta_corruptions",
    "errors",
    "_version",
    "io",
    "format",
    "sources",
    "download",
    "prompts",
    "metrics",
    "models",
    "results",
    "lora",
    "paper",
    "analysis",
    "figures",
    "card",
    "reports",
    "building",
    "scoring",
    "probing",
    "finetuning",
    "readers",
    "hub",
    "leaderboard",
    "cli",
    "__main__",
    "medimeta_c",  # the face: names resolved on first use
)
GROUND = {"errors", "_version", "medimeta_corruptions"}
"""What anything may use without counting: errors, the version, and the package of corruptions."""

MOST_MODULES = 15
MOST_LINES = 3000
MOST_ROOMS = 8

# Heavy libraries, and the only modules that may import them.
CONFINED = {
    "torch": {"models", "lora", "scoring", "probing", "finetuning", "medimeta_corruptions.transforms"},
    "torchvision": {"models", "scoring", "finetuning", "medimeta_corruptions.transforms"},
    "albumentations": {"medimeta_corruptions.transforms"},
    "open_clip": {"models"},
    "transformers": {"models"},
    "matplotlib": {"figures"},
    "datasets": set(),
    "distributed": {"building", "io", "scoring"},
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
    return rest.partition(".")[0] if rest and package == "medimeta_c" else package


def rooms_used(name: str) -> set[str]:
    """The other rooms that a module imports, lazily or not."""
    return {room(imported) for imported in imports(MODULES[name]) & set(MODULES)} - {room(name)}


MODULES = modules()


def test_the_order_names_every_room() -> None:
    """There is no default layer: each room has its place, and each place a room."""
    assert {room(name) for name in MODULES} == set(ORDER)


@pytest.mark.parametrize("name", MODULES)
def test_arrows_point_down(name: str) -> None:
    """A module imports nothing of a room above its own."""
    above = {other for other in rooms_used(name) if ORDER.index(other) > ORDER.index(room(name))}
    assert not above, f"{name} imports {above}, above it"


def test_rooms_are_small() -> None:
    """A folder holds at most 15 modules and 3,000 lines; a folder in it counts by itself."""
    folders: dict[Path, list[Path]] = {}
    for path in MODULES.values():
        folders.setdefault(path.parent, []).append(path)
    for folder, files in folders.items():
        lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
        assert len(files) <= MOST_MODULES, f"{folder} has {len(files)} modules"
        assert lines <= MOST_LINES, f"{folder} has {lines} lines"


def test_rooms_know_few_others() -> None:
    """A room imports at most eight others; in the command line each command's file does."""
    used: dict[str, set[str]] = {}
    for name in MODULES:
        owner = name if room(name) == "cli" else room(name)
        used.setdefault(owner, set()).update(rooms_used(name) - GROUND)
    for owner, others in used.items():
        assert len(others) <= MOST_ROOMS, f"{owner} imports {sorted(others)}"


def test_no_import_cycles() -> None:
    """Modules that import each other at import time form no cycle."""
    edges = {
        name: (imports(path, top_level_only=True) & set(MODULES)) - {name} for name, path in MODULES.items()
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
        places = {room(name), name.rpartition(".")[0]}
        assert not used or places & CONFINED[library], f"{name} imports {library}"


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
                allowed = {"Generator", "RandomState", "Philox", "random"}
                if name == "medimeta_corruptions.imagecorruptions_compat":
                    allowed |= {"mtrand", "_rand"}  # as the package it stands for
                assert node.attr in allowed, f"{name}: {ast.unparse(node)}"
        assert not {"random"} & imports(path), f"{name} imports random"


def test_the_frozen_suite_is_registered_in_paper_order() -> None:
    """The core suite's corruptions are the first seven of the registry."""
    from medimeta_c.format.suites import CORE
    from medimeta_corruptions import CORRUPTIONS

    assert tuple(CORRUPTIONS)[: len(CORE.corruptions)] == CORE.corruptions
