"""MkDocs hooks: the command line reference, generated from the application, and notebooks as pages."""

from __future__ import annotations

import html
import inspect
import json
import re
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from medimeta_c.cli import app

PAGE = "cli.md"
_MARKUP = re.compile(r"\[/?(b|i|bold)\]")
_INTRODUCTION = """# Command line

Every command has `--help` (or `-h`) with examples. Every command that prints a report has `--json`.

**Options.** Give several values with commas, by repeating the option, or both: `--dataset pbc,oct` is the same as
`--dataset pbc --dataset oct`. An option that takes one value is an error if it is repeated. An empty value is an error.
The benchmark is `--benchmark` in every command; commands about one benchmark also take it as an argument. A folder of
results, or a pattern such as `'results/*'`, means all results in it.

**Output.** Results go to stdout; progress, warnings and errors go to stderr. `--quiet` prints only results and errors,
`--verbose` also prints the steps, and `--debug` prints details of every step and the traceback of an error. The three
options may be anywhere on the command line. `--json` prints the result as JSON. Commands that print tables take
`--format tsv`: stdout is then the tables only, separated by tabs, with unrounded numbers; other lines go to stderr.

**Exit codes.** 0: success. 1: failure; one sentence on stderr says why. 2: invalid command line. 128 + signal:
interrupted (130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP); a sentence says whether the same command resumes.

**Completion.** `medimeta-c --install-completion` installs completion of commands, options, datasets and corruptions for
bash, zsh, fish or PowerShell; `--show-completion` prints the script instead.

**Bug reports.** `medimeta-c env` prints versions, extras and folders, but no tokens.
"""
_COMMON = {"quiet", "verbose", "debug"}
"""Options of every command, which the introduction describes."""


def on_files(files: Any, config: Any) -> Any:
    """Add the generated page."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, PAGE, content=command_line_reference()))
    for path in Path(config.docs_dir).glob("*.ipynb"):
        files.append(File.generated(config, f"{path.stem}.md", content=notebook_page(path)))
    return files


def notebook_page(path: Path) -> str:
    """Return a notebook as Markdown: its texts, its code, and the outputs that it was saved with."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += map(_output, cell.get("outputs", ()))
    title, _, rest = "\n\n".join(parts).partition("\n")
    return f"{title}\n\n[The notebook itself]({path.name})\n{rest}\n"


def _output(output: dict[str, Any]) -> str:
    """Return one output of a cell: HTML as it is, without the blank lines that would end it, or text."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "text/html" in data:
        lines = "".join(data["text/html"]).splitlines()
        return "<div>\n" + "\n".join(line for line in lines if line.strip()) + "\n</div>"
    text = "".join(data["text/plain"]).rstrip()
    return f"<pre>{html.escape(text)}</pre>" if text else ""


def command_line_reference() -> str:
    """Return the page: a section a command, a table of its arguments and options, its examples."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    context = typer.Context(group, info_name="medimeta-c")
    parts = [_INTRODUCTION]
    for name, command in group.commands.items():
        parts += _sections(f"medimeta-c {name}", command, context)
    return "\n".join(parts)


def _sections(name: str, command: Any, parent: Any) -> list[str]:
    """Return the section of a command, and those of its own commands."""
    context = typer.Context(command, info_name=name.rpartition(" ")[2], parent=parent)
    parts = [_section(name, command, context)]
    for inner, child in getattr(command, "commands", {}).items():
        parts += _sections(f"{name} {inner}", child, context)
    return parts


def _section(name: str, command: Any, context: Any) -> str:
    text, _, examples = inspect.cleandoc(command.help or "").partition("[b]Examples[/b]")
    lines = [f"## {name}", "", _plain(text).strip(), "", "```text", f"{_usage(command, context)}", "```", ""]
    rows = [
        _row(one, context)
        for one in command.params
        if not getattr(one, "hidden", False) and one.name not in _COMMON
    ]
    if rows:
        lines += ["| | default | |", "|---|---|---|", *rows, ""]
    # An example's lines up to a blank one are one command, wrapped for the help page.
    shown = [" ".join(one.split()) for one in examples.split("\n\n") if one.strip()]
    if shown:
        lines += ["```text", *shown, "```", ""]
    return "\n".join(lines)


def _usage(command: Any, context: Any) -> str:
    return " ".join(command.get_usage(context).removeprefix("Usage:").split())


def _row(parameter: Any, context: Any) -> str:
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [str(parameter.metavar or parameter.name).upper()]
    default = parameter.get_default(context)
    if isinstance(default, (list, tuple)):
        default = ",".join(map(str, default)) or None
    shown = f"`{default}`" if isinstance(default, (int, float, str)) and default is not False else ""
    shown = shown or (f"`{default}`" if hasattr(default, "parts") else "")  # a path
    if parameter.required:
        shown = "required"
    words = _plain(getattr(parameter, "help", None) or "Show a help page and exit.")
    if parameter.envvar:
        words += f" Environment: `{parameter.envvar}`."
    return f"| {', '.join(f'`{one}`' for one in names)} | {shown} | {words} |"


def _plain(text: str) -> str:
    """Return help text without its markup, safe in a table."""
    plain = _MARKUP.sub(lambda found: "**", text)
    return plain.replace("|", "\\|").replace("<", "&lt;")
