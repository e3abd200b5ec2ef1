"""Errors: a cause, a value and a remedy as data; only the command line knows options."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path

import pytest

from medimeta_c import errors
from medimeta_c.errors import BuildError, ConfigError, MediMetaError, Remedy, SourceError

REPO = Path(__file__).parents[1]
OPTION = re.compile(r"(?<!var\()(?<![\w-])--[a-z][a-z-]*")  # not of a style sheet
OTHERS = re.compile(r"`hf [^`]*`")  # the Hub's own command line


def test_an_error_is_a_cause_a_value_and_remedies() -> None:
    """Its message is all of them; a caller reads each by itself."""
    error = BuildError(
        "small is not a build",
        value="small",
        remedy=[Remedy("choose another {out}"), Remedy("say {data_is_dataset}", data_is_dataset=True)],
    )
    assert str(error) == "small is not a build: choose another `out`, or say `data_is_dataset=True`"
    assert (error.cause, error.value) == ("small is not a build", "small")
    assert [remedy.parameters for remedy in error.remedies] == [("out",), ("data_is_dataset",)]
    assert str(MediMetaError("no more")) == "no more"


def test_braces_of_a_path_are_no_parameter() -> None:
    """What is only known when the error is raised is handed over apart from the text."""
    assert str(Remedy("choose one with {task} ({0})", "'{out}'")) == "choose one with `task` ('{out}')"


@pytest.mark.parametrize(
    "error",
    [
        SourceError("c", ["p", "q"], remedy=Remedy("give {data_dir}"), value=3),
        ConfigError("c", remedy=Remedy("x {command}", command="download", datasets="pbc")),
        errors.IncompleteGridError(["a"], 2),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_whole_out_of_a_worker(error: MediMetaError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert (again.cause, again.value, again.remedies) == (error.cause, error.value, error.remedies)
    assert getattr(again, "problems", None) == getattr(error, "problems", None)


def strings(path: Path) -> list[tuple[int, str]]:
    """Return the strings of a module with their lines, parts of f-strings and docstrings included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [(node.lineno, node.value) for node in found]


MODULES = sorted(
    path for path in (REPO / "medimeta_c").rglob("*.py") if "cli" not in path.relative_to(REPO).parts
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPO)))
def test_no_option_is_spelled_outside_the_command_line(path: Path) -> None:
    """A Python caller has parameters; the command line turns them into its own options."""
    ours = [(line, OTHERS.sub("", text)) for line, text in strings(path)]
    found = [(line, option) for line, text in ours for option in OPTION.findall(text)]
    assert not found
