"""``medimeta-c submit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import JsonOption

if TYPE_CHECKING:
    from medimeta_c.leaderboard import SubmitReport

__all__ = ["submit"]


def _text(help: str) -> Any:
    return typer.Option(help=help, show_default=False, rich_help_panel="Instead of --submission")


def submit(
    result: Annotated[Path, typer.Argument(help="Folder of a result, or a pattern that matches one.")],
    repo: Annotated[str, typer.Option(help="The leaderboard's dataset repository, ORG/NAME.")],
    submission: Annotated[
        Path | None,
        typer.Option(
            help="A submission.yaml; default: the one in the folder. Example: docs/leaderboard.md.",
            show_default=False,
        ),
    ] = None,
    model_repo: Annotated[
        str | None,
        typer.Option(
            help="The model's repository; its .eval_results are proposed there too.", show_default=False
        ),
    ] = None,
    benchmark_repo: Annotated[
        str | None,
        typer.Option(
            help="The benchmark's repository; default: that of the scored benchmark.", show_default=False
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check; send nothing.")] = False,
    name: Annotated[str | None, _text("Name of the model on the board.")] = None,
    organisation: Annotated[str | None, _text("Who made the model.")] = None,
    contact: Annotated[str | None, _text("Mail or web address for questions; not shown.")] = None,
    submitted_by: Annotated[str | None, _text("Who submits, if not the makers of the model.")] = None,
    backbone: Annotated[str | None, _text("Image encoder, e.g. ViT-B/16.")] = None,
    adaptation: Annotated[str | None, _text("base, few-shot or fine-tuned.")] = None,
    training_kind: Annotated[str | None, _text("general, medical or general-and-medical.")] = None,
    training_data: Annotated[str | None, _text("The training data, in one line.")] = None,
    overlap: Annotated[
        str | None, _text("Benchmark images in the training data: none, train, test or unknown.")
    ] = None,
    overlap_statement: Annotated[str | None, _text("The overlap, in one sentence.")] = None,
    trained_on: Annotated[
        str | None,
        _text("Names of the training data, comma-separated; required of a classifier or trained head."),
    ] = None,
    code: Annotated[str | None, _text("Web address of the code.")] = None,
    paper: Annotated[str | None, _text("Web address of the paper.")] = None,
    declare: Annotated[
        bool,
        typer.Option(
            "--declare",
            help="Declare: no choice was based on test results, and the predictions may be published.",
            rich_help_panel="Instead of --submission",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check a result and submit it to a leaderboard as a pull request.

    Only the result, its predictions and submission.yaml are sent. A second run finds the open pull request.
    The token comes from HF_TOKEN or `hf auth login`.

    [b]Examples[/b]

      medimeta-c submit results/mine/0a1b2c3d4e5f --submission mine.yaml --repo their-org/leaderboard

      medimeta-c submit results/mine/0a1b2c3d4e5f --repo their-org/leaderboard --dry-run

      medimeta-c submit results/mine/0a1b2c3d4e5f --repo their-org/leaderboard --model-repo my-org/mine
    """
    from medimeta_c.errors import ConfigError
    from medimeta_c.io.hub_client import settle_client
    from medimeta_c.leaderboard import SubmitConfig
    from medimeta_c.leaderboard import submit as run
    from medimeta_c.leaderboard.submission import SUBMISSION_NAME, described, write_submission
    from medimeta_c.results.folder import result_folder

    folder = result_folder(result)
    described_by = {
        "name": name,
        "organisation": organisation,
        "contact": contact,
        "submitted_by": submitted_by,
        "backbone": backbone,
        "adaptation": adaptation,
        "kind": training_kind,
        "description": training_data,
        "overlap": overlap,
        "statement": overlap_statement,
        "trained_on": trained_on,
        "code": code,
        "paper": paper,
    }
    given = {key: value for key, value in described_by.items() if value is not None}
    if given or declare:
        if submission is not None:
            raise ConfigError(
                "--submission already describes the model: leave out the options that describe it"
            )
        write_submission(folder / SUBMISSION_NAME, described(given, declared=declare))
    settle_client()
    report = run(
        SubmitConfig(
            folder=folder,
            repo_id=repo,
            submission=None if submission is None else submission.expanduser(),
            model_repo=model_repo,
            benchmark_repo=benchmark_repo,
            dry_run=dry_run,
        )
    )
    if json:
        console.say_json(_values(report))
        return
    console.say(f"checked: every number of {folder} follows from its predictions")
    for note in (*report.finding.notes, *report.notes):
        console.say(f"note: {note}")
    if report.model_file is not None:
        console.say(f"written {report.model_file}, for the model's repository")
    if report.pull_request is None:
        for path in report.files:
            console.say(f"would send {path}")
        return
    console.say(f"pull request {'opened' if report.opened else 'is already open'}: {report.pull_request}")
    if report.model_pull_request is not None:
        console.say(f"pull request in the model's repository: {report.model_pull_request}")


def _values(report: SubmitReport) -> dict[str, Any]:
    return {
        "place": report.finding.place,
        "files": {path: str(source) for path, source in report.files.items()},
        "notes": [*report.finding.notes, *report.notes],
        "pull_request": report.pull_request,
        "opened": report.opened,
        "model_file": None if report.model_file is None else str(report.model_file),
        "model_pull_request": report.model_pull_request,
    }
