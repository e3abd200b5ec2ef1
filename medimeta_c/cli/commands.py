"""The commands: the module of each is imported when it runs, so that ``--help`` and completion are quick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

import typer
from typer.core import TyperCommand

from medimeta_c.cli.command import Command, Group, Resuming

__all__ = ["COMMANDS", "Application", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command, or a group of commands, before its module is imported.

    Attributes
    ----------
    panel : str
        Where the help shows it.
    target : str
        Its function or `typer.Typer`, as ``module:name`` within this package.
    summary : str
        The first line of its help.
    resumes : bool
        Whether it resumes when it is run again after an interruption.
    """

    panel: str
    target: str
    summary: str
    resumes: bool = False


COMMANDS = {
    "datasets": Entry(
        "Data",
        "benchmark.datasets:datasets",
        "List the known datasets: images, modality, task, licence, and whether the data is on this disk.",
    ),
    "download": Entry(
        "Data",
        "benchmark.download:download",
        "Download and extract MedIMeta or MedMNIST+ archives, and check them against pinned checksums.",
        resumes=True,
    ),
    "check": Entry(
        "Data",
        "benchmark.check:check",
        "List every problem that prevents a build from a folder of pictures; exit with 1 if there is one.",
    ),
    "build": Entry(
        "Benchmark",
        "benchmark.build:build",
        "Build corruption sets as Parquet shards, with statistics, a manifest and a dataset card.",
        resumes=True,
    ),
    "merge": Entry(
        "Benchmark",
        "benchmark.merge:merge",
        "Join the parts that --part wrote: of builds into one benchmark, of evaluations into one result.",
        resumes=True,
    ),
    "import-medimetac": Entry(
        "Benchmark",
        "benchmark.import_medimetac:import_medimetac",
        "Import the MediMeta-C files that its authors published, and audit them.",
        resumes=True,
    ),
    "import-medmnistc": Entry(
        "Benchmark",
        "benchmark.import_medmnistc:import_medmnistc",
        "Import the official MedMNIST-C files as a benchmark that can be verified, loaded and scored.",
        resumes=True,
    ),
    "verify": Entry(
        "Benchmark",
        "benchmark.verify:verify",
        "Check that a built benchmark matches its manifest; exit with 1 if anything differs.",
    ),
    "sign": Entry(
        "Benchmark",
        "benchmark.sign:sign",
        "Sign a built benchmark, so that others can check who made it; or make a key.",
    ),
    "push": Entry(
        "Benchmark",
        "benchmark.push:push",
        "Publish a built benchmark as a dataset repository on the Hugging Face Hub.",
        resumes=True,
    ),
    "analyse": Entry(
        "Benchmark",
        "outlets.analyse:analyse",
        "Measure how corruptions change low, mid and high frequencies, with 95 % intervals.",
    ),
    "corrupt": Entry(
        "Benchmark",
        "benchmark.corrupt:corrupt",
        "Corrupt image files and write PNG files; seed and file name determine the result.",
    ),
    "corruptions": Entry(
        "Benchmark",
        "benchmark.corruptions:corruptions",
        "List a suite's corruptions: parameters, sources and assumptions; or draw what they do to an image.",
    ),
    "models": Entry(
        "Models",
        "model.models:models",
        "List the kinds of models, and short names of published ones: spec, revision, licence, gated or not.",
    ),
    "evaluate": Entry(
        "Models",
        "model.evaluate:evaluate",
        "Score models: top-1, CE and mCE with intervals, per cell and overall.",
        resumes=True,
    ),
    "compare": Entry(
        "Models",
        "model.compare:compare",
        "Compare models on the images they share: paired differences, with ties marked.",
    ),
    "finetune": Entry(
        "Models",
        "model.finetune:finetune",
        "Fine-tune the image encoder with LoRA on a few images per class (RobustMedCLIP).",
        resumes=True,
    ),
    "probe": Entry(
        "Models",
        "model.probe:probe",
        "Train heads on a model's frozen features of a few clean images, and score each on every set.",
        resumes=True,
    ),
    "export-peft": Entry(
        "Models",
        "model.export_peft:export_peft",
        "Convert adapters to the format of Hugging Face's PEFT library.",
    ),
    "features": Entry(
        "Models",
        "model.features:features",
        "Save a model's features of clean and corrupted images, for the feature map of [b]figures[/b].",
    ),
    "figures": Entry(
        "Reports",
        "outlets.figures:figures",
        "Make the paper's figures (PNG, SVG, PDF, CSV) and tables (Markdown, CSV, LaTeX).",
    ),
    "submit": Entry(
        "Reports",
        "outlets.submit:submit",
        "Check a result and submit it to a leaderboard as a pull request.",
    ),
    "leaderboard": Entry(
        "Reports",
        "outlets.leaderboard:app",
        "Maintain a leaderboard: check submissions, build the site, freeze releases, accept benchmarks.",
    ),
    "readers": Entry(
        "Reports",
        "outlets.readers:app",
        "Find out what a severity means to human readers: make a study's page, score the answers.",
    ),
    "demo": Entry(
        "Help",
        "benchmark.demo:demo",
        "Build and verify the benchmark on synthetic images: no data, no network, under two minutes.",
    ),
    "env": Entry(
        "Help",
        "environment:env",
        "Print versions, platform, extras and folders for a bug report; no user names, no tokens.",
    ),
}


class Application(Group):
    """The outermost group: it lists `COMMANDS`, and imports one when it is run or looked at."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = _Commands()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options before the command's name."""
        for option in self.get_params(ctx):
            # Flags that Typer adds, for help and completion: it would import pydantic to read None.
            if option.default is None and getattr(option, "is_flag", False):
                option.default = False
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands, as the help orders them."""
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; as long as nobody runs it, one that has only its line of this group's help."""
        if cmd_name in self.commands and cmd_name not in self.commands.made:
            entry = COMMANDS[cmd_name]
            return TyperCommand(cmd_name, help=entry.summary, rich_help_panel=entry.panel)
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command to run."""
        self.commands.get(args[0])
        return super().resolve_command(ctx, args)


class _Commands(Mapping[str, Any]):
    """The commands by name, each made when it is looked up."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self.made:
            self.made[name] = _made(name, COMMANDS[name])
        return self.made[name]

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _made(name: str, entry: Entry) -> Any:
    """Import a command and return it for Click."""
    from medimeta_c.cli.common import everywhere

    found = resolve_name(f"medimeta_c.cli.{entry.target}")
    if not isinstance(found, typer.Typer):
        kind = Resuming if entry.resumes else Command
        alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
        alone.command(name, cls=kind, rich_help_panel=entry.panel)(everywhere(found))
        return typer.main.get_command(alone)
    group = typer.main.get_group(found)
    group.name, group.rich_help_panel = name, entry.panel
    return group
