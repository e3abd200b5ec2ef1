"""Workflows, forms and hooks of the repository: valid, with no rights to spare, and made of our own scripts.

They run on machines that the tests do not have. What is checked here is what can be: their schemas, a linter
for their security, and that every command they run is a script that people run too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
OURS = sorted((ROOT / ".github/workflows").glob("*.yml"))
WORKFLOWS = [*OURS, ROOT / "docs/leaderboard-workflow.yml"]
CHECKED = [
    *((path, "vendor.github-workflows") for path in WORKFLOWS),
    (ROOT / ".github/ISSUE_TEMPLATE/config.yml", "vendor.github-issue-config"),
    *((path, "vendor.github-issue-forms") for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml")),
    (ROOT / "CITATION.cff", "vendor.citation-file-format"),
]
SCRIPTS = sorted(
    {
        step["run"]
        for path in OURS
        for step in (yaml.safe_load(path.read_text()))["jobs"].values()
        for step in step["steps"]
        if "run" in step
    }
)


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool of the environment these tests run in."""
    return subprocess.run(
        [Path(sys.executable).with_name(name), *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("path", "schema"), CHECKED, ids=lambda value: getattr(value, "name", value))
def test_schema(path: Path, schema: str) -> None:
    """The file is of the form that its reader expects."""
    checked = tool("check-jsonschema", "--builtin-schema", schema, path)
    assert checked.returncode == 0, checked.stdout


def test_schemas_refuse(tmp_path: Path) -> None:
    """The checker sees a job without a machine."""
    (tmp_path / "w.yml").write_text("on: push\njobs:\n  a:\n    steps: [{run: ls}]\n")
    assert (
        tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", tmp_path / "w.yml").returncode
        == 1
    )


def test_security() -> None:
    """The linter finds no token left on disk, no expression in a command, nothing unpinned."""
    checked = tool("zizmor", "--offline", "--no-progress", *WORKFLOWS)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(path: Path) -> None:
    """Every action is pinned to a commit, because a tag can be moved; a comment gives its version."""
    uses = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert uses
    for line in uses:
        assert re.search(r"uses: (actions|pypa)/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_rights(path: Path) -> None:
    """Every workflow reads only; a job that may do more runs no command."""
    workflow: dict[Any, Any] = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        if "permissions" in job:
            assert not any("run" in step for step in job["steps"])


@pytest.mark.parametrize("command", SCRIPTS)
def test_steps_are_our_scripts(command: str) -> None:
    """A step is one of the scripts that run on a desk as well."""
    script = ROOT / command.split(maxsplit=1)[0]
    assert script.parent == ROOT / "scripts"
    assert os.access(script, os.X_OK)
    assert command.split(maxsplit=1)[0] in "".join(
        path.read_text() for path in (ROOT / "CONTRIBUTING.md", ROOT / "README.md")
    )


def test_hooks_download_nothing() -> None:
    """Every hook is local, and starts a tool that scripts/test installs."""
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] == "system"
            assert Path(sys.executable).with_name(Path(hook["entry"].split()[0]).name).exists()
