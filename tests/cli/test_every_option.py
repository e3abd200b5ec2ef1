"""Every option of every command: given twice, empty, of a wrong type, a path that does not exist."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from typer.testing import CliRunner

from medimeta_c.cli import app

RUNNER = CliRunner()
VALUES = {"dataset": "pbc", "corruption": "contrast", "severity": "3", "repo": "org/name", "model": "a/b"}
"""What an option is given where the command cannot do without it."""
OUTPUTS = {"out", "ids"}
MAY_LACK = {("build", "cache"), ("datasets", "data"), ("download", "data"), ("sign", "new_key")}
"""Options whose file or folder is made where it does not exist."""


WAYS_TO_NAME_A_MODEL = {"model", "sweep", "from_predictions"}
"""Of these `evaluate` needs exactly one."""


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each command with the words that call it."""
    todo: list[tuple[tuple[str, ...], Any]] = [((), typer.main.get_command(app))]
    while todo:
        words, command = todo.pop(0)
        if hasattr(command, "commands"):
            todo += [((*words, name), one) for name, one in command.commands.items()]
        else:
            yield words, command


COMMANDS = dict(commands())
PARAMETERS = [
    pytest.param(words, one, id=f"{' '.join(words)} {one.name}")
    for words, command in COMMANDS.items()
    for one in command.params
    if one.name != "help"
]
OPTIONS = [each for each in PARAMETERS if each.values[1].param_type_name == "option"]
VALUED = [each for each in PARAMETERS if not getattr(each.values[1], "is_flag", False)]


def kinds(words: tuple[str, ...], one: Any) -> set[Any]:
    """Return what a parameter is annotated as, and the parts of that."""
    annotation = inspect.signature(COMMANDS[words].callback, eval_str=True).parameters[one.name].annotation
    return {part for each in (annotation, *get_args(annotation)) for part in (each, *get_args(each))}


NUMBERS = [each for each in VALUED if kinds(*each.values) & {int, float}]


def needed(words: tuple[str, ...], without: Any) -> list[str]:
    """Return the arguments that a command cannot do without, but for one."""
    found = []
    for one in COMMANDS[words].params:
        if one.required and one is not without:
            found += [one.opts[0]] if one.param_type_name == "option" else []
            found.append("." if words == ("check",) else VALUES.get(one.name, "nowhere"))
    if words == ("sign",) and without.name == "benchmark":
        found += ["--key", "nowhere"]
    if words == ("evaluate",) and without.name not in WAYS_TO_NAME_A_MODEL:
        found += ["--model", "nowhere"]
    return found


def fails(words: tuple[str, ...], *arguments: str) -> tuple[int, str]:
    """Return the exit code and the one sentence of a command that must fail."""
    result = RUNNER.invoke(app, [*words, *arguments])
    lines = result.stderr.strip().splitlines()
    assert isinstance(result.exception, SystemExit), result.exception
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("medimeta-c: ")
    return result.exit_code, lines[0]


def test_there_are_many() -> None:
    """The walk reaches the commands of groups, too."""
    assert ("leaderboard", "validate") in COMMANDS
    assert len(PARAMETERS) > 150
    assert len(NUMBERS) > 20


@pytest.mark.parametrize(("words", "one"), OPTIONS)
def test_twice(words: tuple[str, ...], one: Any) -> None:
    """An option given twice is a list or an error."""
    option, command = one.opts[0], COMMANDS[words]
    if one.multiple:
        context = command.make_context("it", [*needed(words, one), option, "a", option, "b"])
        assert [*map(str, context.params[one.name])] == ["a", "b"]
        return
    value = [] if getattr(one, "is_flag", False) else ["1"]
    code, sentence = fails(words, *needed(words, one), option, *value, option, *value)
    assert (code, f"{option} is given twice: give it once" in sentence) == (2, True)


@pytest.mark.parametrize(("words", "one"), VALUED)
def test_empty(words: tuple[str, ...], one: Any) -> None:
    """An empty value is no value, and no current folder."""
    option = [one.opts[0]] if one.param_type_name == "option" else []
    code, sentence = fails(words, *needed(words, one), *option, " ")
    assert (code, "is empty: give a value, or leave it out" in sentence) == (2, True)
    assert not option or option[0] in sentence


@pytest.mark.parametrize(("words", "one"), NUMBERS)
def test_wrong_type(words: tuple[str, ...], one: Any) -> None:
    """The error names the value and the option if the value is not a number."""
    code, sentence = fails(words, *needed(words, one), one.opts[0], "many")
    assert (code, f"{one.opts[0]} 'many'" in sentence) == (2, True)


def is_input(words: tuple[str, ...], one: Any) -> bool:
    """Whether a parameter names a file or folder that must be there."""
    is_path = Path in kinds(words, one) or one.name in {"benchmark", "baseline"}
    return is_path and one.name not in OUTPUTS and (*words, one.name) not in MAY_LACK


@pytest.mark.parametrize(("words", "one"), [each for each in VALUED if is_input(*each.values)])
def test_a_path_that_does_not_exist(
    words: tuple[str, ...], one: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named; where a command looks first for something else that is missing, that is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDIMETA_DATA", str(tmp_path / "data"))
    option = [one.opts[0]] if one.param_type_name == "option" else []
    code, sentence = fails(words, *needed(words, one), *option, "no/such/nowhere")
    assert code in (1, 2)
    assert any(
        part in sentence
        for part in (
            "nowhere",
            "MediMeta-C is",
            "MediMeta-C does not",
            "--benchmark",
            "data does not",
            "extra:",
        )
    )


PLACES = {"benchmark", "where", "baseline", "prompts", "results", "out", "data"}
"""Texts that may be a path."""


@pytest.mark.parametrize("url", ["s3://bucket-of-nobody/x", "s3:/bucket-of-nobody/x", "ftp://host/x"])
@pytest.mark.parametrize(
    ("words", "one"),
    [each for each in VALUED if Path in kinds(*each.values) or each.values[1].name in PLACES],
)
def test_a_url_is_opened_or_refused_and_never_a_folder(
    words: tuple[str, ...], one: Any, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence names what is wrong; nothing called `s3:` is made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDIMETA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    option = [one.opts[0]] if one.param_type_name == "option" else []
    code, sentence = fails(words, *needed(words, one), *option, url)
    assert code in (1, 2)
    said = "'ftp'" if url.startswith("ftp") else "s3://"
    looked_for_first = one.name in {"baseline", "benchmark", "out", "data"} and any(
        part in sentence for part in ("nowhere", "pbc", "MediMeta-C", "give --out", "give --benchmark")
    )
    assert said in sentence or "extra:" in sentence or looked_for_first, sentence
    assert not [each.name for each in tmp_path.rglob("*") if ":" in each.name]
