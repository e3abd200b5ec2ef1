"""The workflow that the docs offer: a stranger's pull request gets no right, no secret, and no code run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from medimeta_c.cli import app

PATH = Path(__file__).parents[2] / "docs/leaderboard-workflow.yml"
TEXT = PATH.read_text(encoding="utf-8")
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
COMMANDS = [step["run"] for _, step in STEPS if "run" in step]


def test_only_what_publishes_may_write() -> None:
    """Everything reads; one job, which runs no command, may publish, and only after a push to the board."""
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert [name for name, job in JOBS.items() if "permissions" in job] == ["publish"]
    assert all("run" not in step for step in JOBS["publish"]["steps"])
    assert JOBS["publish"]["needs"] == "site"
    assert JOBS["site"]["if"] == "github.event_name == 'push'"
    triggers = WORKFLOW[True]  # `on`, as YAML 1.1 reads it
    assert set(triggers) == {"pull_request", "push", "workflow_dispatch"}
    assert triggers["push"] == {"branches": ["main"]}


def test_no_secret_is_within_reach() -> None:
    """No secret is named, and no checkout leaves its token on the disk."""
    assert "secrets" not in str(WORKFLOW)
    checkouts = [step["with"] for _, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == 6  # of the board and of what is proposed; and the checker, a job each
    assert all(one["persist-credentials"] is False for one in checkouts)


def test_actions_are_pinned_to_commits() -> None:
    """A tag can be moved, a commit cannot; its version stands beside it."""
    lines = [line for line in TEXT.splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_nothing_from_outside_is_put_into_a_command() -> None:
    """Commands hold no expressions, which would be pasted in before the shell reads them."""
    assert COMMANDS
    assert not any("${{" in command for command in COMMANDS)


def test_the_checker_is_installed_first_and_from_one_commit() -> None:
    """Before a stranger's file is on the disk, and from no index, where anyone may take a name nobody has."""
    assert re.fullmatch(r"[0-9a-f]{40}", WORKFLOW["env"]["CHECKER_COMMIT"])
    source = {"repository": "${{ env.CHECKER }}", "ref": "${{ env.CHECKER_COMMIT }}", "path": "checker"}
    for job in (job for name, job in JOBS.items() if name != "publish"):
        python, checkout, install, *rest = job["steps"]
        assert python["uses"].startswith("actions/setup-python@")
        assert checkout["with"] == {**source, "persist-credentials": False}
        assert install == {"run": "pip install ./checker/corruptions './checker[leaderboard]'"}
        assert not any("pip install" in str(step) or "env.CHECKER" in str(step) for step in rest)


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("medimeta-c ")])
def test_commands_are_those_there_are(command: str) -> None:
    """Each command line parses as the package's own: its options exist."""
    _, group, name, *arguments = shlex.split(command)
    root: Any = get_command(app)
    found = root.commands[group].commands[name]
    made = found.make_context(name, arguments, resilient_parsing=False)
    assert made.params


def test_a_pull_request_cannot_accept_itself() -> None:
    """What is accepted, and the entries that stand, come from the board, not from the pull request."""
    checks = [command for command in COMMANDS if " validate " in command]
    assert len(checks) == 2
    for command in checks:
        assert command.endswith("proposed/results --accepted board/accepted.yaml --among board")
